"""The sentences of documents and of the code's texts that sound like promises."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.server import ROOT

#: Whoever writes one of these promises something, or must say in another way what is meant.
WORDS = re.compile(
    r"\b(never|always|nothing (was|is|has|changes|else|leaves)|changes nothing|or nothing|not at all"
    r"|at most once|exactly once|guarantee\w*|re-entrant|the only|survives?|nobody else"
    r"|(stops|delays) nobody)\b",
    re.IGNORECASE,
)
#: Output of programs is quoted from them; code in the text is no sentence.
_QUOTED = re.compile(r"```.*?```|`[^`\n]*`|<!--.*?-->", re.DOTALL)
#: Where one sentence ends: a full stop, the end of a cell, an item or a paragraph.
_END = re.compile(r"(?<=[.!?])\s+|\s\|\s|\n\s*\n|\n\s*[-*|]\s")
_DEFINITIONS = (ast.FunctionDef, ast.ClassDef)


def promises_in(path: Path) -> list[str]:
    """The sentences of a file that hold one of :data:`WORDS`, white space folded."""
    sentences = (fold(one) for written in _texts(path) for one in _END.split(written) if one)
    return list(dict.fromkeys(one for one in sentences if WORDS.search(one)))


def spoken(path: Path) -> str:
    """All that a file says, in one line."""
    return fold(" ".join(_texts(path)))


def fold(text: str) -> str:
    """The text in one line."""
    return " ".join(text.split())


def files(*patterns: str) -> list[Path]:
    """The files that the patterns mean, seen from the project's folder."""
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern))


def is_test(name: str) -> bool:
    """Whether ``FILE::TEST`` or ``FILE::CLASS::TEST`` names a test that pytest collects."""
    file, *inside = name.split("::")
    found: ast.AST = _parsed(ROOT / file)
    for one in inside:
        defined = {node.name: node for node in ast.iter_child_nodes(found) if isinstance(node, _DEFINITIONS)}
        if one not in defined or not one.startswith(("test", "Test")):
            return False
        found = defined[one]
    return Path(file).name.startswith("test_") and isinstance(found, ast.FunctionDef)


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8") if path.exists() else "")


def _texts(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return list(_strings(text)) if path.suffix == ".py" else [_QUOTED.sub("`…`", text)]


def _strings(code: str) -> Iterator[str]:
    """Docstrings and error texts, those of f-strings without what is filled in."""
    tree = ast.parse(code)
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value
