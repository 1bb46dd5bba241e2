"""The SDKs' calls that report events: stored in the workspace's event journal (E1–E4)."""

from contextlib import suppress
from math import isfinite
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, ValidationError, convert

from emulator.journal.entry import showable
from emulator.journal.events import Event
from emulator.mobile.answers import Document, success
from emulator.mobile.call import SdkCall
from emulator.mobile.subscriptions import context_of
from emulator.rules.errors import Invalid, ProcessingError, Unauthorized
from emulator.rules.lints import unknown_parameters
from emulator.rules.mobile.caller import Caller, read_claim
from emulator.rules.mobile.finding import find_profile
from emulator.rules.mobile.writing import read_fields, write_fields
from emulator.rules.model import NonEmpty, Profile, shortened
from emulator.schemas.strict_json import JSONProblem, lints_of_duplicates, read_json

_UTM = {"cn": "campaign", "cc": "content", "ck": "keyword", "cm": "medium", "cs": "source", "ct": "temp"}
PARTS = ("tz", "t", "aci", "wn", "mm", *_UTM, "wd", "mi", "ma", "sn", "pf")
#: Numbers from here on are milliseconds (K4); the first one that no time can name.
_MILLISECONDS, _END_MS = 10**12, 253_402_300_800_000
#: Minutes of the widest offset from UTC.
_WIDEST_OFFSET = 18 * 60
_KINDS: dict[int, tuple[Literal["delivery", "open"], ...]] = {
    1: ("delivery",),
    2: ("open",),
    3: ("delivery", "open"),
}


class PushEvent(Struct):
    """The body of ``POST /event/push/delivery`` and ``/event/push/open`` (E1)."""

    time: int | float
    smid: NonEmpty


class PostEvents(Struct):
    """The body of ``POST /api/v1.1/pushes/post_events`` (E4)."""

    token: NonEmpty
    uid: NonEmpty
    events: int
    launch_id: str | int | UnsetType | None = UNSET
    provider: str | UnsetType | None = UNSET
    subscription_id: str | UnsetType | None = UNSET
    time: int | float | UnsetType | None = UNSET


def read_push_event(call: SdkCall, kind: Literal["delivery", "open"]) -> None:
    """Check the report of a delivery or an opening (R6)."""
    request: PushEvent = call.request
    smid = request.smid.removesuffix(kind) or request.smid  # E1: iOS 0.0.x appends the word
    if smid != request.smid:
        call.note("E1", "suffix_taken_off", kind)
    event = _event(call, kind)
    event.smid, event.time_ms = smid, _milliseconds("time", request.time)
    call.request = event


def carry_out_push_event(call: SdkCall) -> Document:
    """Store the event (E1)."""
    event: Event = call.request
    context = context_of(call)
    try:
        _name_profile(event, find_profile(context))
    except ProcessingError:  # the event is stored all the same
        call.note("E1", "no_profile")
    call.note("E1", "stored_event", shortened(event.smid or ""))
    call.events.append(event)
    return success(None)


def read_post_events(call: SdkCall) -> None:
    """Check the report of what happened to a message (R6)."""
    request: PostEvents = call.request
    kinds = _KINDS.get(request.events)
    if kinds is None:
        raise Invalid("events: must be 1 (delivered), 2 (opened) or 3 (both)", "R6")
    call.name = kinds[0]
    parts = request.uid.split("|")
    in_uid = parts[-1] if len(parts) >= 4 and parts[0] == "e" else None
    for name in () if in_uid else ("launch_id", "provider", "subscription_id"):
        if getattr(request, name) in (UNSET, None, ""):
            raise Invalid(f'{name}: is required where uid is not of the form "e|…|…|provider"', "R6")
    call.request = [_event(call, kind) for kind in kinds]
    time_ms = _milliseconds("time", request.time) if isinstance(request.time, (int, float)) else None
    for event in call.request:
        event.smid, event.provider = request.uid, in_uid or request.provider or None
        event.subscription_id = request.subscription_id or None
        event.launch_id = str(request.launch_id) if isinstance(request.launch_id, (str, int)) else None
        event.time_ms = time_ms


def carry_out_post_events(call: SdkCall) -> Document:
    """Store the events (E4)."""
    call.events += call.request
    call.note("E4", "stored_event", shortened(call.events[0].smid or ""))
    return {"error": 0, "error_text": "Successful operation"}


def read_mobile_event(call: SdkCall) -> None:
    """Check the parts of a mobile event (R6)."""
    # It loads werkzeug, which the start need not wait for.
    from emulator.mobile.multipart import read_parts  # noqa: PLC0415

    parts = read_parts(call.incoming.headers.get("content-type", ""), call.incoming.body)
    for name in ("tz", "t", "aci", "wn"):
        if name not in parts:
            raise Invalid(f"{name}: is required", "R6")
    if not parts["wn"]:
        raise Invalid("wn: must not be empty", "R6")
    pixel = call.query.get("i", "")
    for name, text in (*parts.items(), ("i", pixel)):
        if "\0" in text:  # no snapshot with it could be restored
            raise Invalid(f"{shortened(name)}: must not contain NUL", "R6")
    event = _event(call, "mobile_event")
    event.name = call.event = parts["wn"]
    event.tz = _offset(parts["tz"])
    event.time_ms = _milliseconds("t", _number("t", parts["t"]))
    event.altcraft_client_id = parts["aci"] or None
    event.pixel = pixel or None
    event.matching_mode = parts.get("mm") or None
    event.utm = {word: parts[name] for name, word in _UTM.items() if parts.get(name)} or None
    event.smid = _message(call, parts.get("mi", ""))
    event.payload, event.matching = _object(call, "wd", parts), _object(call, "ma", parts)
    event.subscription, event.profile_fields = _object(call, "sn", parts), _object(call, "pf", parts)
    call.lints += unknown_parameters([(name, PARTS) for name in parts if name not in PARTS])
    call.request = event


def carry_out_mobile_event(call: SdkCall) -> Document:
    """Store the event, and write the profile's fields (E2, E3). Raises ``ProcessingError`` (R4, R5)."""
    event: Event = call.request
    context = context_of(call)
    claimed = _claimed(event, context.caller)
    if claimed is not None:
        context.caller = claimed
    profile = find_profile(context)
    _name_profile(event, profile)
    fields = event.profile_fields
    if profile is not None:
        changed = write_fields(context, profile, fields)
        call.outcomes.append("unchanged" if changed is profile else "changed")
    else:
        call.note("E3", "no_profile")
        read_fields(context, fields or {})  # R4, R5
    call.note("E2", "stored_event", shortened(event.name or ""))
    call.events.append(event)
    return success(None)


def _claimed(event: Event, caller: Caller) -> Caller | None:
    """The caller whom the parts ``ma`` and ``mm`` name (E3); ``None`` if they name nobody."""
    if not event.matching or not event.matching_mode:
        return None
    try:
        claim = read_claim({**event.matching, "db_id": caller.db_id, "matching": event.matching_mode})
    except Unauthorized:
        return None
    return Caller(caller.resource, caller.db_id, claim)


def _event(call: SdkCall, kind: Literal["delivery", "open", "mobile_event"]) -> Event:
    event = Event(0, call.workspace.clock.now_ms(), kind, request_id=call.incoming.headers.get("request-id"))
    if call.caller is not None:
        event.db_id = call.caller.db_id
        event.resource_id, event.resource = call.caller.resource.id, call.caller.resource.name
    return event


def _name_profile(event: Event, profile: Profile | None) -> None:
    if profile is not None:
        event.db_id, event.profile_id = profile.db_id, profile.id


def _object(call: SdkCall, name: str, parts: dict[str, str]) -> Any:
    """A part that is a JSON object, as it can be shown; ``None`` where it is null, empty or not there."""
    text = parts.get(name)
    if not text:
        return None
    value = _json(call, name, text)
    if value is not None and not isinstance(value, dict):
        raise Invalid(f"{name}: must be a JSON object", "R6")
    return showable(value)


def _json(call: SdkCall, name: str, text: str) -> Any:
    try:
        value = read_json(text.encode())
        for lint in lints_of_duplicates(text.encode()):  # L8
            path = name if lint.path == "body" else f"{name}.{lint.path}"
            call.lints.append(lint._replace(path=path))
    except JSONProblem as problem:
        raise Invalid(problem.at(name), "R6") from problem
    return value


def _message(call: SdkCall, text: str) -> str | None:
    """The message's id: a bare string on Android, a quoted one on iOS."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        value = _json(call, "mi", text)
        return str(value) or None
    return None if text == "null" else text or None


def _offset(text: str) -> int:
    number = _number("tz", text)
    if number != int(number) or abs(number) > _WIDEST_OFFSET:
        raise Invalid(f"tz: must be minus the UTC offset in minutes, {_WIDEST_OFFSET} at most", "R6")
    return int(number)


def _number(name: str, text: str) -> float:
    with suppress(ValidationError):
        number = convert(text, float, strict=False)
        if isfinite(number):
            return number
    raise Invalid(f"{name}: must be a number", "R6")


def _milliseconds(path: str, value: float) -> int:
    """A time in milliseconds (K4). Raises :class:`Invalid` (R6)."""
    milliseconds = value if value >= _MILLISECONDS else value * 1000
    if isinstance(value, bool) or not 0 <= milliseconds < _END_MS:
        raise Invalid(f"{path}: must be seconds or milliseconds since 1970, up to the year 9999", "R6")
    return int(milliseconds)
