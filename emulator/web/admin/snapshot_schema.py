"""The shape of a snapshot: what a member and a profile must look like, and what to say if they do not."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from marshmallow import ValidationError, fields, post_load, validate

from emulator.fixtures.schema import (
    PROFILE_ID_LENGTH,
    DatabaseSchema,
    ProfileEntrySchema,
    ResourceSchema,
    SubscriptionEntrySchema,
)
from emulator.schemas.errors import boolean, integer, messages, string
from emulator.schemas.json_schema import JSONSchema
from emulator.store.fixture_set import ProfileEntry, SubscriptionEntry
from emulator.web.admin.clock import LATEST_MS, OUT_OF_YEARS, TimeField
from emulator.web.admin.faults import APPLY, FaultSchema
from emulator.web.admin.loading import AdminSchema
from emulator.web.admin.numbers import COUNT
from emulator.web.admin.settings import SettingsSchema
from emulator.web.admin.snapshot_writing import FORMAT
from emulator.workspaces.clock import ClockSetting, WorkspaceClock

_TIME_FORM = (
    r"((19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z)?"
)
_Time = Annotated[str, msgspec.Meta(pattern=f"^{_TIME_FORM}$")]
_TIME = validate.Regexp(f"{_TIME_FORM}$", error="must be a time as 2026-01-31T12:00:00.000Z")
#: Profiles that a workspace has ever had: ids of documents go on from there.
_MADE = validate.Range(0, 1 << 48, error=f"must be 0 to {1 << 48}")


class SnapshotSubscription(SubscriptionEntry):
    """A subscription of a profile in a snapshot."""

    hash_id: str | None = None
    created: _Time = ""
    updated: _Time = ""


class SnapshotProfile(ProfileEntry):
    """A profile in a snapshot."""

    subscriptions: list[SnapshotSubscription] = msgspec.field(default_factory=list)  # type: ignore[assignment]
    created: _Time = ""


class SnapshotSubscriptionSchema(SubscriptionEntrySchema):
    """The same, for what is not right."""

    hash_id = string(allow_none=True)
    created = string(validate=_TIME)
    updated = string(validate=_TIME)


class SnapshotProfileSchema(ProfileEntrySchema):
    """The same, for what is not right."""

    id = string(required=True, metadata=PROFILE_ID_LENGTH)
    created = string(validate=_TIME)
    subscriptions = fields.List(
        fields.Nested(SnapshotSubscriptionSchema, error_messages=messages("an object")),
        error_messages=messages("an array"),
    )


class SnapshotClockSchema(AdminSchema):
    """A clock as the API shows it."""

    now = TimeField(required=True, error_messages=messages("a time"))
    frozen = boolean(load_default=False)
    offset_ms = integer(load_default=0)

    @post_load
    def _make(self, data: dict[str, Any], **kwargs: Any) -> ClockSetting:
        if data["frozen"]:
            return ClockSetting(data["now"])
        clock = WorkspaceClock()
        clock.setting = ClockSetting(None, data["offset_ms"])
        if not 0 <= clock.now_ms() < LATEST_MS:
            raise ValidationError(OUT_OF_YEARS, "offset_ms")
        return clock.setting


class SnapshotFaultSchema(FaultSchema):
    """An armed fault as the API shows it."""

    id = string(required=True, validate=validate.Length(min=1, error="must not be empty"))
    times = integer(allow_none=True, validate=COUNT)
    fired = integer(validate=COUNT)
    apply = string(load_default="before", validate=APPLY)

    def json_schema(self, converter: Any) -> JSONSchema:
        """No condition: a fault without effect is taken as it is."""
        return {}


def _list_of(schema: type[Any], **options: Any) -> fields.List[Any]:
    nested = fields.Nested(schema, error_messages=messages("an object"))
    return fields.List(nested, error_messages=messages("an array"), **options)


class SnapshotSchema(AdminSchema):
    """All members but the profiles, which are judged one by one."""

    format = integer(
        required=True,
        validate=validate.Equal(FORMAT, error=f"must be {FORMAT}: this emulator knows no other"),
    )
    databases = _list_of(DatabaseSchema, required=True)
    resources = _list_of(ResourceSchema, required=True)
    settings = fields.Nested(SettingsSchema, error_messages=messages("an object"))
    clock = fields.Nested(SnapshotClockSchema, error_messages=messages("an object"))
    faults = _list_of(SnapshotFaultSchema, load_default=list)
    profiles_made = integer(load_default=0, validate=_MADE)
    profiles = fields.Raw(error_messages=messages("an array"))
