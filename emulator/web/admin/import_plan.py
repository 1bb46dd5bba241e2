"""The plan of an import as the API takes it: the field ``plan`` of its forms."""

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, post_load

from emulator.importer.plan import ImportPlan, Match, parse_match
from emulator.importer.problem import ImportRefused
from emulator.importer.report import REPORT_DELIMITERS
from emulator.rules.errors import Invalid
from emulator.rules.texts import Problem
from emulator.schemas.errors import REQUIRED, StrictSchema, boolean, nested, one_of, string
from emulator.schemas.json_schema import TEXT_PATTERN, JSONSchema
from emulator.web.admin.loading import load, read_part

#: For the contract alone: the layout checks the value.
_DELIMITER = {"pattern": "^(comma|semicolon|tab|pipe|\\\\t|[^\\r\\n\\u0000\"' ])$"}
_QUOTE = {"pattern": "^[\"']?$"}


class MatchField(fields.Field[Match]):
    """``id:COLUMN``, ``field:NAME=COLUMN`` or ``push``."""

    json_schema: ClassVar[JSONSchema] = {
        "type": "string",
        "description": "`id:COLUMN`, `field:NAME=COLUMN` or `push`",
        "pattern": "^(id:[^\\u0000]+|field:[^=\\u0000]+=[^\\u0000]+|push)$",
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Match:
        if not isinstance(value, str):
            raise ValidationError("must be a string")
        try:
            return parse_match(value)
        except ImportRefused as error:
            raise ValidationError([one.text for one in error.problems]) from error


class ResourceField(fields.Field[Any]):
    """A resource's token or id."""

    json_schema: ClassVar[JSONSchema] = {
        "type": ["string", "integer"],
        "pattern": TEXT_PATTERN,
        "description": "a resource's token or id",
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise ValidationError("must be a resource's token or id")
        return value


class PreviewSchema(StrictSchema):
    """The multipart field ``plan``, JSON, before the person has chosen the columns."""

    resource = ResourceField()
    provider = string()
    match = MatchField()
    token_column = string()
    status_column = string(allow_none=True)
    header = boolean(allow_none=True)
    delimiter = string(allow_none=True, metadata=_DELIMITER)
    quote = string(allow_none=True, metadata=_QUOTE)
    encoding = string(allow_none=True)


class ReportSchema(StrictSchema):
    """How the report is written."""

    delimiter = one_of(REPORT_DELIMITERS, load_default="comma")


class PlanSchema(PreviewSchema):
    """The field ``plan`` with all that an import needs."""

    resource = ResourceField(required=True, error_messages={"required": REQUIRED})
    provider = string(required=True)
    match = MatchField(required=True, error_messages={"required": REQUIRED})
    token_column = string(required=True)
    dry_run = boolean()

    @post_load
    def _make(self, data: dict[str, Any], **kwargs: Any) -> ImportPlan:
        return ImportPlan(**data)


def load_plan(schema: type[StrictSchema], text: str) -> Any:
    """The plan. Raises :class:`Invalid` with a text that names every complaint by its path."""
    if not text:
        raise Invalid(Problem("plan", REQUIRED))
    form = StrictSchema.from_dict({"plan": nested(schema)})
    return load(form(), {"plan": read_part(text.encode(), "plan")})["plan"]
