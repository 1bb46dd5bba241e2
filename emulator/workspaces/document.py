"""A whole workspace as one JSON document: checked wholly before it is put in a workspace's place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import IO, Annotated, Any

import msgspec
from marshmallow import ValidationError, validate
from msgspec.structs import replace

from emulator.faults.model import Fault
from emulator.fixtures.schema import PROFILE_ID_LENGTH, ProfileEntrySchema, SubscriptionEntrySchema
from emulator.journal.events import Event
from emulator.loop.pacing import Steps, at_once, in_steps, paced
from emulator.rules.errors import Invalid
from emulator.rules.keys import possible_hash_ids
from emulator.rules.model import Changes, Database, Resource, Subscription, shortened
from emulator.rules.texts import MOST_PROBLEMS, Message, Problem, message, within
from emulator.schemas.errors import UNKNOWN_KEY, flatten, list_of, nested, string
from emulator.schemas.json_members import read_blocks, read_members
from emulator.schemas.strict_json import JSONProblem
from emulator.store.fixture_set import FixtureSet, ProfileEntry, Resources, SubscriptionEntry, giving_hash_ids
from emulator.store.set_check import SetCheck, duplicate
from emulator.store.state import STEP
from emulator.store.tinydb_store import TinyDBStore, made_from
from emulator.timestamps import TIME_FORM, UTC_PATTERN, read_iso
from emulator.workspaces.remembered import RememberedFaults
from emulator.workspaces.settings import WorkspaceSettings
from push_emulator.journal_answers import RecordedEvent

Judge = Callable[[dict[str, Any]], dict[str, Any]]

_Time = Annotated[str, msgspec.Meta(pattern=f"^({UTC_PATTERN})?$")]
_TIME = validate.Regexp(f"^({UTC_PATTERN})?$", error=TIME_FORM)
#: The members that are read entry by entry.
_LONG = ("profiles", "events")


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


async def _entries(file: IO[bytes], array: str) -> AsyncIterator[tuple[int, Any]]:
    """The entries of an array with their positions, in steps."""
    position = 0
    async for some in paced(read_blocks(file, array), 1):
        for one in some:
            yield position, one
            position += 1


async def _read_profiles(file: IO[bytes], building: _Building) -> None:
    problems: list[Problem] = []
    async for position, value in _entries(file, "profiles"):
        problems += await in_steps(building.take(position, value))
        if len(problems) > MOST_PROBLEMS:
            more = Problem("", "… and perhaps more; the rest was not looked at")
            problems = [*problems[:MOST_PROBLEMS], more]
            break
    if problems:
        raise Invalid(problems)


async def _read_events(file: IO[bytes]) -> list[Event]:
    events = []
    async for position, value in _entries(file, "events"):
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

    def take(self, position: int, value: Any) -> Steps[list[Problem]]:
        """Add a profile; returns its problems if it is refused. In steps: it may have many subscriptions."""
        path = f"profiles[{position}]"
        entry, problems = yield from _entry(path, value)
        if entry is None or entry.id is None:
            return problems
        found = yield from self._check.profile_in_steps(position, entry)
        if found:
            return within("profiles", found)
        profile = entry.record(self._fields[entry.db_id], entry.id, entry.created or self._now)
        subscriptions = []
        for number, one in enumerate(entry.subscriptions, 1):
            subscriptions.append(one.record(entry.db_id, entry.id, self._now, self._resources))
            if not number % STEP:
                yield
        problems = yield from self._hash_problems(path, subscriptions)
        if not problems:
            yield from giving_hash_ids(self._store, subscriptions)
            self._store.apply(Changes([profile], subscriptions[:STEP]))
            for at in range(STEP, len(subscriptions), STEP):
                yield
                self._store.apply(Changes([], subscriptions[at : at + STEP]))
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

    def _hash_problems(self, path: str, subscriptions: list[Subscription]) -> Steps[list[Problem]]:
        """The problems of given hash ids: each key has one, which is a prefix of the key's digest (A5)."""
        problems = []
        seen = set()
        for position, one in enumerate(subscriptions):
            if position and not position % STEP:
                yield
            if not one.hash_id:
                continue
            held = self._store.find_by_push(one.key).hash_id
            if held is not None:
                wrong = None if one.hash_id == held else message("is %(id)s on another profile", id=held)
            elif self._store.hash_taken(one.hash_id) or one.hash_id in seen:
                wrong = Message("is another subscription's")
            elif one.hash_id in possible_hash_ids(one.key):
                wrong = None
            else:
                usual = next(possible_hash_ids(one.key))
                wrong = message("must be %(id)s (A5), or left out", id=usual)
            seen.add(one.hash_id)
            if wrong is not None:
                problems.append(Problem(f"{path}.subscriptions[{position}].hash_id", wrong))
        return problems


def _entry(path: str, value: Any) -> Steps[tuple[SnapshotProfile | None, list[Problem]]]:
    """The profile, or its problems; read in steps, some subscriptions at a time."""
    own = value.get("subscriptions") if isinstance(value, dict) else None
    every = own if isinstance(own, list) else []
    entry: SnapshotProfile | None = None
    read: list[SnapshotSubscription] = []
    problems: list[Problem] = []
    for at in range(0, len(every) or 1, STEP):
        if at:
            yield
        piece = {**value, "subscriptions": every[at : at + STEP]} if len(every) > STEP else value
        try:
            entry = msgspec.convert(piece, SnapshotProfile)
            if entry.id is None:
                raise msgspec.ValidationError
            read += entry.subscriptions
        except msgspec.ValidationError as error:
            found = _shape_problems(path, piece, str(error), at)
            problems += [one for one in found if one not in problems]
            if len(problems) > MOST_PROBLEMS:
                break
    if problems or entry is None:
        return None, problems
    return replace(entry, subscriptions=read), []


def _shape_problems(path: str, value: Any, otherwise: str, first: int) -> list[Problem]:
    """The problems of a profile's form; ``first``: the position of the first of its subscriptions."""
    try:
        SnapshotProfileSchema().load(value)
    except ValidationError as error:  # marshmallow has the texts
        messages: Any = error.messages
        own = messages.get("subscriptions")
        if first and isinstance(own, dict):
            messages = {**messages, "subscriptions": {first + at: said for at, said in own.items()}}
        return list(flatten(messages, path))
    return [Problem(path, otherwise)]
