"""One call of the documented endpoint: bytes in, bytes out. No framework: the bridge and Flask call it."""

from __future__ import annotations

from collections.abc import Awaitable
from time import perf_counter

import orjson
from msgspec import Struct, field

from emulator.endpoint.cors import cors_headers, preflight_headers
from emulator.endpoint.schema import parse_push_request
from emulator.faults.answering import fault_answer, fault_text, replaces_answer, spoil
from emulator.faults.model import ITEM_ERRORS, MATCHING_ERRORS, Fault, ItemFault
from emulator.faults.tokens import PREFIX
from emulator.journal.bounds import kept_answer, kept_changes, kept_decisions, kept_outcomes
from emulator.journal.entry import Entry, word_of
from emulator.messages import Answer, Delivery, Incoming, Summary
from emulator.rules.answer import SUCCESS, envelope, error_envelope
from emulator.rules.decide import decide
from emulator.rules.lints import content_type_lint, request_lints
from emulator.rules.model import Decided, ForcedError, Lint, Outcome, PushRequest, RequestError, shortened
from emulator.settings import MAX_BODY_BYTES
from emulator.store.errors import Unavailable
from emulator.workspaces.errors import refusal
from emulator.workspaces.registry import WORKSPACE_HEADER, Workspaces, chosen_name, split_path
from emulator.workspaces.workspace import Workspace

#: Where the endpoint is served (Q2).
PATHS = frozenset(
    path + slash for path in ("/push_subscribe", "/api/v1.1/resources/push_subscribe") for slash in ("", "/")
)
JSON = ("Content-Type", "application/json")
_HEADER = WORKSPACE_HEADER.lower()
_TOKEN_MARK = PREFIX.encode()


class Call(Struct):
    """One call on its way: what has been found out about it so far."""

    incoming: Incoming
    workspace: Workspace
    path: str
    since: float
    cors: list[tuple[str, str]]
    fault: Fault | None = None
    outcome: Outcome | None = None
    lints: list[Lint] = field(default_factory=list)
    error: RequestError | None = None
    text: str = SUCCESS


class Exchange:
    """Answers the documented endpoint, and every path that is nobody's, from the workspaces."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    def accepts(self, path: str) -> bool:
        """Whether this path is answered here: all are but the console's and the admin API's."""
        if path.startswith("/w/"):
            path = split_path(path)[1]
        return path != "/" and not path.startswith("/__")

    def handle(self, incoming: Incoming) -> Answer:
        """The answer to one request; it is in the journal already. Raises for nothing that a client sends."""
        since = perf_counter()
        cors = cors_headers(incoming.headers)
        said, path = split_path(incoming.path)
        try:
            name = chosen_name(said, incoming.headers.get(_HEADER))
            workspace, no_room = self._workspace(name, incoming.method == "POST" and path in PATHS)
        except RequestError as error:
            return _error_answer(error, cors)
        if incoming.method == "OPTIONS" and path in PATHS:  # Q4
            return Answer(204, preflight_headers(incoming.headers), b"")
        call = Call(incoming, workspace, path, since, cors if path in PATHS else [])
        answer = self._answer(call) if no_room is None else self._refused(call, no_room)
        if answer.delivery is not None:
            answer.delivery.busy = self._workspaces.in_use(name)
            if answer.delivery.wait is not None:
                return answer  # recorded when the disk has it
        _record(call, answer)
        return answer

    def _workspace(self, name: str, make: bool) -> tuple[Workspace, RequestError | None]:
        """The workspace, made if need be; where there are too many, what records the refusal, and that."""
        if make:
            try:
                return self._workspaces.get(name), None
            except RequestError as error:
                if error.code != 429:
                    raise
                return self._workspaces.look(name), error
        return self._workspaces.look(name), None

    def _answer(self, call: Call) -> Answer:
        """The answer with whatever a fault makes of it."""
        try:
            request = _read(call)
            fault = call.workspace.faults.find(request, _TOKEN_MARK in call.incoming.body)
        except RequestError as error:
            return self._refused(call, error)
        try:
            if fault is None:
                return self._when_durable(call, self._carried_out(call, request))
            with call.workspace.firing(fault):
                call.fault = fault
                answer = self._under_fault(call, request, fault)
        except Unavailable as error:
            return self._not_stored(call, error)
        return spoil(self._when_durable(call, answer), fault, call.workspace.faults.delay_s(fault))

    def _under_fault(self, call: Call, request: PushRequest, fault: Fault) -> Answer:
        forced = _forced(fault)
        if not replaces_answer(fault) or forced is not None:
            return self._carried_out(call, request, forced)
        if fault.after:
            self._carried_out(call, request)
        answer = fault_answer(fault)
        answer.headers += call.cors
        call.text = fault_text(fault)
        return answer

    def _carried_out(self, call: Call, request: PushRequest, forced: ForcedError | None = None) -> Answer:
        workspace = call.workspace
        store = workspace.store
        try:
            call.outcome = outcome = decide(
                request, store, workspace.settings.policies, workspace.clock, workspace.ids, forced
            )
            call.lints += request_lints(
                request, outcome.resource, [store.database(db_id) for db_id in outcome.resource.db_ids]
            )
            if outcome.changes:
                store.apply(outcome.changes)  # A6
        except RequestError as error:
            return self._refused(call, error)
        body = orjson.dumps(envelope(outcome.error, outcome.items))
        return Answer(200, [JSON, *call.cors], body, Summary(outcome.error, outcome.ok, outcome.failed))

    def _refused(self, call: Call, error: RequestError) -> Answer:
        call.error = error
        call.text = error.text
        mirror = call.workspace.settings.policies.http_status == "mirror"
        return _error_answer(error, call.cors, None if mirror else 200)  # A3

    def _not_stored(self, call: Call, error: Unavailable) -> Answer:
        """The answer where nothing of the request counts, not even its fault."""
        call.outcome = call.fault = None
        return self._refused(call, refusal(error))

    def _when_durable(self, call: Call, answer: Answer) -> Answer:
        """The answer, whichever it is, to be sent when the disk has what the request changed."""
        if call.outcome is not None or call.fault is not None:
            durable = call.workspace.store.durable()
            if durable is not None:
                answer.delivery = Delivery(wait=self._durable(call, answer, durable))
        return answer

    async def _durable(self, call: Call, answer: Answer, durable: Awaitable[None]) -> Answer | None:
        """Wait for the disk; the answer to send instead, where it refused."""
        try:
            await durable
        except Unavailable as error:
            refused = self._not_stored(call, error)
            _record(call, refused)
            return refused
        _record(call, answer)
        return None


def _read(call: Call) -> PushRequest:
    """The checked request. Raises :class:`RequestError` (A3)."""
    incoming = call.incoming
    if call.path not in PATHS:  # Q2
        raise RequestError(404, f"{shortened(incoming.path)} not found", "A4")
    if incoming.method != "POST":
        raise RequestError(405, f"Method {incoming.method} is not allowed, use POST", "A4")
    if incoming.problem == "too_large":
        raise RequestError(413, f"body: must be at most {MAX_BODY_BYTES} bytes", "A3")
    if incoming.problem == "cut_off":
        raise RequestError(400, "body: was cut off before its end", "A3")
    lint = content_type_lint(incoming.headers.get("content-type"))  # Q3
    if lint is not None:
        call.lints.append(lint)
    request, unknown = parse_push_request(incoming.body, call.workspace.settings.strict)
    call.lints += unknown
    return request


def _forced(fault: Fault) -> ForcedError | None:
    if not isinstance(fault.then, ItemFault):
        return None
    wanted = fault.then.item_error
    return ForcedError(ITEM_ERRORS[wanted], wanted in MATCHING_ERRORS)


def _is_lost(answer: Answer) -> bool:
    """Whether nothing of it is sent."""
    return answer.delivery is not None and answer.delivery.effect in ("connection_reset", "empty_response")


def _error_answer(error: RequestError, headers: list[tuple[str, str]], status: int | None = None) -> Answer:
    body = orjson.dumps(error_envelope(error.code, error.text))
    extra = [("Allow", "POST, OPTIONS")] if error.code == 405 else []
    return Answer(status or error.code, [JSON, *extra, *headers], body, Summary(error.code))


def _record(call: Call, answer: Answer) -> None:
    """Write the call into the tally and the journal."""
    seconds = perf_counter() - call.since
    decided = call.outcome.decided if call.outcome is not None else []
    if call.error is not None:
        decided = [*decided, Decided(call.error.rule, None, call.error.text)]
    lints = call.workspace.settings.wanted(call.lints)
    _count(call, answer, seconds, decided, lints)
    _write_down(call, answer, seconds, decided, lints)


def _count(call: Call, answer: Answer, seconds: float, decided: list[Decided], lints: list[Lint]) -> None:
    tally, error = call.workspace.metrics, answer.summary.error or 0
    outcomes = call.outcome.outcomes if call.outcome is not None else []
    tally.outcomes[word_of(call.fault is not None, error, outcomes)] += 1
    tally.errors[error] += 1
    for one in decided:
        tally.rules[one.rule] += 1
    for lint in lints:
        tally.rules[lint.rule] += 1
    tally.took(seconds)


def _write_down(
    call: Call, answer: Answer, seconds: float, decided: list[Decided], lints: list[Lint]
) -> None:
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
        b"" if _is_lost(answer) else kept_answer(answer.body),
        int(seconds * 1e6) / 1000,  # round() takes ten times as long
        kept_decisions(decided),
        lints,
    )
    if call.fault is not None:
        entry.fault = call.fault.id
    if outcome is not None:
        entry.outcomes = kept_outcomes(outcome.outcomes)
        entry.changes = kept_changes(outcome.changes)
        entry.resource_id = outcome.resource.id
        entry.resource = outcome.resource.name
    workspace.requests.record(entry)
