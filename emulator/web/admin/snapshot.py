"""``/__admin/snapshot`` and ``/__admin/reset``: a workspace as a whole."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import IO

from flask import Response, request
from marshmallow import fields, validate

from emulator.loop.pacing import Pacing
from emulator.messages import Answer, Delivery
from emulator.schemas.errors import messages, string
from emulator.web.admin.loading import AdminSchema
from emulator.web.admin.operation import Later, operation
from emulator.web.admin.snapshot_reading import read_snapshot
from emulator.web.admin.snapshot_schema import SnapshotProfileSchema, SnapshotSchema
from emulator.web.admin.snapshot_writing import snapshot_pieces
from emulator.web.current import emulator, workspace, workspace_name, workspace_to_change
from emulator.web.later import JSON, answer_later
from emulator.workspaces.workspace import KEEPABLE, Workspace
from push_emulator.workspace_answers import Size, WholeSnapshot


class ResetSchema(AdminSchema):
    """What to leave alone."""

    keep = fields.List(
        string(validate=validate.OneOf(KEEPABLE, error="must be one of {choices}")),
        load_default=list,
        error_messages=messages("an array"),
    )


#: The schema that judges a snapshot leaves the profiles, which may be a million, to be judged one by one.
_SNAPSHOT = SnapshotSchema.from_dict(
    {"profiles": fields.List(fields.Nested(SnapshotProfileSchema))}, name="SnapshotSchema"
)


@operation("get", "/snapshot", tag="workspace", content=WholeSnapshot)
def get_snapshot() -> Response:
    """The whole workspace.

    As it is now, as one JSON document.
    """
    return answer_later(_streamed(snapshot_pieces(workspace())))


async def _streamed(pieces: Iterator[bytes]) -> Answer:
    return Answer(200, [JSON], b"", delivery=Delivery(stream=_in_steps(pieces)))


async def _in_steps(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    steps = Pacing(asked_every=1)
    for piece in pieces:
        if steps.long:
            await steps.pause()
        if piece:
            yield piece


@operation("put", "/snapshot", tag="workspace", body=_SNAPSHOT, refusals=(503, 507))
def put_snapshot() -> Later[Size]:
    """Put a snapshot in place of the whole workspace, or nothing of it."""
    make = partial(emulator().workspaces.get, workspace_name())
    return _restore(workspace().clock.timestamp(), _body(), make)


async def _restore(now: str, body: IO[bytes], make: Callable[[], Workspace]) -> Size:
    with body:
        state = await read_snapshot(body, now)
    found = make()
    found.restore(state)
    return _size(found)


def _body() -> IO[bytes]:
    """The request's body as a file of our own: the server's is closed before the work is done."""
    body: IO[bytes] = request.environ["wsgi.input"]
    if isinstance(body, io.BytesIO):
        return io.BytesIO(body.getvalue())
    return os.fdopen(os.dup(body.fileno()), "rb")


@operation("post", "/reset", tag="workspace", body=ResetSchema)
def reset(body: dict[str, list[str]]) -> Size:
    """Back to the fixtures; ``keep`` leaves parts alone."""
    found = workspace_to_change()
    found.reset(body["keep"])
    return _size(found)


def _size(found: Workspace) -> Size:
    return Size(found.name, found.store.profile_count, found.store.subscription_count)
