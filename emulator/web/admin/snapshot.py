"""``/__admin/snapshot`` and ``/__admin/reset``: a workspace as a whole."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncGenerator, Callable, Iterator
from functools import partial
from typing import IO, Any

from flask import Blueprint, Response, request
from marshmallow import fields, validate

from emulator.loop.pacing import Pacing
from emulator.messages import Answer, Delivery
from emulator.schemas.errors import messages, string
from emulator.web.admin.loading import AdminSchema, load_body
from emulator.web.admin.snapshot_reading import read_snapshot
from emulator.web.admin.snapshot_writing import snapshot_pieces
from emulator.web.current import emulator, workspace, workspace_name, workspace_to_change
from emulator.web.later import JSON, answer_later, json_answer
from emulator.workspaces.workspace import KEEPABLE, Workspace


def add_routes(blueprint: Blueprint) -> None:
    """Add this subject's routes."""
    blueprint.add_url_rule("/snapshot", view_func=get_snapshot)
    blueprint.add_url_rule("/snapshot", view_func=put_snapshot, methods=["PUT"])
    blueprint.add_url_rule("/reset", view_func=reset, methods=["POST"])


class ResetSchema(AdminSchema):
    """What to leave alone."""

    keep = fields.List(
        string(validate=validate.OneOf(KEEPABLE, error="must be one of {choices}")),
        load_default=list,
        error_messages=messages("an array"),
    )


def get_snapshot() -> Response:
    """The whole workspace as it is now, as one JSON document."""
    return answer_later(_streamed(snapshot_pieces(workspace())))


async def _streamed(pieces: Iterator[bytes]) -> Answer:
    return Answer(200, [JSON], b"", delivery=Delivery(stream=_in_steps(pieces)))


async def _in_steps(pieces: Iterator[bytes]) -> AsyncGenerator[bytes]:
    steps = Pacing(asked_every=1)
    for piece in pieces:
        if steps.long:
            await steps.pause()
        if piece:
            yield piece


def put_snapshot() -> Response:
    """Put a snapshot in place of the whole workspace, or nothing of it."""
    make = partial(emulator().workspaces.get, workspace_name())
    return answer_later(_restore(workspace().clock.timestamp(), _body(), make))


async def _restore(now: str, body: IO[bytes], make: Callable[[], Workspace]) -> Answer:
    with body:
        state = await read_snapshot(body, now)
    found = make()
    found.restore(state)
    return json_answer(_size(found))


def _body() -> IO[bytes]:
    """The request's body as a file of our own: the server's is closed before the work is done."""
    body: IO[bytes] = request.environ["wsgi.input"]
    if isinstance(body, io.BytesIO):
        return io.BytesIO(body.getvalue())
    return os.fdopen(os.dup(body.fileno()), "rb")


def reset() -> dict[str, Any]:
    """Back to the fixtures."""
    keep = load_body(ResetSchema())["keep"]
    found = workspace_to_change()
    found.reset(keep)
    return _size(found)


def _size(found: Workspace) -> dict[str, Any]:
    return {
        "workspace": found.name,
        "profiles": found.store.profile_count,
        "subscriptions": found.store.subscription_count,
    }
