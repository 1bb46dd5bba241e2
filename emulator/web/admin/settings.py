"""``/__admin/settings``: policies, strict mode, lints."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Blueprint
from marshmallow import fields, validate

from emulator.rules.model import Policies
from emulator.schemas.errors import boolean, messages, string
from emulator.settings import POLICY_CHOICES
from emulator.web.admin.loading import AdminSchema, load_body
from emulator.web.current import workspace, workspace_to_change
from emulator.workspaces.settings import LINT_IDS, WorkspaceSettings


def add_routes(blueprint: Blueprint) -> None:
    """Add this subject's routes."""
    blueprint.add_url_rule("/settings", view_func=get_settings)
    blueprint.add_url_rule("/settings", view_func=patch_settings, methods=["PATCH"])


def _one_of(choices: tuple[str, ...]) -> Any:
    return string(validate=validate.OneOf(choices, error="must be one of {choices}"))


PoliciesSchema = AdminSchema.from_dict({name: _one_of(choices) for name, choices in POLICY_CHOICES.items()})
LintsSchema = AdminSchema.from_dict({rule: _one_of(("report", "off")) for rule in LINT_IDS})


class SettingsSchema(AdminSchema):
    """What can be set."""

    policies = fields.Nested(PoliciesSchema, error_messages=messages("an object"))
    strict = boolean()
    lints = fields.Nested(LintsSchema, error_messages=messages("an object"))


def changed(choices: WorkspaceSettings, change: dict[str, Any]) -> WorkspaceSettings:
    """The choices with some of them made anew; ``change`` is as :class:`SettingsSchema` loads it."""
    policies = msgspec.to_builtins(choices.policies) | change.get("policies", {})
    return WorkspaceSettings(
        msgspec.convert(policies, Policies),
        change.get("strict", choices.strict),
        {**choices.lints, **change.get("lints", {})},
    )


def shown(choices: WorkspaceSettings) -> dict[str, Any]:
    """The choices as the API shows them."""
    return {
        "policies": msgspec.to_builtins(choices.policies),
        "strict": choices.strict,
        "lints": {rule: choices.lints.get(rule, "report") for rule in LINT_IDS},
    }


def get_settings() -> dict[str, Any]:
    """The workspace's choices."""
    return shown(workspace().settings)


def patch_settings() -> dict[str, Any]:
    """Change some of them."""
    choices = changed(workspace().settings, load_body(SettingsSchema()))
    found = workspace_to_change()
    found.set_settings(choices)
    return shown(found.settings)
