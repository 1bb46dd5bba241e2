"""The JSON body of an SDK's call: from bytes to a checked struct (R6)."""

from typing import Any, TypeVar

import msgspec

from emulator.mobile.call import Call
from emulator.rules.errors import Invalid
from emulator.rules.lints import unknown_parameters
from emulator.schemas.errors import REQUIRED
from emulator.schemas.strict_json import JSONProblem, lints_of_duplicates, quotes, read_json

_encode = msgspec.json.Encoder().encode
T = TypeVar("T", bound=msgspec.Struct)

_WORDS = {
    "str": "a string",
    "bool": "true or false",
    "object": "a JSON object",
    "array": "an array",
    "int": "an integer",
    "int | float": "a number",
    "float": "a number",
}


def read_body(call: Call, shape: type[T]) -> T:
    """The body as this struct; optional members that are not sent are UNSET. Raises :class:`Invalid` (R6).

    Unknown members and duplicate keys are ignored, with lints (K6).
    """
    request: T | None = None
    if b"\\" not in call.body or b"\\u0000" not in call.body:
        try:
            request = msgspec.json.decode(call.body, type=shape)
            if quotes(call.body) == quotes(_encode(request)):  # more: a duplicate key
                return request
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass
    try:
        if request is None:
            request = _read_slowly(call, shape)
        call.lints += lints_of_duplicates(call.body)
    except JSONProblem as problem:
        raise Invalid(f"{problem.path or 'body'}: {problem.text}", "R6") from problem
    return request


def _read_slowly(call: Call, shape: type[T]) -> T:
    """The same for a body that is wrong, or has unknown members.

    Raises :class:`Invalid` and :class:`~emulator.schemas.strict_json.JSONProblem`.
    """
    document = read_json(call.body)
    unknown: list[tuple[str, tuple[str, ...]]] = []
    known = _known_members(document, shape, "", unknown)
    try:
        request = msgspec.convert(known, shape)
    except msgspec.ValidationError as error:
        raise Invalid(_complaint(error), "R6") from error
    call.lints += unknown_parameters(unknown) if unknown else []
    return request


def _known_members(value: Any, shape: Any, path: str, unknown: list[tuple[str, tuple[str, ...]]]) -> Any:
    """The value without members that its struct does not know; they are added to ``unknown``."""
    inner = _struct_of(shape)
    if inner is None:
        return value
    if isinstance(value, list):
        return [_known_members(one, inner, f"{path}[{at}]", unknown) for at, one in enumerate(value)]
    if not isinstance(value, dict):
        return value
    kinds = {one.name: one.type for one in msgspec.structs.fields(inner)}
    where = f"{path}." if path else ""
    unknown += [(f"{where}{name}", tuple(kinds)) for name in value if name not in kinds]
    return {
        name: _known_members(one, kinds[name], f"{where}{name}", unknown)
        for name, one in value.items()
        if name in kinds
    }


def _struct_of(shape: Any) -> type[msgspec.Struct] | None:
    """The struct of a type: itself, that of a list's elements, or of one that may be null."""
    if isinstance(shape, type) and issubclass(shape, msgspec.Struct):
        return shape
    for part in getattr(shape, "__args__", ()):
        found = _struct_of(part)
        if found is not None:
            return found
    return None


def _complaint(error: msgspec.ValidationError) -> str:
    """What is wrong and where, as the endpoint says it."""
    text, _, path = str(error).partition(" - at `$")
    path = path.removesuffix("`").lstrip(".")
    if "missing required" in text:
        name = text.partition("`")[2].rpartition("`")[0]
        return f"{path}.{name}: {REQUIRED}" if path else f"{name}: {REQUIRED}"
    if "of length" in text:
        return f"{path}: must not be empty"
    if "enum value" in text or path.endswith(".status"):
        return f'{path}: must be "subscribed", "suspended" or "unsubscribed"'
    wanted = text.partition("`")[2].partition("`")[0].removesuffix(" | null")
    return f"{path or 'body'}: must be {_WORDS.get(wanted, f'of type {wanted}' if wanted else text)}"
