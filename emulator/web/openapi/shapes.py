"""The shapes of the admin API's answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import Schema, fields, validate

from emulator.rules.catalogue import GRADES
from emulator.settings import POLICY_CHOICES
from emulator.web.openapi.answers import AnswerSchema
from emulator.web.openapi.fields import name_of
from emulator.workspaces.settings import LINT_IDS


def text(**options: Any) -> Any:
    """A string that is always there."""
    return fields.String(required=True, **options)


def count(**options: Any) -> Any:
    """A number of things, always there."""
    return fields.Integer(required=True, validate=validate.Range(min=0), **options)


def page_of(item: type[Schema], **more: Any) -> type[Schema]:
    """A list's answer: ``items``, the cursor of what comes next, how many there are in all."""
    return AnswerSchema.from_dict(
        {
            "items": fields.List(fields.Nested(item), required=True),
            "next": fields.Raw(
                required=True,
                metadata={"type": ["string", "integer", "null"], "description": "the next page's `cursor`"},
            ),
            "total": count(),
            **more,
        },
        name=f"{name_of(item)}PageSchema",
    )


class HealthSchema(AnswerSchema):
    """Whether the server works, and what is in the workspace."""

    status = text(validate=validate.OneOf(["ok", "failing"]))
    version = text()
    workspace = text()
    profiles = count()
    subscriptions = count()
    uptime_s = fields.Float(required=True, validate=validate.Range(min=0))
    reason = fields.String(metadata={"description": "why the state cannot be written"})


class OldFaultSchema(AnswerSchema):
    """An armed fault, in the form in which it is armed."""

    id = text()
    match = fields.Dict(required=True)
    times = fields.Integer(required=True, allow_none=True)
    probability = fields.Float(required=True)
    delay_ms = fields.Raw(required=True)
    then = fields.Raw(required=True)
    apply = text(validate=validate.OneOf(["before", "after"]))
    fired = count()


class DisarmedSchema(AnswerSchema):
    """How many faults were disarmed."""

    disarmed = count()


def _words(name: str, choices: Mapping[str, Sequence[str]]) -> type[Schema]:
    return AnswerSchema.from_dict(
        {key: text(validate=validate.OneOf(words)) for key, words in choices.items()}, name=name
    )


ChosenPoliciesSchema = _words("ChosenPoliciesSchema", POLICY_CHOICES)
ChosenLintsSchema = _words("ChosenLintsSchema", dict.fromkeys(LINT_IDS, ("report", "off")))


class ChosenSettingsSchema(AnswerSchema):
    """A workspace's choices."""

    policies = fields.Nested(ChosenPoliciesSchema, required=True)
    strict = fields.Boolean(required=True)
    lints = fields.Nested(ChosenLintsSchema, required=True)


class ClockAnswerSchema(AnswerSchema):
    """A workspace's time."""

    now = text(metadata={"format": "date-time"})
    frozen = fields.Boolean(required=True)
    offset_ms = fields.Integer(required=True)


class RuleSchema(AnswerSchema):
    """One rule."""

    id = text()
    grade = text(validate=validate.OneOf(list(GRADES)))
    text = text()
    decided = count(metadata={"description": "how often, since the server started"})


class WorkspaceSchema(AnswerSchema):
    """One workspace, with what is in it where it is open."""

    name = text()
    open = fields.Boolean(required=True)
    profiles = fields.Integer()
    subscriptions = fields.Integer()
    requests = fields.Integer()
    idle_s = fields.Float()


class NamedWorkspaceSchema(AnswerSchema):
    """A workspace that is there now."""

    name = text()


class DeletedWorkspaceSchema(AnswerSchema):
    """A workspace that is gone now."""

    deleted = text()
