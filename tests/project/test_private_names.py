"""Tests and benchmarks use public names alone: what they need of the inside is a seam with a name."""

from __future__ import annotations

import ast
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
