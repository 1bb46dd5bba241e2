"""One call of the endpoint or of a mobile SDK: what is known about it, and what the journal gets of it."""

from time import perf_counter

from msgspec import Struct, field

from emulator.faults.model import Fault
from emulator.journal.entry import Entry, word_of
from emulator.messages import Answer, Incoming
from emulator.mobile.call import SdkCall as MobileCall
from emulator.rules.answer import SUCCESS
from emulator.rules.errors import Refused
from emulator.rules.model import Decided, Lint, Outcome
from emulator.workspaces.workspace import Workspace

#: Where the endpoint is served (Q2).
PATHS = frozenset(
    path + slash for path in ("/push_subscribe", "/api/v1.1/resources/push_subscribe") for slash in ("", "/")
)
_REFUSED = ["refused"]


class PushCall(Struct):
    """One call, and what is known about it so far. ``text`` is the answer's error text.

    ``mobile``: the call of an SDK; ``None`` for a call of the endpoint. ``hides_refusal``: the request was
    refused, but the overridden error does not show it.
    """

    incoming: Incoming
    workspace: Workspace
    since: float
    cors: list[tuple[str, str]]
    fault: Fault | None = None
    outcome: Outcome | None = None
    lints: list[Lint] = field(default_factory=list)
    error: Refused | None = None
    text: str = SUCCESS
    mobile: MobileCall | None = None
    hides_refusal: bool = False


def record(call: PushCall, answer: Answer) -> None:
    """Count the call, and write it into the journal."""
    seconds = perf_counter() - call.since
    workspace, outcome = call.workspace, call.outcome
    decided = outcome.decided if outcome is not None else []
    if call.error is not None:
        decided = [*decided, Decided(call.error.rule, None, "said", (call.error.text,))]
    lints = workspace.settings.wanted(call.lints)
    metrics, error = workspace.metrics, answer.summary.error or 0
    outcomes = outcome.outcomes if outcome is not None else _REFUSED if call.hides_refusal else []
    metrics.outcomes[word_of(call.fault is not None, error, outcomes)] += 1
    metrics.errors[error] += 1
    rules = metrics.rules
    for one in decided:
        rules[one.rule] += 1
    for lint in lints:
        rules[lint.rule] += 1
    metrics.took(seconds)
    if call.mobile is not None and call.outcome is not None:
        for event in call.mobile.events:  # E5
            call.workspace.events.record(event)
    _write_down(call, answer, seconds, decided, lints)


def _write_down(
    call: PushCall, answer: Answer, seconds: float, decided: list[Decided], lints: list[Lint]
) -> None:
    if not call.workspace.requests.recording:
        return
    workspace, incoming, outcome = call.workspace, call.incoming, call.outcome
    resource, changes, outcomes = None, None, _REFUSED if call.hides_refusal else []
    if outcome is not None:
        resource, changes, outcomes = outcome.resource, outcome.changes or None, outcome.outcomes
    if call.mobile is not None and call.mobile.caller is not None:
        resource = call.mobile.caller.resource  # also of a call that a fault answered
    entry = Entry(
        0,
        workspace.clock.now_ms(),
        incoming.method,
        incoming.path,
        incoming.query,
        incoming.client,
        incoming.headers,
        incoming.body,
        answer.status,
        answer.summary.error or 0,
        call.text,
        answer.body,
        int(seconds * 1e6) / 1000,  # round() takes ten times as long
        decided,
        lints,
        outcomes,
        changes,
        None if resource is None else resource.id,
        None if resource is None else resource.name,
    )
    if call.fault is not None:
        entry.fault = call.fault.id
        entry.effect = call.fault.then if isinstance(call.fault.then, str) else None
        if entry.never_answered:
            entry.answer_bytes = b""
        if answer.delivery is not None:
            entry.delay_ms = round(answer.delivery.delay_s * 1000)
    workspace.requests.record(entry)
