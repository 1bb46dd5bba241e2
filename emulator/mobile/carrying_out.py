"""Reads one call of an SDK and carries it out, in one transaction."""

from __future__ import annotations

from emulator.faults.model import Asked
from emulator.messages import Answer, Incoming
from emulator.mobile.answers import answer_of
from emulator.mobile.authorization import authorize
from emulator.mobile.call import Call
from emulator.mobile.paths import SERVED
from emulator.rules.errors import Invalid, NotAllowed, TooLarge
from emulator.rules.model import Outcome
from emulator.rules.request import check_encoding
from emulator.settings import MAX_BODY_BYTES


def read(call: Call, incoming: Incoming) -> Asked:
    """Check the call, and say what faults match it by.

    Raises :class:`~emulator.rules.errors.Refused` (T5, R6).
    """
    operation = SERVED[call.path]
    if call.method != operation.method:
        raise NotAllowed(f"Method {call.method} is not allowed, use {operation.method}", "R6")
    if "content-encoding" in call.headers:
        check_encoding(call.headers["content-encoding"])
    if incoming.problem == "too_large":
        raise TooLarge(f"body: must be at most {MAX_BODY_BYTES} bytes", "R6")
    if incoming.problem == "cut_off":
        raise Invalid("body: was cut off before its end", "R6")
    call.body = incoming.body
    if operation.authorized:
        call.caller = authorize(call)
    operation.read(call)
    resource = None if call.caller is None else call.caller.resource
    return Asked(call.name, call.tokens, "" if resource is None else resource.token, call.event)


def carry_out(call: Call) -> tuple[Answer, Outcome]:
    """Decide the call and apply its changes.

    Raises :class:`~emulator.rules.errors.Refused` and :class:`~emulator.store.errors.Unavailable`; then
    nothing has changed.
    """
    document = SERVED[call.path].carry_out(call)
    if call.changes:
        call.workspace.store.apply(call.changes)
    resource = None if call.caller is None else call.caller.resource
    outcome = Outcome(0, [], call.changes, call.decided, [], resource, outcomes=call.outcomes)
    return answer_of(document), outcome
