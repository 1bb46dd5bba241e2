"""``/__admin/snapshot`` and ``/__admin/reset``: a workspace as a whole."""

from collections.abc import Iterator
from functools import partial
from typing import IO, Any

from flask import Response
from marshmallow import ValidationError, fields, post_load, validate

from emulator.fixtures.schema import DatabaseSchema, ResourceSchema
from emulator.journal.events import Event
from emulator.loop.pacing import paced
from emulator.messages import JSON, Answer, Delivery
from emulator.schemas.errors import (
    Between,
    StrictSchema,
    boolean,
    integer,
    list_of,
    messages,
    nested,
    one_of,
    string,
)
from emulator.schemas.json_schema import JSONSchema
from emulator.store.tinydb_store import TinyDBStore
from emulator.web.admin.faults import APPLY, FaultSchema
from emulator.web.admin.loading import COUNT, load
from emulator.web.admin.operation import Later, operation
from emulator.web.admin.settings import OUT_OF_YEARS, SettingsSchema, TimeField, is_in_years
from emulator.web.current import emulator, workspace, workspace_to_change
from emulator.web.later import prepare, prepared, reset_workspace, size_of
from emulator.workspaces.clock import ClockSetting
from emulator.workspaces.document import SnapshotProfileSchema, read_snapshot
from emulator.workspaces.document_pieces import FORMAT, snapshot_pieces
from emulator.workspaces.registry import Workspaces
from emulator.workspaces.resting import rest_s
from emulator.workspaces.workspace import KEEPABLE
from push_emulator.workspace_answers import Size, WholeSnapshot

#: The number of profiles that a workspace ever had: ids of documents continue from there.
_MADE = Between(0, 1 << 48)


class SnapshotClockSchema(StrictSchema):
    """A clock in the form of the API."""

    now = TimeField(required=True, error_messages=messages("must be a time"))
    frozen = boolean(load_default=False)
    offset_ms = integer(load_default=0)

    @post_load
    def _make(self, data: dict[str, Any], **kwargs: Any) -> ClockSetting:
        if data["frozen"]:
            return ClockSetting(data["now"])
        setting = ClockSetting(None, data["offset_ms"])
        if not is_in_years(setting):
            raise ValidationError(OUT_OF_YEARS, "offset_ms")
        return setting


class SnapshotFaultSchema(FaultSchema):
    """An armed fault in the form of the API."""

    id = string(required=True, validate=validate.Length(min=1, error="must not be empty"))
    times = integer(allow_none=True, validate=COUNT)
    fired = integer(validate=COUNT)
    apply = string(load_default="before", validate=APPLY)

    def json_schema(self, converter: Any) -> JSONSchema:
        """No condition: a fault without effect is accepted."""
        return {}


#: The events are read one by one.
_EVENTS = {"type": "array", "items": {"$ref": "#/components/schemas/RecordedEvent"}}


class SnapshotSchema(StrictSchema):
    """All members but the profiles, which are checked one by one."""

    format = integer(
        required=True,
        validate=validate.Equal(FORMAT, error=f"must be {FORMAT}: this emulator knows no other"),
    )
    databases = list_of(nested(DatabaseSchema), required=True)
    resources = list_of(nested(ResourceSchema), required=True)
    settings = nested(SettingsSchema)
    clock = nested(SnapshotClockSchema)
    faults = list_of(nested(SnapshotFaultSchema), load_default=list)
    events = fields.Raw(error_messages=messages("must be an array"), metadata=_EVENTS)
    profiles_made = integer(load_default=0, validate=_MADE)
    profiles = fields.Raw(error_messages=messages("must be an array"))


class ResetSchema(StrictSchema):
    """The parts to keep."""

    keep = list_of(one_of(KEEPABLE), load_default=list)


#: The schema of a snapshot without the profiles: a million of them may follow, each checked by itself.
_SNAPSHOT = SnapshotSchema.from_dict(
    {"profiles": fields.List(fields.Nested(SnapshotProfileSchema))}, name="SnapshotSchema"
)


@operation("get", "/snapshot", tag="workspace", content=WholeSnapshot)
def get_snapshot() -> Later[Answer]:
    """The whole workspace.

    As it is now, as one JSON document.
    """
    return _streamed(snapshot_pieces(workspace()))


async def _streamed(pieces: Iterator[bytes]) -> Answer:
    return Answer(200, [JSON], b"", delivery=Delivery(stream=paced(pieces, 1)))


@operation("put", "/snapshot", tag="workspace", body=_SNAPSHOT, refusals=(503, 507))
def put_snapshot() -> Later[Size] | Response:
    """Put a snapshot in place of the whole workspace, or nothing of it."""
    ready = prepared()
    if ready is not None:
        return _restore(emulator().workspaces, workspace_to_change().name, *ready)
    now = workspace().clock.timestamp()

    async def read(body: IO[bytes]) -> tuple[TinyDBStore, list[Event]]:
        with body:
            return await read_snapshot(body, now, partial(load, SnapshotSchema()))

    return prepare(read)


async def _restore(workspaces: Workspaces, name: str, state: TinyDBStore, events: list[Event]) -> Size:
    found = await workspaces.get_settled(name)
    await found.restore(state, events)
    return size_of(found)


@operation("post", "/reset", tag="workspace", body=ResetSchema)
def reset(body: dict[str, list[str]]) -> Size | Later[Size]:
    """Reset to the fixtures; ``keep`` names parts that stay."""
    found = workspace_to_change()
    if found.resets_at_once and not rest_s(found, emulator().workspaces.last_used):
        found.reset(body["keep"])
        return size_of(found)
    return reset_workspace(body["keep"])
