"""``/__admin/settings`` and ``/clock``: policies, answers, the platform, strict mode, lints; the time."""

import re
from typing import Any, ClassVar

from marshmallow import ValidationError, fields

from emulator.fixtures.platform import AnswersSchema, PlatformFileSchema, PoliciesSchema
from emulator.rules.errors import Invalid
from emulator.rules.texts import Problem
from emulator.schemas.errors import StrictSchema, boolean, nested, one_of
from emulator.schemas.json_schema import JSONSchema
from emulator.timestamps import LATEST_MS, TIME_FORM, read_iso
from emulator.web.admin.operation import operation
from emulator.web.current import workspace, workspace_to_change
from emulator.workspaces.answers import clock_state, settings_state
from emulator.workspaces.clock import REAL_TIME, ClockSetting, WorkspaceClock
from emulator.workspaces.settings import LINT_IDS
from emulator.workspaces.workspace import Workspace
from push_emulator.workspace_answers import ClockState, SettingsState

_DURATION = re.compile(r"(-?)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d{1,3})?)s)?")
_DURATION_FORM = 'must be a duration as "3h", "1d12h", "-90s"'
OUT_OF_YEARS = "leads out of the years 1970 to 9998"


class TimeField(fields.Field[int]):
    """An ISO time with a zone, as milliseconds since 1970."""

    json_schema: ClassVar[JSONSchema] = {
        "type": "string",
        "pattern": "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3])(:[0-5][0-9]){2}Z$",
        "examples": ["2026-01-31T12:00:00Z"],
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        moment = read_iso(str(value))
        if moment is None:
            raise ValidationError(TIME_FORM)
        return moment


class DurationField(fields.Field[int]):
    """``1d2h3m4.5s``, any part of it, with a minus for the past; as milliseconds."""

    json_schema: ClassVar[JSONSchema] = {
        "type": "string",
        "pattern": "^-?[0-9]{1,3}[dhms]$",
        "examples": ["3h", "-90s"],
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        found = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if found is None or not any(found.groups()[1:]):
            raise ValidationError(_DURATION_FORM)
        days, hours, minutes, seconds = (float(part or 0) for part in found.groups()[1:])
        length = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
        if length > LATEST_MS:  # for any time of the clock; thousands of digits give infinity
            raise ValidationError(OUT_OF_YEARS)
        return round(-length if found[1] else length)


class ClockSchema(StrictSchema):
    """``now`` freezes, ``advance`` moves, without both it runs."""

    now = TimeField(error_messages={"null": TIME_FORM})
    advance = DurationField(error_messages={"null": _DURATION_FORM})


@operation("get", "/clock", tag="settings")
def get_clock() -> ClockState:
    """The workspace's time."""
    return clock_state(workspace().clock)


@operation("put", "/clock", tag="settings", body=ClockSchema)
def put_clock(body: dict[str, int]) -> ClockState:
    """Freeze the time, move it, let it run."""
    return clock_state(change_clock(body).clock)


def change_clock(asked: dict[str, int]) -> Workspace:
    """Set the workspace's clock as :class:`ClockSchema` loads it. Raises :class:`Invalid`."""
    setting = workspace().clock.setting if asked else REAL_TIME
    if "now" in asked:
        setting = ClockSetting(asked["now"])
    if "advance" in asked:
        setting = setting.advanced(asked["advance"])
    if not is_in_years(setting):
        raise Invalid(Problem("advance", OUT_OF_YEARS))
    found = workspace_to_change()
    found.set_clock(setting)
    return found


def is_in_years(setting: ClockSetting) -> bool:
    """Whether a clock of this setting shows a time that can be written."""
    return 0 <= WorkspaceClock(setting).now_ms() < LATEST_MS


LintsSchema = StrictSchema.from_dict({rule: one_of(("report", "off")) for rule in LINT_IDS})


class SettingsSchema(StrictSchema):
    """The settings that can be changed."""

    policies = nested(PoliciesSchema)
    strict = boolean()
    lints = nested(LintsSchema)
    answers = nested(AnswersSchema)
    platform = nested(PlatformFileSchema, allow_none=True)
    trust_platform = boolean()


@operation("get", "/settings")
def get_settings() -> SettingsState:
    """The workspace's choices."""
    return settings_state(workspace().settings)


@operation("patch", "/settings", body=SettingsSchema)
def patch_settings(body: dict[str, Any]) -> SettingsState:
    """Change some of the workspace's choices."""
    return settings_state(change_settings(body).settings)


def change_settings(asked: dict[str, Any]) -> Workspace:
    """Set some of the workspace's choices as :class:`SettingsSchema` loads them. Raises :class:`Invalid`."""
    choices = workspace().settings.changed(asked)
    found = workspace_to_change()
    found.set_settings(choices)
    return found
