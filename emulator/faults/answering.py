"""What a fault makes of an answer."""

from __future__ import annotations

import orjson

from emulator.faults.model import SPOILS_OF_ANSWERS, ErrorAnswer, Fault, RateLimit
from emulator.messages import Answer, Delivery, Summary
from emulator.rules.answer import error_envelope

JSON = ("Content-Type", "application/json")


def replaces_answer(fault: Fault) -> bool:
    """Whether the client gets the fault's answer, or none, instead of the request's own."""
    return fault.then is not None and not (fault.after and fault.then in SPOILS_OF_ANSWERS)


def fault_answer(fault: Fault) -> Answer:
    """The fault's own answer, in the documented envelope."""
    then, text = fault.then, fault_text(fault)
    if isinstance(then, RateLimit):
        return _error(429, 429, text, ("Retry-After", "1"))
    if isinstance(then, ErrorAnswer):
        return _error(then.status, then.code, text)
    return _error(500, 500, text)


def fault_text(fault: Fault) -> str:
    """What the fault's own answer says."""
    then = fault.then
    if isinstance(then, RateLimit):
        return f"Fault: more than {then.per_second:g} requests per second"
    return then.text if isinstance(then, ErrorAnswer) else f"Fault: {then}"


def spoil(answer: Answer, fault: Fault, delay_s: float) -> Answer:
    """The answer as the fault delivers it."""
    delivery = answer.delivery or Delivery()
    delivery.delay_s = delay_s
    if fault.then == "malformed_json":
        answer.body = answer.body[: max(1, len(answer.body) * 2 // 3)]
    elif isinstance(fault.then, str):
        delivery.effect = fault.then
    if delivery.delay_s or delivery.effect or delivery.wait:
        answer.delivery = delivery
    return answer


def _error(status: int, code: int, text: str, *headers: tuple[str, str]) -> Answer:
    return Answer(status, [JSON, *headers], orjson.dumps(error_envelope(code, text)), Summary(code))
