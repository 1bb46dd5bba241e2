"""Answers that take their time: worked out on the event loop, in steps, while others are answered."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import orjson
from flask import Response, request

from emulator.delivery import deliver_inline
from emulator.rules.answer import error_envelope
from emulator.rules.model import RequestError
from emulator.web.current import emulator, workspace_name
from emulator.wire import BRIDGE_KEY, DELIVERY_KEY, Answer, Delivery

JSON = ("Content-Type", "application/json")


def json_answer(document: Any, status: int = 200) -> Answer:
    """A document as an answer."""
    return Answer(status, [JSON], orjson.dumps(document))


def answer_later(work: Coroutine[Any, Any, Answer]) -> Response:
    """Have the server answer with what ``work`` returns; a :class:`RequestError` of its is answered as such.

    Under a server without the bridge the work is done here and now.
    """
    busy = emulator().workspaces.in_use(workspace_name())
    delivery = Delivery(wait=_guarded(work), busy=busy)
    if request.environ.get(BRIDGE_KEY):
        request.environ[DELIVERY_KEY] = delivery
        return Response(b"", 200)
    answer = deliver_inline(delivery, Answer(200, [], b""))
    return Response(answer.body, answer.status, answer.headers)


async def _guarded(work: Coroutine[Any, Any, Answer]) -> Answer:
    try:
        return await work
    except RequestError as error:
        return json_answer(error_envelope(error.code, error.text), error.code)
