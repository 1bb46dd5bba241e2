"""Faults without admin access: a ``subscription_id`` of the form ``emu!503`` or ``emu!after!reset``.

Parts, joined by ``!``: ``after`` (the state changes, then the answer is lost), ``delay=MILLISECONDS``, and
one of: an HTTP status 400–599, ``reset``, ``empty``, ``truncated``, ``malformed``, ``slow``, ``duplicate``,
``provider``, ``unknown-field``, ``invalid-value``, ``incorrect-field``, ``failed-convert``,
``unknown-category``. A part that begins with ``#`` only makes the token unique.
"""

from emulator.faults.model import PROCESSING_ERRORS, SPOILS_OF_ANSWERS, Asked, ErrorAnswer, Fault, ItemFault
from emulator.rules.errors import Invalid
from emulator.rules.model import PushRequest, shortened
from push_emulator.answers import Spoil

PREFIX = "emu!"
MAX_DELAY_MS = 600_000
#: The most parts of a token.
_MOST_PARTS = 8

_EFFECTS: dict[str, Spoil | ItemFault | ErrorAnswer] = {
    "reset": "connection_reset",
    "empty": "empty_response",
    "truncated": "truncated_body",
    "malformed": "malformed_json",
    "slow": "slow_body",
    "duplicate": ItemFault("duplicate"),
    "provider": ItemFault("provider"),
    "unknown-field": ItemFault("unknown_field"),
    "invalid-value": ItemFault("invalid_value"),
    **{word: ErrorAnswer(400, None, text) for word, text in PROCESSING_ERRORS.items()},
}
#: The words of a token, for error texts.
WORDS = ("a status 400-599", "after", "delay=MS", *_EFFECTS)


def fault_of(request: PushRequest | Asked) -> Fault | None:
    """The fault that the request's first ``emu!`` token asks for.

    Raises :class:`Invalid` for a token with an unknown meaning.
    """
    for position, wanted in enumerate(request.subscriptions):
        if wanted.subscription_id.startswith(PREFIX):
            try:
                return parse_token(wanted.subscription_id)
            except ValueError as error:
                path, rule = "subscription_id", "R6"
                if isinstance(request, PushRequest):
                    path, rule = f"subscriptions[{position}].{path}", "A3"
                raise Invalid(f"{path}: {error}", rule) from error
    return None


def parse_token(token: str) -> Fault:
    """The fault of an ``emu!`` token. Raises :class:`ValueError`, which says what is allowed."""
    fault = Fault(token)
    effects = 0
    parts = token[len(PREFIX) :].split("!", _MOST_PARTS)
    if len(parts) > _MOST_PARTS:
        raise ValueError(f'"{shortened(token)}" must have at most {_MOST_PARTS} parts')
    for part in parts:
        if part == "after":
            fault.after = True
        elif part.startswith("delay="):
            fault.delay_ms = _milliseconds(part.removeprefix("delay="))
        elif part in _EFFECTS:
            fault.then, effects = _EFFECTS[part], effects + 1
        elif (status := _number(part)) is not None and 400 <= status <= 599:
            fault.then, effects = ErrorAnswer(status), effects + 1
        elif not part.startswith("#"):
            raise ValueError(
                f'unknown fault "{shortened(part)}" in "{shortened(token)}"; there are {", ".join(WORDS)}'
            )
    if effects > 1 or (not effects and not fault.delay_ms):
        raise ValueError(f'"{shortened(token)}" must ask for one fault; there are {", ".join(WORDS)}')
    if fault.after and isinstance(fault.then, ItemFault):
        raise ValueError(f'"{shortened(token)}": an item error changes nothing, so it cannot come "after"')
    if fault.then in SPOILS_OF_ANSWERS:
        fault.after = True
    return fault


def _milliseconds(text: str) -> int:
    number = _number(text)
    if number is None or number > MAX_DELAY_MS:
        raise ValueError(f'delay must be 0 to {MAX_DELAY_MS} milliseconds, not "{shortened(text)}"')
    return number


def _number(text: str) -> int | None:
    """The number, if it has fewer than 20 digits: Python refuses to convert thousands of them."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
