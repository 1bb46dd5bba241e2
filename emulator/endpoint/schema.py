"""The request body of ``POST /push_subscribe``: from bytes to a checked :class:`PushRequest`.

A valid body is decoded in one step. Any other body goes to the marshmallow schema, which owns every error
text; a property test checks that both agree.
"""

import re
from functools import partial
from itertools import islice
from typing import Annotated, Any

import msgspec
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate
from msgspec import Meta

from emulator.loop.gc_pause import collections_paused
from emulator.rules.errors import Invalid
from emulator.rules.lints import (
    MAX_COMPLAINTS,
    MOST_LINTS,
    REQUEST_PARAMETERS,
    check_strictly,
    nearest_name,
    unknown_parameters,
)
from emulator.rules.model import MAX_SUBSCRIPTIONS, Lint, PushRequest, SubscriptionRequest, shortened
from emulator.rules.texts import Text
from emulator.schemas.errors import (
    REQUIRED,
    SCHEMA_MESSAGES,
    Integers,
    JSONScalar,
    boolean,
    first_complaints,
    messages,
    said,
    string,
)
from emulator.schemas.strict_json import (
    SHORT,
    TOO_DEEP,
    JSONProblem,
    check_escapes,
    lints_of_duplicates,
    read_json,
    read_text,
)


class _LooseSubscription(SubscriptionRequest, forbid_unknown_fields=False):
    """An entry that may have undocumented parameters (Q5)."""


class _LooseRequest(PushRequest, forbid_unknown_fields=False):
    """A body that may have undocumented parameters (Q5)."""

    subscriptions: Annotated[list[_LooseSubscription], Meta(min_length=1, max_length=MAX_SUBSCRIPTIONS)]  # type: ignore[assignment]


#: A body of more objects, which only unknown parameters can have, is not read whole for more complaints.
_MOST_OBJECTS = 50_000

_plainly_right = msgspec.json.Decoder(PushRequest).decode
_loosely_right = msgspec.json.Decoder(_LooseRequest).decode
_POSITION = re.compile(r"\[\d+\]")
_NON_EMPTY = validate.Length(min=1, error="must not be empty")
_COUNT = validate.Length(min=1, max=MAX_SUBSCRIPTIONS, error=f"must have 1 to {MAX_SUBSCRIPTIONS} entries")


class SubscriptionSchema(Schema):
    """One entry of ``subscriptions``."""

    class Meta:
        unknown = EXCLUDE

    error_messages = SCHEMA_MESSAGES

    provider = string(required=True, validate=_NON_EMPTY)
    subscription_id = string(required=True, validate=_NON_EMPTY)
    unsubscribe = boolean(allow_none=True, load_default=None)


class SubscriptionList(fields.List[Any]):
    """``subscriptions``; the entries of a list that is too long are not checked."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, list):
            _COUNT(value)
        return super()._deserialize(value, attr, data, **kwargs)


class PushRequestSchema(Schema):
    """The whole body."""

    class Meta:
        unknown = EXCLUDE  # Q5

    error_messages = SCHEMA_MESSAGES

    resource_token = string(required=True, validate=_NON_EMPTY)
    subscriptions = SubscriptionList(
        fields.Nested(SubscriptionSchema, error_messages=messages("must be an object")),
        required=True,
        validate=_COUNT,
        error_messages=messages("must be an array of objects"),
    )
    id = string(allow_none=True)
    db_ids = Integers(allow_none=True)
    matching = string(allow_none=True)
    field_name = string(allow_none=True)
    field_value = JSONScalar(allow_none=True)


_schema = PushRequestSchema()
_entry_parameters = tuple(SubscriptionSchema().fields)


def parse_push_request(body: bytes, strict: bool = False) -> tuple[PushRequest, list[Lint]]:
    """The checked request, and lints for undocumented parameters (L1) and duplicate keys (L8).

    ``strict`` refuses both (Q5). Raises :class:`Invalid` (A3).
    """
    request: PushRequest | None = None
    lints: list[Lint] = []
    # The only way to write NUL in JSON; one byte is found ten times as quickly.
    if b"\\" not in body or b"\\u0000" not in body:
        try:
            request = _plainly_right(body)
            if body.count(b'"') == _fewest_quotes(request):
                return request, lints
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass
    judge = judge_quickly if len(body) > SHORT else judge_by_schema
    try:
        if request is None:
            request, lints = judge(body)
        if not lints or body.count(b"{") <= _MOST_OBJECTS:
            lints += lints_of_duplicates(body)
    except JSONProblem as problem:
        raise Invalid(problem.at(), "A3") from problem
    if strict:  # Q5
        check_strictly(lints)
    return request, lints


def _fewest_quotes(request: PushRequest) -> int:
    """The quotation marks in a body that says just this.

    Every other body has more: one with a duplicate key, but also one with null or an escaped quote.
    """
    count = 6
    if request.id is not None:
        count += 4
    if request.matching is not None:
        count += 4
    if request.field_name is not None:
        count += 4
    if request.db_ids is not None:
        count += 2
    if request.field_value is not None:
        count += 4 if isinstance(request.field_value, str) else 2
    for entry in request.subscriptions:
        count += 8 if entry.unsubscribe is None else 10
    return count


def judge_by_schema(body: bytes, complaints: int = MAX_COMPLAINTS) -> tuple[PushRequest, list[Lint]]:
    """Check a body by the schema, with at most this many complaints.

    Raises :class:`Refused` and :class:`~emulator.schemas.strict_json.JSONProblem`.
    """
    document = read_json(body)
    if not isinstance(document, dict):
        raise Invalid("body: must be a JSON object", "A3")
    try:
        values = _schema.load(document)
    except ValidationError as error:
        found = first_complaints(error.messages, complaints, partial(_with_misspelt, document))
        raise Invalid(found, "A3") from error
    unknown = [(name, REQUEST_PARAMETERS) for name in document if name not in REQUEST_PARAMETERS]
    for position, entry in enumerate(document["subscriptions"]):
        unknown += [
            (f"subscriptions[{position}].{name}", _entry_parameters)
            for name in entry
            if name not in _entry_parameters
        ]
    entries = [SubscriptionRequest(**entry) for entry in values.pop("subscriptions")]
    return PushRequest(subscriptions=entries, **values), unknown_parameters(unknown)


def _with_misspelt(document: Any, path: str, text: Text) -> Text:
    """A complaint; of a parameter that is missing, with the unknown one that is spelt most like it."""
    if text != REQUIRED:
        return text
    where, _, name = path.rpartition(".")
    if where:
        document, known = document["subscriptions"][int(where[len("subscriptions[") : -1])], _entry_parameters
    else:
        known = REQUEST_PARAMETERS
    for sent in islice((one for one in document if one not in known), MOST_LINTS):
        if nearest_name(sent, known) == name:
            return f'{text} ("{shortened(sent)}": did you mean "{name}"?)'
    return text


def judge_quickly(body: bytes) -> tuple[PushRequest, list[Lint]]:
    """The same for a long body: reports only the first complaint and the first unknown parameter.

    Raises :class:`~emulator.schemas.strict_json.JSONProblem`.
    """
    read_text(body)
    check_escapes(body)
    try:
        request = _loosely_right(body)
    except RecursionError as error:
        raise JSONProblem(TOO_DEEP) from error
    except msgspec.MsgspecError as error:
        raise _problem(error, body) from error
    try:
        _plainly_right(body)
    except msgspec.MsgspecError as error:
        _, path = said(error)
        known = _entry_parameters if path.startswith("subscriptions[") else REQUEST_PARAMETERS
        return request, [*unknown_parameters([(path, known)]), Lint("L1", "body", "long_body")]
    return request, []


#: The kind of each value, by its path without positions.
_KINDS = {
    "": "a JSON object",
    "subscriptions": "an array of objects",
    "subscriptions[]": "an object",
    "subscriptions[].unsubscribe": "true or false",
    "db_ids": "an array of integers",
    "db_ids[]": "an integer",
    "field_value": "a string, a number, true or false",
}


def _problem(error: msgspec.MsgspecError, body: bytes) -> JSONProblem:
    """msgspec's complaint on a body in the schema's words."""
    text, path = said(error)
    kind = _POSITION.sub("[]", path)
    if not isinstance(error, msgspec.ValidationError):
        return JSONProblem("is not JSON: " + text.removeprefix("JSON is malformed: "))
    if "missing required" in text:
        if body.count(b"{") > _MOST_OBJECTS:
            return JSONProblem(REQUIRED, path)
        try:
            with collections_paused():
                document = msgspec.json.decode(body)
        except (msgspec.MsgspecError, RecursionError):  # further behind
            return JSONProblem(REQUIRED, path)
        return JSONProblem(_with_misspelt(document, path, REQUIRED), path)
    if "of length" in text:
        return JSONProblem(str((_COUNT if kind == "subscriptions" else _NON_EMPTY).error), path)
    if "Number out of range" in text:
        return JSONProblem("must be a finite number", path)
    if "out of range" in text or "`int` <=" in text or "`int` >=" in text:
        return JSONProblem("must be an integer of 64 bits", path)
    return JSONProblem(f"must be {_KINDS.get(kind, 'a string')}", path)
