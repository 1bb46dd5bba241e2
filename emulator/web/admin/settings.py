"""``/__admin/settings``: policies, overridden answers, the platform, strict mode, lints."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from emulator.fixtures.platform import AnswersSchema, PlatformFileSchema, PoliciesSchema, one_of
from emulator.schemas.errors import boolean, messages
from emulator.web.admin.loading import AdminSchema
from emulator.web.admin.operation import operation
from emulator.web.current import workspace, workspace_to_change
from emulator.workspaces.answers import settings_state
from emulator.workspaces.settings import LINT_IDS
from push_emulator.workspace_answers import SettingsState

LintsSchema = AdminSchema.from_dict({rule: one_of(("report", "off")) for rule in LINT_IDS})


class SettingsSchema(AdminSchema):
    """The settings that can be changed."""

    policies = fields.Nested(PoliciesSchema, error_messages=messages("an object"))
    strict = boolean()
    lints = fields.Nested(LintsSchema, error_messages=messages("an object"))
    answers = fields.Nested(AnswersSchema, error_messages=messages("an object"))
    platform = fields.Nested(PlatformFileSchema, allow_none=True, error_messages=messages("an object"))
    trust_platform = boolean()


@operation("get", "/settings")
def get_settings() -> SettingsState:
    """The workspace's choices."""
    return settings_state(workspace().settings)


@operation("patch", "/settings", body=SettingsSchema)
def patch_settings(body: dict[str, Any]) -> SettingsState:
    """Change some of the workspace's choices."""
    choices = workspace().settings.changed(body)
    found = workspace_to_change()
    found.set_settings(choices)
    return settings_state(found.settings)
