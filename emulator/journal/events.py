"""Push events and mobile events of a workspace: kept, searched and counted like its requests (E5)."""

from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any

import msgspec

from emulator.journal.entry import Packed
from emulator.journal.journal import Journal
from emulator.journal.matching import Check, Criteria
from emulator.timestamps import iso
from push_emulator.journal_answers import Difference, EventKind

#: Criteria on an event itself.
EVENT_KEYS = (
    "kind",
    "name",
    "smid",
    "profile_id",
    "db_id",
    "resource",
    "resource_id",
    "provider",
    "subscription_id",
    "matching_mode",
    "pixel",
    "launch_id",
    "request_id",
    "since",
    "q",
)
#: Digits of a position in an array from which on it is none.
_LONGEST_POSITION = 9
#: Objects of an event, whose parts are criteria: ``payload.sum``, ``payload.items.0.sku``.
EVENT_PARTS = ("payload", "utm", "matching", "subscription", "profile_fields")


class Event(msgspec.Struct, array_like=True, gc=False):
    """One event that a client reported.

    ``at_ms``: when it came, ``time_ms``: when it happened as the client says, milliseconds; ``smid`` the
    message's id, ``name`` a mobile event's; ``matching_mode``, ``matching`` what it names its profile by;
    ``db_id``, ``profile_id`` the profile that was found; ``tz`` minus the client's UTC offset in minutes.
    """

    id: int
    at_ms: int
    kind: EventKind
    time_ms: int | None = None
    smid: str | None = None
    name: str | None = None
    db_id: int | None = None
    profile_id: str | None = None
    resource_id: int | None = None
    resource: str | None = None
    provider: str | None = None
    subscription_id: str | None = None
    matching_mode: str | None = None
    request_id: str | None = None
    launch_id: str | None = None
    pixel: str | None = None
    tz: int | None = None
    altcraft_client_id: str | None = None
    payload: dict[str, Any] | None = None
    utm: dict[str, str] | None = None
    matching: dict[str, Any] | None = None
    subscription: dict[str, Any] | None = None
    profile_fields: dict[str, Any] | None = None

    @property
    def time(self) -> str:
        """When the event came, ISO 8601 in UTC."""
        return iso(self.at_ms)


class EventReading(Packed[Event]):
    """An event as searches read it."""

    decode = staticmethod(msgspec.msgpack.Decoder(Event).decode)

    @cached_property
    def folded(self) -> str:
        """The text that words are searched in: everything that the client sent, case-folded."""
        return msgspec.json.encode(msgspec.to_builtins(self.entry)).decode().casefold()


class EventJournal(Journal[Event, EventReading]):
    """The last events of a workspace."""

    reading_type = EventReading


class EventMatch(Criteria[EventReading]):
    """Criteria for events: :data:`EVENT_KEYS`, and parts of an event's objects as ``payload.NAME``."""

    def _make_checks(self) -> Iterator[tuple[int, Check[EventReading]]]:
        for key, value in self.criteria.items():
            if key != "q":
                yield 1, partial(self._check, key, value)

    def _check(self, key: str, wanted: Any, reading: EventReading) -> list[Difference]:
        event = reading.entry
        if key == "since":
            return [] if event.time >= str(wanted) else [Difference(key, wanted, event.time)]
        name, _, path = key.partition(".")
        actual = _part(getattr(event, name), path) if path else getattr(event, name)
        return [] if self._equal(wanted, actual) else [Difference(key, wanted, actual)]


def _part(value: Any, path: str) -> Any:
    """The part that a dotted path of names and positions names; a name with dots in it is found, too."""
    while path and not (isinstance(value, dict) and path in value):
        name, _, path = path.partition(".")
        if isinstance(value, list) and name.isdecimal() and len(name) < _LONGEST_POSITION:
            value = value[int(name)] if int(name) < len(value) else None
        else:
            value = value.get(name) if isinstance(value, dict) else None
    return value[path] if path else value
