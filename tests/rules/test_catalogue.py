"""The catalogue of rules, and that none is without a test of its name."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from emulator.rules.catalogue import GRADES, RULES

TESTS = Path(__file__).resolve().parent.parent
COUNTS = {"Q": 5, "B": 4, "M": 11, "S": 7, "A": 6, "T": 6, "K": 6, "E": 5, "R": 6, "L": 9}
#: The rules of the mobile SDKs' calls, which have a row of numbers for each call.
CALLS = ["K10", "K11", "K12", "K13", "K14", "K15", "K20", "K30", "K40", "K50"]


@cache
def names_of_tests() -> set[str]:
    """The names of all test functions of the project."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in TESTS.rglob("test_*.py"))
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_rule_of_the_specification_is_there() -> None:
    numbered = [f"{letter}{n + 1}" for letter, size in COUNTS.items() for n in range(size)]
    numbered[numbered.index("E1") : numbered.index("E1")] = CALLS
    assert list(RULES) == numbered


def test_the_rules_know_no_HTTP_no_storage_and_no_clock() -> None:
    pure = {
        "__future__",
        "collections",
        "datetime",
        "difflib",
        "functools",
        "hashlib",
        "ipaddress",
        "itertools",
        "math",
        "push_emulator",
        "re",
        "types",
        "typing",
    }
    folder = TESTS.parent / "emulator" / "rules"
    for path in folder.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.startswith(("emulator.rules", "msgspec")) or name.partition(".")[0] in pure, path
            assert not (isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today")) or (
                isinstance(node.value, ast.Name) and node.value.id in ("context", "self")
            ), path


def test_every_rule_has_a_grade_and_a_text() -> None:
    for rule in RULES.values():
        assert rule.grade in GRADES
        assert rule.text.endswith(".")


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_a_test_of_its_name(rule: str) -> None:
    assert any(name.startswith(f"test_{rule}_") for name in names_of_tests())
