"""Answers that take time: work in steps on the event loop, or a wait for the disk."""

import io
from collections.abc import Awaitable, Callable, Collection, Coroutine
from functools import partial
from typing import IO, Any, TypeVar

import msgspec
from flask import Flask, Response, copy_current_request_context, current_app, request
from werkzeug.exceptions import HTTPException

from emulator.messages import BODY_PROBLEM_KEY, DELIVERY_KEY, JSON, Answer, Delivery, failure
from emulator.rules.errors import Refused
from emulator.store.errors import Unavailable
from emulator.web.bodies import own
from emulator.web.current import (
    FOUND_KEY,
    WORKSPACE_KEY,
    changed_workspace,
    emulator,
    workspace_name,
    workspace_to_change,
)
from emulator.web.limits import spool
from emulator.web.wsgi_answer import call_application
from emulator.workspaces.errors import headers_of, refusal, status_of
from emulator.workspaces.resting import until_rested
from emulator.workspaces.workspace import Workspace
from push_emulator.workspace_answers import Size

T = TypeVar("T")
#: The key of a WSGI environment for the result of the work before a request's turn.
_READY_KEY = "emulator.ready"


def json_answer(document: msgspec.Struct, status: int) -> Answer:
    """A struct as an answer."""
    return Answer(status, [JSON], msgspec.json.encode(document))


def answer_later(work: Coroutine[Any, Any, Answer]) -> Response:
    """Have the server answer with what ``work`` returns.

    A :class:`Refused` that ``work`` raises is answered as an error, a refusal by the disk too.
    """
    busy = emulator().workspaces.in_use(workspace_name())
    request.environ[DELIVERY_KEY] = Delivery(wait=_guarded(work), busy=busy)
    return Response(b"", 200)


def change(work: Callable[[Workspace], Awaitable[T]]) -> Coroutine[Any, Any, T]:
    """What ``work`` in the request's workspace returns, when the disk has its changes.

    One change by hand at a time. Raises what ``work`` does, and
    :class:`~emulator.store.errors.Unavailable`.
    """
    workspaces, name = emulator().workspaces, workspace_name()

    async def changing() -> T:
        found = await workspaces.get_for(name, work)
        async with found.store.alone():
            result = await work(found)
            await found.store.until_durable()
        return result

    return changing()


def reset_workspace(keep: Collection[str]) -> Coroutine[Any, Any, Size]:
    """Reset the request's workspace to its fixtures; answers its contents when the disk has them.

    Raises :class:`~emulator.store.errors.Unavailable`.
    """
    workspaces, before = emulator().workspaces, workspace_to_change()

    async def resetting() -> Size:
        await until_rested(before, workspaces.last_used)
        found = await workspaces.get_settled(before.name)
        try:
            await found.reset_in_steps(keep)
        except Unavailable:
            if found in workspaces:
                raise
            return await resetting()  # it was deleted while the fixtures were read: its successor is reset
        size = size_of(found)  # without what comes while the disk works
        await found.store.until_durable()
        return size

    return resetting()


def size_of(found: Workspace) -> Size:
    """How much is in a workspace."""
    return Size(found.name, found.store.profile_count, found.store.subscription_count)


def when_ready() -> Response | None:
    """Hold a request back while its workspace is opened or changed in steps; then have it answered."""
    workspaces, name = emulator().workspaces, workspace_name()
    if request.environ.get(BODY_PROBLEM_KEY) == "unread" or workspaces.is_ready(name):
        return None
    return repeat_after(lambda: workspaces.until_ready(name))


def repeat_after(wait: Callable[[], Awaitable[object]]) -> Response:
    """Answer this request anew after ``wait``. Raises what it raises."""
    body, again = own(request.environ["wsgi.input"]), repeat()

    async def answer() -> Answer:
        with body:
            await wait()
            return await again({"wsgi.input": body}).settled()

    return answer_later(answer())


def repeat() -> Callable[[dict[str, Any]], Answer]:
    """Answers this request once more, later, with changes of its WSGI environment."""
    environ = {**request.environ, WORKSPACE_KEY: workspace_name()}
    for key in ("werkzeug.request", DELIVERY_KEY, FOUND_KEY):
        environ.pop(key, None)
    application = partial(Flask.wsgi_app, current_app._get_current_object())  # type: ignore[attr-defined]
    return lambda changes: call_application(application, environ | changes)


def prepare(work: Callable[[IO[bytes]], Awaitable[object]]) -> Response:
    """Have ``work``, which gets the request's body, done before the request's turn; then :func:`prepared`."""
    again, body, refused = repeat(), own(request.environ["wsgi.input"]), spool().refusal

    async def first() -> Callable[[], Answer]:
        ready: object
        try:
            ready = await work(body)
        except OSError as error:
            ready = refused(error)
        except (HTTPException, Refused, Unavailable) as error:
            ready = error

        def answer() -> Answer:
            unread = io.BytesIO() if body.closed else body
            unread.seek(0)  # the turn may be tried again
            return again({_READY_KEY: ready, "wsgi.input": unread})

        return answer

    busy = emulator().workspaces.in_use(workspace_name())
    request.environ[DELIVERY_KEY] = Delivery(first=first, busy=busy)
    return Response(b"", 200)


def prepared() -> Any:
    """What the work before this request's turn has returned; ``None``: it is to be done. Raises as it did."""
    ready = request.environ.get(_READY_KEY)
    if isinstance(ready, Exception):
        raise ready
    return ready


def when_durable(response: Response) -> Response:
    """Delay a view's answer until the disk has the view's changes; if the disk refuses, answer the error."""
    found = changed_workspace()
    if found is None or DELIVERY_KEY in request.environ:
        return response
    durable = found.store.durable()
    if durable is None:
        return response
    refuse = copy_current_request_context(_refused)

    async def wait() -> Answer | None:
        try:
            await durable
        except Unavailable as error:
            return refuse(error)
        return None

    request.environ[DELIVERY_KEY] = Delivery(wait=wait())
    return response


def as_response(answer: Answer) -> Response:
    """An answer as Flask's response."""
    return Response(answer.body, answer.status, answer.headers)


def as_answer(response: Response) -> Answer:
    """Flask's response as an answer."""
    return Answer(response.status_code, list(response.headers.items()), response.get_data())


async def _guarded(work: Coroutine[Any, Any, Answer]) -> Answer:
    try:
        return await work
    except (Refused, Unavailable) as error:
        refused = refusal(error)
        return failure(refused.text, status_of(refused), headers=headers_of(refused))


def _refused(error: Unavailable) -> Answer:
    """The error in the form of the admin API or of the console, whichever was called."""
    return as_answer(current_app.finalize_request(current_app.handle_user_exception(error)))
