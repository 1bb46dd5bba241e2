"""The answer to one call: the request is checked and decided, its changes applied, a fault acts."""

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import orjson

from emulator.endpoint.call import PATHS, PushCall, record
from emulator.endpoint.schema import parse_push_request
from emulator.faults.answering import fault_answer, fault_text, forced_error, replaces_answer, spoil
from emulator.faults.model import Asked, Fault
from emulator.faults.tokens import PREFIX
from emulator.messages import JSON, Answer, Delivery, Summary, failure, split_path
from emulator.mobile.answers import refused
from emulator.mobile.carrying_out import carry_out, read
from emulator.mobile.paths import SERVED, nearest_path
from emulator.rules.answer import ALL_APPLIED, NOT_ALL_APPLIED, envelope
from emulator.rules.decide import decide
from emulator.rules.errors import Invalid, NotAllowed, NotFound, Refused, TooLarge
from emulator.rules.interfaces import TakesLong
from emulator.rules.lints import content_type_lint, query_lints
from emulator.rules.model import ForcedError, PushRequest, shortened
from emulator.rules.overrides import ANSWERS
from emulator.rules.request import check_encoding
from emulator.settings import MAX_BODY_BYTES
from emulator.store.errors import Unavailable
from emulator.workspaces.errors import headers_of, refusal, status_of

_SLASHES = re.compile("/+")
_TOKEN_MARK = PREFIX.encode()


class Postponed(Exception):
    """A call takes long (:class:`~emulator.rules.interfaces.TakesLong`). ``fault``: acts on it, if any."""

    def __init__(self, fault: Fault | None) -> None:
        self.fault = fault


def answer_call(call: PushCall, postponed: Postponed | None = None) -> Answer:
    """The answer as the client gets it, with the effect of a fault.

    Raises :class:`Postponed` before any change: the caller answers another call object, with what was raised,
    beside the requests of other workspaces.
    """
    faults = call.workspace.faults
    try:
        request = _read(call)
        body = call.incoming.body
        # One byte is found quickly; an SDK's call may name its token in the query.
        with_token = call.mobile is not None or (b"!" in body and _TOKEN_MARK in body)
        if postponed is None:
            fault = faults.find(request, with_token)
        else:
            fault = postponed.fault and faults.find_again(postponed.fault, request, with_token)
        if fault is None:
            return _when_durable(call, _carry_out(call, request))
        with call.workspace.firing(fault):
            call.fault = fault
            answer = _carry_out_under(call, request, fault)
    except Refused as error:
        return refuse(call, error)
    except Unavailable as error:
        return _not_stored(call, error)
    except TakesLong:
        raise Postponed(fault) from None
    return spoil(_when_durable(call, answer), fault, faults.delay_s(fault))


def _read(call: PushCall) -> PushRequest | Asked:
    """The checked request. Raises :class:`Refused` (A3)."""
    incoming = call.incoming
    if call.mobile is not None:
        return read(call.mobile)
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
    if incoming.query:  # Q2
        call.lints += query_lints(dict(parse_qsl(incoming.query, keep_blank_values=True)))
    request, unknown = parse_push_request(incoming.body, call.workspace.settings.strict)
    call.lints += unknown
    return request


def _path_hint(path: str) -> str:
    """The endpoint's path, if this one differs by slashes, case or dashes alone, or the SDKs' nearest."""
    right = _SLASHES.sub("/", path)
    _, endpoint = split_path(right)
    as_written = endpoint.lower().replace("-", "_")
    meant = as_written if as_written in PATHS else nearest_path(endpoint)
    if meant is not None:
        right = right.removesuffix(endpoint) + meant
    elif right == path or not endpoint.startswith("/__"):
        return ""
    return f', did you mean "{right.rstrip("/")}"?'


def _carry_out(call: PushCall, request: Any, forced: ForcedError | None = None) -> Answer:
    """Decide the call and apply its changes. Raises :class:`Unavailable`."""
    workspace = call.workspace
    store, settings = workspace.store, workspace.settings
    try:
        if call.mobile is not None:
            answer, call.outcome = carry_out(call.mobile)
            return answer
        call.outcome = outcome = decide(
            request, store, settings.policies, workspace.clock, workspace.ids, forced, settings.answers
        )
        call.lints += outcome.lints
        if outcome.changes:
            store.apply(outcome.changes)  # A6
    except Refused as error:
        return refuse(call, error)
    body = orjson.dumps(envelope(outcome.error, outcome.items))
    return Answer(200, [JSON, *call.cors], body, Summary(outcome.error, outcome.ok, outcome.failed))


def _carry_out_under(call: PushCall, request: PushRequest | Asked, fault: Fault) -> Answer:
    """The request's own answer, or the fault's. Raises :class:`Unavailable`."""
    forced = forced_error(fault)
    if (forced is not None and call.mobile is None) or not replaces_answer(fault):
        return _carry_out(call, request, forced)
    if fault.after:
        _carry_out(call, request)
    call.text = fault_text(fault)
    return fault_answer(fault, call.cors, _envelope_of(call))


def refuse(call: PushCall, error: Refused) -> Answer:
    """The answer to a refused call: its error, as the workspace's policies have it (A3, R3)."""
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


def _envelope_of(call: PushCall) -> Callable[..., Answer]:
    """What makes the call's error answers; ``data`` is in them as the policy says (A3)."""
    if call.mobile is not None:
        return refused
    return partial(failure, has_data=call.workspace.settings.policies.error_data == "empty")


def error_answer(error: Refused, headers: list[tuple[str, str]], mobile: str | None = None) -> Answer:
    """The answer to a request that has no workspace; ``mobile``: the path of an SDK's call."""
    make = failure if mobile is None else refused
    return make(error.text, status_of(error), None, [*_headers(error, mobile), *headers])


def _headers(error: Refused, mobile: str | None = None) -> list[tuple[str, str]]:
    if not isinstance(error, NotAllowed):
        return headers_of(error)
    return [("Allow", "POST, OPTIONS" if mobile is None else SERVED[mobile].method), *headers_of(error)]


def _not_stored(call: PushCall, error: Unavailable) -> Answer:
    """The answer when the disk refused: neither the request nor its fault took effect."""
    call.outcome = call.fault = None
    return refuse(call, refusal(error))


def _when_durable(call: PushCall, answer: Answer) -> Answer:
    """The answer, held back until the disk has the request's changes."""
    if call.outcome is not None or call.fault is not None:
        durable = call.workspace.store.durable()
        if durable is not None:
            answer.delivery = Delivery(wait=_wait(call, answer, durable))
    return answer


async def _wait(call: PushCall, answer: Answer, durable: Awaitable[None]) -> Answer | None:
    """Wait for the disk and record the call; answers what to send instead if the disk refused."""
    try:
        await durable
    except Unavailable as error:
        instead = _not_stored(call, error)
        record(call, instead)
        return instead
    record(call, answer)
    return None
