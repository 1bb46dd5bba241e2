"""The texts of refusals that stand in the code, where the console finds them by what was raised."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.server import ROOT

#: What makes a text for people, and which of its arguments the text is.
_MAKERS = {
    **dict.fromkeys(
        ("message", "Message", "messages", "number", "did_you_mean", "with_nearest", "advised"), 0
    ),
    **dict.fromkeys(("InvalidFieldValue", "JSONProblem", "NotCompared", "ValidationError"), 0),
    **dict.fromkeys(("Conflict", "Forbidden", "Invalid", "NotFound"), 0),
    **dict.fromkeys(("NotKept", "TooLarge", "TooMany", "Unauthorized"), 0),
    **dict.fromkeys(("Problem", "of", "_bad"), 1),
    "FileProblem": 2,
}
#: marshmallow's validators, whose texts are ``error``.
_VALIDATORS = ("Equal", "Length", "OneOf", "Range", "Regexp")
#: What only a client of the endpoint or of the SDKs is told; and imports, whose texts stand in a file.
_ELSEWHERE = ("endpoint", "importer", "mobile", "postgres", "rules", "server")
_OF_RULES = ("fields.py", "lints.py", "request.py", "texts.py")


def texts_of_refusals() -> Iterator[str]:
    """Every text that a refusal of the console or of the admin API has, with places for its values."""
    package = ROOT / "emulator"
    for path in sorted(package.rglob("*.py")):
        if path.relative_to(package).parts[0] not in _ELSEWHERE or path.name in _OF_RULES:
            yield from _said_in(path)


def _said_in(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named: dict[str, list[ast.expr]] = defaultdict(list)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    named[target.id].append(node.value)
    module = vars(import_module(".".join(path.relative_to(ROOT).with_suffix("").parts)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for value in _texts_of(node):
                yield from _constants(value, named, module)


def _texts_of(call: ast.Call) -> Iterator[ast.expr]:
    """The arguments of a call that are texts for people."""
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    at = _MAKERS.get(name)
    if at is not None:
        yield from call.args[at : at + 1]
    for given in call.keywords:
        if given.arg == "error" and name in _VALIDATORS:
            yield given.value
        if given.arg == "error_messages" and isinstance(given.value, ast.Dict):
            yield from given.value.values


def _constants(value: ast.expr, named: dict[str, list[ast.expr]], module: dict[str, Any]) -> Iterator[str]:
    """The texts that an expression can be; a name stands for all that the module assigns to it."""
    if isinstance(value, ast.IfExp):
        yield from _constants(value.body, named, module)
        yield from _constants(value.orelse, named, module)
    elif isinstance(value, ast.List):
        for one in value.elts:
            yield from _constants(one, named, module)
    elif isinstance(value, ast.Name) and value.id in named:
        for one in named[value.id]:
            yield from _constants(one, {}, module)
    elif isinstance(value, (ast.Constant, ast.Name, ast.BinOp, ast.JoinedStr)):
        with suppress(NameError):  # it is made of what only a call knows
            text = eval(compile(ast.Expression(value), "", "eval"), module)
            if isinstance(text, str):
                yield text
