"""A whole workspace as one JSON document: written piece by piece, checked wholly before it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Annotated, Any

import msgspec
from marshmallow import ValidationError, validate
from msgspec.structs import replace

from emulator.faults.model import Fault
from emulator.fixtures.schema import PROFILE_ID_LENGTH, ProfileEntrySchema, SubscriptionEntrySchema
from emulator.journal.events import Event, EventReading
from emulator.loop.pacing import at_once, paced
from emulator.rules.errors import Invalid
from emulator.rules.keys import HASH_DIGITS, digest
from emulator.rules.model import Changes, Database, Profile, Resource, Subscription, shortened
from emulator.rules.texts import MOST_PROBLEMS, Message, Problem, message, within
from emulator.schemas.errors import UNKNOWN_KEY, flatten, list_of, nested, string
from emulator.schemas.json_members import read_entries, read_members
from emulator.schemas.strict_json import JSONProblem
from emulator.store.fixture_set import FixtureSet, ProfileEntry, Resources, SubscriptionEntry, give_hash_ids
from emulator.store.set_check import SetCheck, duplicate
from emulator.store.tinydb_store import TinyDBStore, made_from
from emulator.timestamps import TIME_FORM, UTC_PATTERN, read_iso
from emulator.workspaces import answers
from emulator.workspaces.remembered import RememberedFaults
from emulator.workspaces.settings import WorkspaceSettings
from emulator.workspaces.workspace import Workspace
from push_emulator.journal_answers import RecordedEvent

FORMAT = 1
#: The end of a complete document.
END = b"]}\n"
_AT_ONCE = 50
_encode = msgspec.json.Encoder().encode
Judge = Callable[[dict[str, Any]], dict[str, Any]]

_Time = Annotated[str, msgspec.Meta(pattern=f"^({UTC_PATTERN})?$")]
_TIME = validate.Regexp(f"^({UTC_PATTERN})?$", error=TIME_FORM)
#: The members that are read entry by entry.
_LONG = ("profiles", "events")


def snapshot_pieces(found: Workspace) -> Iterator[bytes]:
    """The document of the workspace as it is now, in pieces of about 1 ms of work.

    Whatever is changed after this call does not show.
    """
    store = found.store
    head = {
        "format": FORMAT,
        "databases": [answers.database_record(one) for one in store.databases()],
        "resources": [answers.resource_record(one, show_secrets=True) for one in store.resources()],
        "settings": answers.settings_state(found.settings),
        "clock": answers.clock_state(found.clock),
        "faults": [answers.armed_fault(one) for one in found.faults],
        "profiles_made": store.profiles_made,
    }
    return _pieces(head, list(found.events.readings())[::-1], store.whole())


def _pieces(
    head: Mapping[str, Any],
    events: Sequence[EventReading],
    whole: Iterator[tuple[Profile, list[Subscription]]],
) -> Iterator[bytes]:
    members = (_encode(name) + b":" + _encode(value) + b",\n" for name, value in head.items())
    yield b"{" + b"".join(members) + b'"events":['
    for position, reading in enumerate(events):
        yield (b",\n" if position else b"\n") + _encode(answers.recorded_event(reading.entry))
    yield b'],\n"profiles":['
    separator = b"\n"
    lines: list[bytes] = []
    for one in whole:
        lines.append(_encode(answers.profile_record(*one)))
        if len(lines) == _AT_ONCE:
            yield separator + b",\n".join(lines)
            separator, lines = b",\n", []
    yield (separator + b",\n".join(lines) if lines else b"") + b"\n" + END


class SnapshotSubscription(SubscriptionEntry):
    """A subscription of a profile in a snapshot."""

    hash_id: str | None = None
    created: _Time = ""
    updated: _Time = ""

    def record(self, db_id: int, profile_id: str, now: str, resources: Resources) -> Subscription:
        """The subscription with the hash id and the times of the document."""
        found = super().record(db_id, profile_id, self.created or now, resources)
        found.hash_id, found.updated = self.hash_id or "", self.updated or found.created
        return found


class SnapshotProfile(ProfileEntry):
    """A profile in a snapshot."""

    subscriptions: list[SnapshotSubscription] = msgspec.field(default_factory=list)  # type: ignore[assignment]
    created: _Time = ""


class SnapshotSubscriptionSchema(SubscriptionEntrySchema):
    """The same, for what is not right."""

    hash_id = string(allow_none=True)
    created = string(validate=_TIME)
    updated = string(validate=_TIME)


class SnapshotProfileSchema(ProfileEntrySchema):
    """The same, for what is not right."""

    id = string(required=True, metadata=PROFILE_ID_LENGTH)
    created = string(validate=_TIME)
    subscriptions = list_of(nested(SnapshotSubscriptionSchema))


async def read_snapshot(file: IO[bytes], now: str, judge: Judge) -> tuple[TinyDBStore, list[Event]]:
    """The state and the events that a snapshot describes, ready to be put in a workspace's place.

    It reads ``file`` two or three times. ``now`` (ISO 8601) is the time of records without a time; ``judge``
    loads all members but the profiles. Works in steps.
    Raises :class:`Invalid` with all problems that can be found in one pass.
    """
    try:
        head = await _read_head(file)
        building = _Building(judge(head), now)
        file.seek(0)
        await _read_profiles(file, building)
        file.seek(0)
        events = await _read_events(file) if "events" in head else []
    except JSONProblem as problem:
        raise Invalid(problem.at()) from problem
    return building.state(), events


async def _read_head(file: IO[bytes]) -> dict[str, Any]:
    """All members; of the profiles and events only whether they exist."""
    head: dict[str, Any] = {}
    async for name, value in paced(read_members(file, _LONG)):
        head[name] = [] if name in _LONG else value
    return head


async def _read_profiles(file: IO[bytes], building: _Building) -> None:
    problems: list[Problem] = []
    async for position, value in paced(enumerate(read_entries(file, "profiles"))):
        problems += building.take(position, value)
        if len(problems) > MOST_PROBLEMS:
            more = Problem("", "… and perhaps more; the rest was not looked at")
            problems = [*problems[:MOST_PROBLEMS], more]
            break
    if problems:
        raise Invalid(problems)


async def _read_events(file: IO[bytes]) -> list[Event]:
    events = []
    async for position, value in paced(enumerate(read_entries(file, "events"))):
        if isinstance(value, dict) and (unknown := value.keys() - set(RecordedEvent.__struct_fields__)):
            raise Invalid(Problem(f"events[{position}].{shortened(min(unknown))}", UNKNOWN_KEY))
        try:
            one = msgspec.convert(value, RecordedEvent)
        except msgspec.ValidationError as error:
            raise Invalid(Problem(f"events[{position}]", str(error))) from error
        if read_iso(one.time) is None:
            raise Invalid(Problem(f"events[{position}].time", TIME_FORM))
        events.append(Event(**{name: getattr(one, name) for name in Event.__struct_fields__}))
    return events


class _Building:
    """A new state, built beside the one in use; ``members`` are as the judge loads them."""

    def __init__(self, members: dict[str, Any], now: str) -> None:
        databases = [Database(**one) for one in members["databases"]]
        resources = [Resource(**one) for one in members["resources"]]
        check = SetCheck(databases, resources)
        problems = within("databases", check.databases()) + within("resources", check.resources())
        faults: list[Fault] = members["faults"]
        seen: set[str] = set()
        for position, fault in enumerate(faults):
            if fault.id in seen:
                problems.append(Problem(f"faults[{position}].id", duplicate(fault.id)))
            seen.add(fault.id)
        if problems:
            raise Invalid(problems[:MOST_PROBLEMS])
        self._now = now
        self._members = members
        self._fields = {one.id: one.fields for one in databases}
        self._resources = {one.id: one for one in resources}
        self._store = at_once(made_from(FixtureSet(databases, resources), now, str))
        self._check = SetCheck(databases, resources, present=self._store, of_state=True)

    def take(self, position: int, value: Any) -> list[Problem]:
        """Add a profile; returns its problems if it is refused."""
        path = f"profiles[{position}]"
        try:
            entry = msgspec.convert(value, SnapshotProfile)
            if entry.id is None:
                raise msgspec.ValidationError
        except msgspec.ValidationError as error:
            return _shape_problems(path, value, str(error))
        found = self._check.profile(position, entry)
        if found:
            return within("profiles", found)
        profile = entry.record(self._fields[entry.db_id], entry.id, entry.created or self._now)
        key = entry.db_id, entry.id
        subscriptions = [one.record(*key, self._now, self._resources) for one in entry.subscriptions]
        problems = self._hash_problems(path, subscriptions)
        if not problems:
            give_hash_ids(self._store, subscriptions)
            self._store.apply(Changes([profile], subscriptions))
        return problems

    def state(self) -> TinyDBStore:
        """The state, with the settings, clock and faults of the workspace."""
        if "settings" in self._members:
            stated = self._members["settings"]
            choices = WorkspaceSettings().changed(stated)
            if "answers" in stated:  # all that were overridden, whatever the platform says
                own = {name: answer for name, answer in stated["answers"].items() if answer is not None}
                choices = replace(choices, answers=own)
            self._store.remember("settings", msgspec.json.encode(choices))
        if "clock" in self._members:
            self._store.remember("clock", msgspec.json.encode(self._members["clock"]))
        armed = RememberedFaults(self._members["faults"])
        self._store.remember("faults", msgspec.json.encode(armed))
        self._store.profiles_made = self._members["profiles_made"]
        return self._store

    def _hash_problems(self, path: str, subscriptions: list[Subscription]) -> list[Problem]:
        """The problems of given hash ids: each key has one, which is a prefix of the key's digest (A5)."""
        problems = []
        seen = set()
        for position, one in enumerate(subscriptions):
            if not one.hash_id:
                continue
            held = self._store.find_by_push(one.key).hash_id
            if held is not None:
                wrong = None if one.hash_id == held else message("is %(id)s on another profile", id=held)
            elif self._store.hash_taken(one.hash_id) or one.hash_id in seen:
                wrong = Message("is another subscription's")
            else:
                digits = digest(one.key).hex()
                right = len(one.hash_id) >= HASH_DIGITS and digits.startswith(one.hash_id)
                said = message("must be %(id)s (A5), or left out", id=digits[:HASH_DIGITS])
                wrong = None if right else said
            seen.add(one.hash_id)
            if wrong is not None:
                problems.append(Problem(f"{path}.subscriptions[{position}].hash_id", wrong))
        return problems


def _shape_problems(path: str, value: Any, otherwise: str) -> list[Problem]:
    try:
        SnapshotProfileSchema().load(value)
    except ValidationError as error:  # marshmallow has the texts
        return list(flatten(error.messages, path))
    return [Problem(path, otherwise)]
