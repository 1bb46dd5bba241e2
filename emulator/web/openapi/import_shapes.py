"""The shapes of what ``/__admin/imports`` answers."""

from __future__ import annotations

from marshmallow import fields, validate

from emulator.web.openapi.answers import AnswerSchema
from emulator.web.openapi.shapes import count, text


class RefusedRowSchema(AnswerSchema):
    """A row that was refused: in one database, or whole."""

    line = fields.Integer(required=True)
    db_id = fields.Integer(required=True, allow_none=True)
    reason = text()
    value = text()
    token = text()


class ImportJobSchema(AnswerSchema):
    """One import: how far it is, and what it came to."""

    id = text()
    workspace = text()
    file = text()
    started = text()
    dry_run = fields.Boolean(required=True)
    resource = fields.Integer(required=True)
    provider = text()
    match = text()
    token_column = text()
    encoding = text()
    delimiter = text()
    header = fields.List(fields.String(), required=True, allow_none=True)
    lints = fields.List(fields.String(), required=True)
    state = text(
        validate=validate.OneOf(["running", "finished", "cancelled", "failed", "interrupted"]),
    )
    problem = fields.String(required=True, allow_none=True)
    up_to_line = count()
    seconds = fields.Float(required=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    refusals = fields.List(fields.Nested(RefusedRowSchema), required=True)
    rows_per_s = fields.Integer(required=True, allow_none=True)
    progress = fields.Float(required=True, allow_none=True)
    seconds_left = fields.Float(required=True, allow_none=True)
    report = fields.String(required=True, allow_none=True, metadata={"description": "the report's path"})


class ColumnSchema(AnswerSchema):
    """One column of a file."""

    number = count()
    name = fields.String(required=True, allow_none=True)
    column = text()
    example = text()
    looks = text()


class GuessSchema(AnswerSchema):
    """A guess at the plan."""

    token_column = fields.String(required=True, allow_none=True)
    match = fields.String(required=True, allow_none=True)


class PreviewAnswerSchema(AnswerSchema):
    """What is in a file."""

    file = text()
    encoding = text()
    delimiter = text()
    quote = fields.String(required=True, allow_none=True)
    header = fields.Boolean(required=True)
    columns = fields.List(fields.Nested(ColumnSchema), required=True)
    rows = fields.List(fields.List(fields.String()), required=True)
    guess = fields.Nested(GuessSchema, required=True)
