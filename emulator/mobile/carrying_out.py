"""Reads one call of an SDK and carries it out, in one transaction."""

from hashlib import blake2b

import msgspec
from msgspec.structs import replace

from emulator.faults.model import Asked
from emulator.messages import JSON, Answer, Summary
from emulator.mobile.authorization import authorize
from emulator.mobile.body import read_body
from emulator.mobile.call import SdkCall
from emulator.mobile.paths import SERVED
from emulator.mobile.subscriptions import context_of
from emulator.rules.errors import Invalid, NotAllowed, ProcessingError, Refused, TooLarge
from emulator.rules.lints import check_strictly, unknown_parameters
from emulator.rules.mobile.finding import find_profile
from emulator.rules.mobile.requests import check_provider
from emulator.rules.model import Lint, Outcome
from emulator.rules.request import check_encoding
from emulator.settings import MAX_BODY_BYTES
from emulator.workspaces.replays import Replay, ReplayKey

_encode = msgspec.json.Encoder().encode


def read(call: SdkCall) -> Asked:
    """Check the call, and say what faults match it by.

    Raises :class:`~emulator.rules.errors.Refused` (T5, R6).
    """
    operation, incoming = SERVED[call.path], call.incoming
    if incoming.method != operation.method:
        raise NotAllowed(f"Method {incoming.method} is not allowed, use {operation.method}", "R6")
    if incoming.problem == "too_large":
        raise TooLarge(f"body: must be at most {MAX_BODY_BYTES} bytes", "R6")
    if incoming.problem == "cut_off":
        raise Invalid("body: was cut off before its end", "R6")
    call.name = operation.name
    if operation.authorized:
        call.caller = authorize(call)
    try:
        if "content-encoding" in incoming.headers:
            check_encoding(incoming.headers["content-encoding"])
        if operation.body is not None:
            call.request = read_body(call, operation.body)
        operation.read(call)
        _check_parameters(call, operation.parameters)
    except Refused:
        if _first_call(call, _replay_key(call)) is None:  # K3: what cannot be read is another body
            raise
    resource = None if call.caller is None else call.caller.resource
    token = "" if resource is None else resource.token
    return Asked(call.name, call.tokens, token, call.event, _profile_id(call))


def _check_parameters(call: SdkCall, known: frozenset[str]) -> None:
    """Note unknown parameters (K6). Raises :class:`Invalid` (R6, in strict mode Q5)."""
    provider = call.query.get("provider")
    if provider and "provider" in known:
        check_provider("provider", provider)
    if not known.issuperset(call.query):
        names = sorted(known)
        call.lints += unknown_parameters([(name, names) for name in call.query if name not in known])
    _refuse_strictly(call)


def _refuse_strictly(call: SdkCall) -> None:
    """In strict mode, refuse what has a lint of Q5: found in the request, or by the rules in its fields."""
    if call.lints and call.workspace.settings.strict:
        check_strictly(call.lints)


def _profile_id(call: SdkCall) -> str | None:
    """The id of the profile that the call finds, where a fault waits for one."""
    faults = call.workspace.faults
    if not len(faults) or call.caller is None or all(fault.match.profile_id is None for fault in faults):
        return None
    try:
        found = find_profile(replace(context_of(call), decided=[]))  # its notes do not count
    except ProcessingError:
        return None
    return None if found is None else found.id


def carry_out(call: SdkCall) -> tuple[Answer, Outcome]:
    """Decide the call and apply its changes.

    Raises :class:`~emulator.rules.errors.Refused` and :class:`~emulator.store.errors.Unavailable`; then
    nothing has changed.
    """
    key = _replay_key(call)
    first = _first_call(call, key)
    if first is not None:
        body = _replayed(call, first)
    else:
        body = _encode(SERVED[call.path].carry_out(call))
        _refuse_strictly(call)
        if call.changes:
            call.workspace.store.apply(call.changes)
        if key is not None:
            call.workspace.replays.remember(key, Replay(body, _digest(call)))
    outcomes = call.outcomes or ["unchanged"]
    answer = Answer(200, [JSON], body, Summary(0))
    return answer, Outcome(0, [], call.changes, call.decided, [], None, outcomes=outcomes)


def _replay_key(call: SdkCall) -> ReplayKey | None:
    """What a repeated call has in common with the first one (K3)."""
    headers = call.incoming.headers
    request_id = headers.get("request-id")
    if not request_id or call.workspace.settings.policies.sdk_retries == "apply":
        return None
    return headers.get("authorization", ""), call.path, request_id


def _first_call(call: SdkCall, key: ReplayKey | None) -> Replay | None:
    """The first call, if this one repeats it (K3)."""
    return None if key is None else call.workspace.replays.find(key)


def _replayed(call: SdkCall, first: Replay) -> bytes:
    """The answer of the first call, with a lint for another body (K3)."""
    call.note("K3", "replayed")
    if first.body != _digest(call):
        call.lints.append(Lint("K3", "Request-ID", "other_body"))
    return first.answer


def _digest(call: SdkCall) -> bytes:
    return blake2b(call.incoming.body, digest_size=16).digest()
