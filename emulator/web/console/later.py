"""Pages that need long work: gathered on the event loop, in steps, then rendered as the request's answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from flask import Response, copy_current_request_context, current_app, redirect
from flask.typing import ResponseReturnValue

from emulator.rules.model import RequestError
from emulator.store.errors import StorageUnavailable
from emulator.web.console import access, language
from emulator.web.console.errors import failure
from emulator.web.later import answer_later
from emulator.wire import Answer
from emulator.workspace import Workspace

T = TypeVar("T")


def page_later(work: Coroutine[Any, Any, T], render: Callable[[T], ResponseReturnValue]) -> Response:
    """Answer with ``render`` of what ``work`` returns; a :class:`RequestError` of either becomes its page."""
    finish = copy_current_request_context(_response)

    async def gather() -> Answer:
        try:
            gathered = await work
        except RequestError as error:
            refusal = error
            response = finish(lambda: failure(refusal))
        else:
            response = finish(lambda: render(gathered))
        return Answer(response.status_code, list(response.headers.items()), response.get_data())

    return answer_later(gather())


def _response(render: Callable[[], ResponseReturnValue]) -> Response:
    try:
        made = render()
    except Exception as error:
        made = failure(error)
    response: Response = current_app.make_response(made)
    return access.secure(language.remember(response))


def change_later(found: Workspace, work: Callable[[], Awaitable[object]], leads_to: str) -> Response:
    """Change the state by hand, then lead to a page of ours when the disk has it. One change at a time."""

    async def change() -> None:
        async with found.editing:
            try:
                await work()
                await found.group_commit.wait()
            except StorageUnavailable as error:
                found.store.learn_configuration()  # what the disk refused was taken back
                raise RequestError(error.code, f"nothing was changed: {error}", "A3") from error

    return page_later(change(), lambda _: redirect(leads_to, 303))
