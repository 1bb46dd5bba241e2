"""The request body of ``POST /push_subscribe``: from bytes to a checked :class:`PushRequest`.

What is plainly right is decoded in one step. Everything else goes to the marshmallow schema, which judges
it and owns every error text; a property test holds the two together.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from emulator.rules.lints import REQUEST_PARAMETERS, unknown_parameter
from emulator.rules.model import (
    INT64_MAX,
    INT64_MIN,
    MAX_SUBSCRIPTIONS,
    Lint,
    PushRequest,
    RequestError,
    SubscriptionRequest,
)
from emulator.schema_errors import INT64, SCHEMA_MESSAGES, boolean, flatten, integer, messages, string
from emulator.strict_json import JSONProblem, read_json

#: More complaints than these about one body help nobody.
MAX_COMPLAINTS = 5

_plainly_right = msgspec.json.Decoder(PushRequest).decode
_NON_EMPTY = validate.Length(min=1, error="must not be empty")


class SubscriptionSchema(Schema):
    """One entry of ``subscriptions``."""

    class Meta:
        unknown = EXCLUDE

    error_messages = SCHEMA_MESSAGES

    provider = string(required=True, validate=_NON_EMPTY)
    subscription_id = string(required=True, validate=_NON_EMPTY)
    unsubscribe = boolean(allow_none=True, load_default=False)


class FieldValue(fields.Field[Any]):
    """``field_value``: a string, a number or a boolean."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            raise ValidationError("must be a finite number")
        if isinstance(value, int) and not INT64_MIN <= value <= INT64_MAX:
            raise ValidationError("must be an integer of 64 bits")
        if not isinstance(value, (str, int, float)):
            raise ValidationError("must be a string, a number, true or false")
        return value


class PushRequestSchema(Schema):
    """The whole body."""

    class Meta:
        unknown = EXCLUDE  # Q5

    error_messages = SCHEMA_MESSAGES

    resource_token = string(required=True, validate=_NON_EMPTY)
    subscriptions = fields.List(
        fields.Nested(SubscriptionSchema, error_messages=messages("an object")),
        required=True,
        validate=validate.Length(
            min=1, max=MAX_SUBSCRIPTIONS, error=f"must have 1 to {MAX_SUBSCRIPTIONS} entries"
        ),
        error_messages=messages("an array of objects"),
    )
    id = string(allow_none=True)
    db_ids = fields.List(
        integer(validate=INT64), allow_none=True, error_messages=messages("an array of integers")
    )
    matching = string(allow_none=True)
    field_name = string(allow_none=True)
    field_value = FieldValue(allow_none=True)


_schema = PushRequestSchema()
_entry_parameters = tuple(SubscriptionSchema().fields)


def parse_push_request(body: bytes, strict: bool = False) -> tuple[PushRequest, list[Lint]]:
    """The checked request, and a lint for each parameter that the page does not name (L1, Q5).

    ``strict`` refuses those parameters. Raises :class:`RequestError` 400 (A3).
    """
    if b"\\u0000" not in body:  # the only way to write NUL in JSON
        try:
            return _plainly_right(body), []
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass
    return _judge(body, strict)


def _judge(body: bytes, strict: bool) -> tuple[PushRequest, list[Lint]]:
    try:
        document = read_json(body)
    except JSONProblem as problem:
        raise RequestError(400, f"{problem.path or 'body'}: {problem.text}", "A3") from problem
    if not isinstance(document, dict):
        raise RequestError(400, "body: must be a JSON object", "A3")
    try:
        values = _schema.load(document)
    except ValidationError as error:
        complaints = [f"{path}: {text}" for path, text in flatten(error.messages)]
        shown = complaints[:MAX_COMPLAINTS]
        if len(complaints) > len(shown):
            shown.append(f"and {len(complaints) - len(shown)} more")
        raise RequestError(400, "; ".join(shown), "A3") from error
    lints = _unknown_parameters(document)
    if strict and lints:  # Q5
        raise RequestError(
            400, "; ".join(f"{lint.path}: {lint.text}" for lint in lints[:MAX_COMPLAINTS]), "Q5"
        )
    entries = [SubscriptionRequest(**entry) for entry in values.pop("subscriptions")]
    return PushRequest(subscriptions=entries, **values), lints


def _unknown_parameters(document: dict[str, Any]) -> list[Lint]:
    lints = [
        unknown_parameter(name, REQUEST_PARAMETERS) for name in document if name not in REQUEST_PARAMETERS
    ]
    for position, entry in enumerate(document["subscriptions"]):
        lints += [
            unknown_parameter(f"subscriptions[{position}].{name}", _entry_parameters)
            for name in entry
            if name not in _entry_parameters
        ]
    return lints
