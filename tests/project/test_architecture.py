"""The packages and the arrows between them: what docs/architecture.md says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.server import ROOT

#: From the top to the bottom: a package imports what is below it, never what is above or beside it.
LAYERS = (
    ("__main__",),
    ("cli",),
    ("server",),
    ("app",),
    ("web",),
    ("compare",),
    ("emulator",),
    ("postgres",),
    ("endpoint", "importer"),
    ("mobile",),
    ("workspaces",),
    ("fake",),
    ("fixtures",),
    ("store",),
    ("faults", "journal"),
    ("schemas",),
    ("loop", "messages"),
    ("settings",),
    ("rules",),
    ("early_stop", "timestamps"),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
#: Modules that may lie loose in ``emulator``, beside ``__init__`` and ``__main__``.
MOST_LOOSE = 6


def imports() -> Iterator[tuple[str, str, str]]:
    """``(file, importing package, imported package)`` of every import within ``emulator``."""
    for path in sorted((ROOT / "emulator").rglob("*.py")):
        parts = path.relative_to(ROOT / "emulator").with_suffix("").parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in _imported(node):
                if name.startswith("emulator.") and not name.endswith("__version__"):
                    yield str(Path(*parts)), parts[0], name.split(".")[1]


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [one.name for one in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [f"{node.module}.{one.name}" for one in node.names]
    return []


def test_every_import_points_downwards() -> None:
    upward = {
        f"{file} imports {imported}"
        for file, importing, imported in imports()
        if importing != imported and LEVEL[importing] >= LEVEL[imported]
    }
    assert upward == set()


def test_no_import_is_hidden_in_a_string() -> None:
    hidden = [
        str(path.relative_to(ROOT))
        for package in ("emulator", "push_emulator")
        for path in (ROOT / package).rglob("*.py")
        if "import_module" in path.read_text(encoding="utf-8")
    ]
    assert hidden == []


def test_six_files_at_most_lie_loose() -> None:
    loose = [path.name for path in (ROOT / "emulator").glob("*.py") if not path.name.startswith("__")]
    assert len(loose) <= MOST_LOOSE, loose


def test_the_page_names_every_package() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    packages = [path.parent.name for path in (ROOT / "emulator").glob("*/__init__.py")]
    assert [name for name in packages if f"`{name}/`" not in page] == []
