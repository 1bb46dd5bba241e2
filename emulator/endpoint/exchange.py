"""One call of the endpoint or of a mobile SDK: bytes in, bytes out. The bridge and Flask call it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from time import perf_counter

import orjson
from msgspec import Struct, field

from emulator.endpoint.cors import cors_headers, preflight_headers
from emulator.endpoint.health import asks_for_health, health_answer
from emulator.endpoint.schema import parse_push_request
from emulator.faults.answering import (
    fault_answer,
    fault_text,
    forced_error,
    replaces_answer,
    spoil,
    spoil_of,
)
from emulator.faults.model import Asked, Fault
from emulator.faults.tokens import PREFIX
from emulator.journal.entry import Entry, word_of
from emulator.messages import JSON, Answer, Delivery, Incoming, Summary, failure, split_path
from emulator.mobile.answers import refused
from emulator.mobile.call import Call as MobileCall
from emulator.mobile.call import call_of
from emulator.mobile.carrying_out import carry_out, read
from emulator.mobile.paths import SERVED, served_path
from emulator.rules.answer import ALL_APPLIED, NOT_ALL_APPLIED, SUCCESS, envelope
from emulator.rules.decide import decide
from emulator.rules.errors import Invalid, NotAllowed, NotFound, Refused, TooLarge, TooMany
from emulator.rules.lints import content_type_lint
from emulator.rules.model import Decided, ForcedError, Lint, Outcome, PushRequest, shortened
from emulator.rules.overrides import ANSWERS
from emulator.rules.request import check_encoding
from emulator.settings import MAX_BODY_BYTES
from emulator.store.errors import Unavailable
from emulator.workspaces.errors import headers_of, refusal, status_of
from emulator.workspaces.names import WORKSPACE_HEADER, chosen_name
from emulator.workspaces.registry import Workspaces
from emulator.workspaces.workspace import Workspace

#: Where the endpoint is served (Q2).
PATHS = frozenset(
    path + slash for path in ("/push_subscribe", "/api/v1.1/resources/push_subscribe") for slash in ("", "/")
)
_HEADER = WORKSPACE_HEADER.lower()
_SLASHES = re.compile("/+")
_TOKEN_MARK = PREFIX.encode()
_REFUSED = ["refused"]


class Call(Struct):
    """One call, and what is known about it so far. ``text`` is the answer's error text.

    ``mobile``: the call of an SDK; ``None`` for a call of the endpoint.
    ``hides_refusal``: the request was refused, and the error that the workspace set does not tell it.
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


class Exchange:
    """Answers the endpoint, the mobile SDKs' calls, the health and all unknown paths, from the workspaces."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    def accepts(self, incoming: Incoming) -> bool:
        """Whether the request is answered here; the console's and the admin API's others are not."""
        path = incoming.endpoint
        return path != "/" and (not path.startswith("/__") or asks_for_health(incoming))

    def handle(self, incoming: Incoming) -> Answer:
        """Answer one request, and record it in the journal; no request makes it raise."""
        if incoming.endpoint.startswith("/__"):
            return self._health(incoming)
        since = perf_counter()
        cors = cors_headers(incoming.headers)
        served = incoming.endpoint in PATHS
        mobile = None if served else served_path(incoming.endpoint)
        try:
            name = chosen_name(incoming.workspace, incoming.headers.get(_HEADER))
            workspace, no_room = self._workspaces.ready(name), None
            if workspace is None and not self._workspaces.is_ready(name):
                wait = self._handle_when_ready(name, incoming)
                return Answer(200, [], b"", delivery=Delivery(wait=wait, busy=self._workspaces.in_use(name)))
            if workspace is None:
                makes = (served or mobile is not None) and incoming.method == "POST"
                workspace, no_room = self._workspace(name, makes)
        except Refused as error:
            return _error_answer(error, cors, mobile=mobile)
        if served and incoming.method == "OPTIONS":  # Q4
            return Answer(204, preflight_headers(incoming.headers), b"")
        call = Call(incoming, workspace, since, cors if served else [])
        if mobile is not None:
            call.mobile, call.text = call_of(workspace, mobile, incoming), ""
        answer = _answer(call) if no_room is None else _refused(call, no_room)
        if answer.delivery is not None:
            answer.delivery.busy = self._workspaces.in_use(name)
            if answer.delivery.wait is not None:
                return answer  # recorded when the disk has it
        _record(call, answer)
        return answer

    async def _handle_when_ready(self, name: str, incoming: Incoming) -> Answer:
        try:
            await self._workspaces.until_ready(name)
        except Refused as error:
            return _error_answer(error, cors_headers(incoming.headers))
        return await self.handle(incoming).settled()

    def _health(self, incoming: Incoming) -> Answer:
        try:
            name = chosen_name(incoming.workspace, incoming.headers.get(_HEADER))
            return health_answer(self._workspaces, name)
        except (Refused, Unavailable) as error:
            return _error_answer(refusal(error), [])

    def _workspace(self, name: str, make: bool) -> tuple[Workspace, Refused | None]:
        """The workspace, created if ``make`` says so; with the refusal where there are too many already."""
        if make:
            try:
                return self._workspaces.get(name), None
            except Refused as error:
                if not isinstance(error, TooMany):
                    raise
                return self._workspaces.look(name), error
        return self._workspaces.look(name), None


def _answer(call: Call) -> Answer:
    """The answer as the client gets it, with the effect of a fault."""
    faults = call.workspace.faults
    try:
        request = _read(call)
        body = call.incoming.body
        fault = faults.find(request, b"!" in body and _TOKEN_MARK in body)  # one byte is found quickly
        if fault is None:
            return _when_durable(call, _carry_out(call, request))
        with call.workspace.firing(fault):
            call.fault = fault
            answer = _carry_out_under(call, request, fault)
    except Refused as error:
        return _refused(call, error)
    except Unavailable as error:
        return _not_stored(call, error)
    return spoil(_when_durable(call, answer), fault, faults.delay_s(fault))


def _read(call: Call) -> PushRequest | Asked:
    """The checked request. Raises :class:`Refused` (A3)."""
    incoming = call.incoming
    if call.mobile is not None:
        return read(call.mobile, incoming)
    if incoming.endpoint not in PATHS:  # Q2
        raise NotFound(f"{shortened(incoming.path)} not found{_path_hint(incoming.path)}", "A4", "A4/path")
    if incoming.method != "POST":
        raise NotAllowed(f"Method {incoming.method} is not allowed, use POST", "A4")
    if "content-encoding" in incoming.headers:
        check_encoding(incoming.headers["content-encoding"])
    if incoming.problem == "too_large":
        raise TooLarge(f"body: must be at most {MAX_BODY_BYTES} bytes", "A3", "A3/size")
    if incoming.problem == "cut_off":
        raise Invalid("body: was cut off before its end", "A3")
    lint = content_type_lint(incoming.headers.get("content-type"))  # Q3
    if lint is not None:
        call.lints.append(lint)
    request, unknown = parse_push_request(incoming.body, call.workspace.settings.strict)
    call.lints += unknown
    return request


def _path_hint(path: str) -> str:
    """The served path, where this one differs from it by slashes alone."""
    right = _SLASHES.sub("/", path)
    _, endpoint = split_path(right)
    if right == path or not (endpoint in PATHS or endpoint.startswith("/__")):
        return ""
    return f', did you mean "{right.rstrip("/")}"?'


def _carry_out(call: Call, request: PushRequest | Asked, forced: ForcedError | None = None) -> Answer:
    """Decide the request and apply its changes. Raises :class:`Unavailable`."""
    if isinstance(request, Asked):
        return _carry_out_mobile(call)
    workspace = call.workspace
    store, settings = workspace.store, workspace.settings
    try:
        call.outcome = outcome = decide(
            request, store, settings.policies, workspace.clock, workspace.ids, forced, settings.answers
        )
        call.lints += outcome.lints
        if outcome.changes:
            store.apply(outcome.changes)  # A6
    except Refused as error:
        return _refused(call, error)
    body = orjson.dumps(envelope(outcome.error, outcome.items))
    return Answer(200, [JSON, *call.cors], body, Summary(outcome.error, outcome.ok, outcome.failed))


def _carry_out_mobile(call: Call) -> Answer:
    """The same for an SDK's call. Raises :class:`Unavailable`."""
    mobile = call.mobile
    if mobile is None:
        raise TypeError("the call is not an SDK's")
    try:
        answer, call.outcome = carry_out(mobile)
    except Refused as error:
        return _refused(call, error)
    call.lints += mobile.lints
    return answer


def _carry_out_under(call: Call, request: PushRequest | Asked, fault: Fault) -> Answer:
    """The request's own answer, or the fault's. Raises :class:`Unavailable`."""
    forced = forced_error(fault)
    if (forced is not None and call.mobile is None) or not replaces_answer(fault):
        return _carry_out(call, request, forced)
    if fault.after:
        _carry_out(call, request)
    call.text = fault_text(fault)
    return fault_answer(fault, call.cors, _envelope_of(call))


def _refused(call: Call, error: Refused) -> Answer:
    call.error, call.text = error, error.text
    code, make = status_of(error), _envelope_of(call)
    if call.mobile is not None:  # R3
        return make(error.text, code, None, _headers(error, call.mobile.path))
    settings, headers = call.workspace.settings, [*_headers(error), *call.cors]
    usual = code if settings.policies.http_status == "mirror" else 200  # A3
    own = settings.answers.get(error.answer) if settings.answers else None
    # A disk that refuses, or too many workspaces, are A3 too, and nothing that a platform has answers for.
    if own is None or ANSWERS[error.answer].code != code:
        return make(error.text, code, usual, headers)
    call.hides_refusal = own.error in (ALL_APPLIED, NOT_ALL_APPLIED)
    call.text = error.text if own.error_text is None else own.error_text
    return make(call.text, code if own.error is None else own.error, own.status or usual, headers)


def _envelope_of(call: Call) -> Callable[..., Answer]:
    """What makes the call's error answers; ``data`` is in them as the policy says (A3)."""
    if call.mobile is not None:
        return refused
    return partial(failure, has_data=call.workspace.settings.policies.error_data == "empty")


def _error_answer(error: Refused, headers: list[tuple[str, str]], mobile: str | None = None) -> Answer:
    """The answer to a request that has no workspace; ``mobile``: the path of an SDK's call."""
    make = failure if mobile is None else refused
    return make(error.text, status_of(error), None, [*_headers(error, mobile), *headers])


def _headers(error: Refused, mobile: str | None = None) -> list[tuple[str, str]]:
    if not isinstance(error, NotAllowed):
        return headers_of(error)
    return [("Allow", "POST, OPTIONS" if mobile is None else SERVED[mobile].method), *headers_of(error)]


def _not_stored(call: Call, error: Unavailable) -> Answer:
    """The answer when the disk refused: neither the request nor its fault took effect."""
    call.outcome = call.fault = None
    return _refused(call, refusal(error))


def _when_durable(call: Call, answer: Answer) -> Answer:
    """The answer, held back until the disk has the request's changes."""
    if call.outcome is not None or call.fault is not None:
        durable = call.workspace.store.durable()
        if durable is not None:
            answer.delivery = Delivery(wait=_wait(call, answer, durable))
    return answer


async def _wait(call: Call, answer: Answer, durable: Awaitable[None]) -> Answer | None:
    """Wait for the disk and record the call; answers what to send instead if the disk refused."""
    try:
        await durable
    except Unavailable as error:
        refused = _not_stored(call, error)
        _record(call, refused)
        return refused
    _record(call, answer)
    return None


def _record(call: Call, answer: Answer) -> None:
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
    call: Call, answer: Answer, seconds: float, decided: list[Decided], lints: list[Lint]
) -> None:
    if not call.workspace.requests.recording:
        return
    workspace, incoming, outcome = call.workspace, call.incoming, call.outcome
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
    )
    if call.fault is not None:
        entry.fault, entry.effect = call.fault.id, spoil_of(call.fault)
        if entry.never_answered:
            entry.answer_bytes = b""
        if answer.delivery is not None:
            entry.delay_ms = round(answer.delivery.delay_s * 1000)
    if outcome is not None:
        entry.outcomes = outcome.outcomes
        entry.changes = outcome.changes
        if outcome.resource is not None:
            entry.resource_id = outcome.resource.id
            entry.resource = outcome.resource.name
    elif call.hides_refusal:
        entry.outcomes = _REFUSED
    workspace.requests.record(entry)
