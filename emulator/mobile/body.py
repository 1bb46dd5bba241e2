"""The JSON body of an SDK's call: from bytes to a checked struct (R6)."""

from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from emulator.mobile.call import SdkCall
from emulator.rules.errors import Invalid
from emulator.rules.lints import unknown_parameters
from emulator.schemas.errors import REQUIRED, said
from emulator.schemas.strict_json import JSONProblem, lints_of_duplicates, read_json

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


def read_body(call: SdkCall, shape: type[T]) -> T:
    """The body as this struct; optional members that are not sent are UNSET. Raises :class:`Invalid` (R6).

    Unknown members and duplicate keys are ignored, with lints (K6).
    """
    body = call.incoming.body
    # NUL, and a quotation mark that does not look like one; one byte is found ten times as quickly
    if b"\\" not in body or not (b"\\u0000" in body or b"\\u0022" in body):
        try:
            request = msgspec.json.decode(body, type=shape)
            if body.count(b'"') == _encode(request).count(b'"'):  # more: a duplicate key, or unknown members
                return request
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass
    try:
        document = read_json(body)
        request = msgspec.convert(document, shape)
        call.lints += unknown_parameters(list(_unknown_members(document, shape)))
        call.lints += lints_of_duplicates(body)
    except msgspec.ValidationError as error:
        raise Invalid(_complaint(error), "R6") from error
    except JSONProblem as problem:
        raise Invalid(problem.at(), "R6") from problem
    return request


def _unknown_members(value: Any, shape: Any, path: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """The path of each member that its struct does not know, with the names that it knows."""
    inner = _struct_of(shape)
    if inner is not None and isinstance(value, list):
        for at, one in enumerate(value):
            yield from _unknown_members(one, inner, f"{path}[{at}]")
    elif inner is not None and isinstance(value, dict):
        kinds = {one.name: one.type for one in msgspec.structs.fields(inner)}
        where = f"{path}." if path else ""
        yield from ((f"{where}{name}", tuple(kinds)) for name in value if name not in kinds)
        for name, kind in kinds.items():
            yield from _unknown_members(value.get(name), kind, f"{where}{name}")


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
    text, path = said(error)
    if "missing required" in text:
        return f"{path}: {REQUIRED}"
    if "of length" in text:
        return f"{path}: must not be empty"
    if "enum value" in text or path.endswith(".status"):
        return f'{path}: must be "subscribed", "suspended" or "unsubscribed"'
    wanted = text.partition("`")[2].partition("`")[0].removesuffix(" | null")
    return f"{path or 'body'}: must be {_WORDS.get(wanted, f'of type {wanted}' if wanted else text)}"
