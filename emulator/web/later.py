"""Answers that take their time: worked out on the event loop, in steps, while others are answered."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import orjson
from flask import Response, request

from emulator.rules.answer import error_envelope
from emulator.rules.model import RequestError
from emulator.wire import DELIVERY_KEY, Answer, Delivery

JSON = ("Content-Type", "application/json")


def json_answer(document: Any, status: int = 200) -> Answer:
    """A document as an answer."""
    return Answer(status, [JSON], orjson.dumps(document))


def answer_later(work: Coroutine[Any, Any, Answer]) -> Response:
    """Have the server answer with what ``work`` returns, or with the :class:`RequestError` that it raises."""
    request.environ[DELIVERY_KEY] = Delivery(wait=_guarded(work))
    return Response(b"", 200)


async def _guarded(work: Coroutine[Any, Any, Answer]) -> Answer:
    try:
        return await work
    except RequestError as error:
        return json_answer(error_envelope(error.code, error.text), error.code)
