"""A class has a name of its own; tests and benchmarks use public names alone."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Names of Python and of libraries that begin with an underscore and are documented, or have no other door:
#: ``tests/test_granian.py`` holds what the server expects of granian's.
OTHERS = {
    "_asdict",
    "_create_default_https_context",
    "_create_unverified_context",
    "_exit",
    "_get_default_tempdir",
    "_granian",
    "_replace",
    "_schedule_fn",
}


def test_no_two_classes_of_server_and_client_have_one_name() -> None:
    names = Counter(
        node.name
        for package in ("emulator", "push_emulator")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    )
    assert len(names) > 300
    assert [name for name, count in names.items() if count > 1] == []


def test_no_test_and_no_benchmark_reaches_for_a_private_name() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for folder in ("tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        for line, name in private_names(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert not found


def private_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Each private attribute of another object, read or replaced, and each private name imported."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Attribute) and not _own(node.value):
            names = [node.attr]
        elif isinstance(node, ast.ImportFrom):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            replaced = node.func.attr in ("setattr", "delattr")
            names = [one.value.rpartition(".")[2] for one in node.args[:2] if replaced and _text(one)]
        yield from ((node.lineno, name) for name in names if _private(name))


def _own(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def _text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in OTHERS
