"""The answer to a request that a fault acts on."""

from collections.abc import Callable, Iterable

from emulator.faults.model import (
    ITEM_ERRORS,
    ITEM_TEXTS,
    MATCHING_ERRORS,
    SPOILS_OF_ANSWERS,
    ErrorAnswer,
    Fault,
    ItemFault,
    RateLimit,
)
from emulator.messages import Answer, Delivery, failure
from emulator.rules.model import ForcedError


def replaces_answer(fault: Fault) -> bool:
    """Whether the client gets the fault's answer, or none, instead of the request's own."""
    return fault.then is not None and not (fault.after and fault.then in SPOILS_OF_ANSWERS)


def forced_error(fault: Fault) -> ForcedError | None:
    """The error that the fault forces on every item; ``None`` for other faults."""
    if not isinstance(fault.then, ItemFault):
        return None
    wanted = fault.then.item_error
    return ForcedError(ITEM_ERRORS[wanted], wanted in MATCHING_ERRORS)


def fault_answer(
    fault: Fault, headers: Iterable[tuple[str, str]] = (), make: Callable[..., Answer] = failure
) -> Answer:
    """The fault's own answer, in the envelope that ``make`` writes; ``headers`` are added."""
    then, text = fault.then, fault_text(fault)
    if isinstance(then, RateLimit):
        return make(text, 429, headers=[("Retry-After", "1"), *headers])
    if isinstance(then, ErrorAnswer):
        return make(text, then.code, then.status, headers)
    return make(text, 400 if isinstance(then, ItemFault) else 500, headers=headers)


def fault_text(fault: Fault) -> str:
    """The error text of the fault's own answer."""
    then = fault.then
    if isinstance(then, ItemFault):
        return ITEM_TEXTS[then.item_error]
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
