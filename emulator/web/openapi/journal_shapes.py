"""The shapes of what ``/__admin/requests`` answers."""

from __future__ import annotations

from marshmallow import fields, validate

from emulator.web.openapi.answers import AnswerSchema
from emulator.web.openapi.shapes import count, text

OUTCOMES = ("fault", "refused", "changed", "added", "unchanged")


class DecisionSchema(AnswerSchema):
    """One rule that decided something."""

    rule = text()
    db_id = fields.Integer(required=True, allow_none=True)
    detail = text()


class LintSchema(AnswerSchema):
    """A remark on a request."""

    rule = text()
    path = text()
    text = text()


class JournalEntrySchema(AnswerSchema):
    """One call of the endpoint, as it came and as it was answered; secrets are masked."""

    id = count()
    time = text(metadata={"format": "date-time"})
    at_ms = fields.Integer(required=True)
    method = text()
    path = text()
    query = text()
    client = text()
    headers = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    body = text()
    status = fields.Integer(required=True)
    error = fields.Integer(required=True)
    error_text = text()
    answer = fields.Raw(required=True, metadata={"description": "a JSON object, or the text that was sent"})
    duration_ms = fields.Float(required=True)
    decided = fields.List(fields.Nested(DecisionSchema), required=True)
    lints = fields.List(fields.Nested(LintSchema), required=True)
    outcomes = fields.List(fields.String(), required=True)
    changes = fields.Dict(required=True, allow_none=True)
    resource_id = fields.Integer(required=True, allow_none=True)
    resource = fields.String(required=True, allow_none=True)
    fault = fields.String(required=True, allow_none=True)
    request_id = fields.String(required=True, allow_none=True)
    outcome = text(validate=validate.OneOf(OUTCOMES))
    resource_token = fields.Raw(required=True, metadata={"description": "masked, as it was sent"})


class ClearedSchema(AnswerSchema):
    """How many entries went."""

    cleared = count()


class CountedSchema(AnswerSchema):
    """How many entries match."""

    count = count()


class AttemptsSchema(AnswerSchema):
    """Requests that were attempts at the same thing, the oldest first."""

    by = text(validate=validate.OneOf(["request_id", "body"]))
    entries = fields.List(fields.Integer(), required=True)
    times = fields.List(fields.String(), required=True)
    gaps_ms = fields.List(fields.Integer(), required=True)
    outcomes = fields.List(fields.String(), required=True)
    statuses = fields.List(fields.Integer(), required=True)
    count = count()


class DifferenceSchema(AnswerSchema):
    """One criterion that an entry does not meet."""

    key = text()
    expected = fields.Raw(required=True)
    actual = fields.Raw(required=True)


class NearMissSchema(AnswerSchema):
    """An entry that nearly matches."""

    id = count()
    time = text()
    request = text()
    differences = fields.List(fields.Nested(DifferenceSchema), required=True)


class UnverifiedSchema(AnswerSchema):
    """What was expected did not happen."""

    error = fields.Integer(required=True)
    error_text = text()
    count = count()
    nearest = fields.List(fields.Nested(NearMissSchema), required=True)
