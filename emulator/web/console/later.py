"""Pages that need long work: gathered on the event loop, in steps, then rendered as the request's answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from flask import Response, copy_current_request_context, current_app, redirect, session
from flask.typing import ResponseReturnValue

from emulator.messages import Answer
from emulator.rules.model import RequestError
from emulator.store.errors import Unavailable
from emulator.web.console.errors import failure
from emulator.web.later import answer_later, as_answer, change
from emulator.workspaces.workspace import Workspace

T = TypeVar("T")


def page_later(work: Coroutine[Any, Any, T], render: Callable[[T], ResponseReturnValue]) -> Response:
    """Answer with ``render`` of what ``work`` returns; a :class:`RequestError` of either becomes its page."""
    finish = copy_current_request_context(_response)

    async def gather() -> Answer:
        try:
            gathered = await work
        except (RequestError, Unavailable) as error:
            refusal = error
            response = finish(lambda: failure(refusal))
        else:
            response = finish(lambda: render(gathered))
        return as_answer(response)

    return answer_later(gather())


def _response(render: Callable[[], ResponseReturnValue]) -> Response:
    try:
        made = render()
    except Exception as error:
        made = failure(error)
    response = current_app.process_response(current_app.make_response(made))
    session.modified = False  # its cookie is in the response: without the bridge Flask would add it again
    return response


def change_later(work: Callable[[Workspace], Awaitable[T]], leads_to: Callable[[T], str]) -> Response:
    """Change the state by hand, then lead to a page of ours when the disk has it."""
    return page_later(change(work), lambda result: redirect(leads_to(result), 303))
