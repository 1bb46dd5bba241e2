"""Reading a whole workspace back: everything is checked before anything is changed."""

from __future__ import annotations

from typing import IO, Any

import msgspec
from marshmallow import ValidationError

from emulator.faults.model import Fault
from emulator.loop.pacing import Pacing
from emulator.rules.fields import read_value
from emulator.rules.keys import HASH_DIGITS, digest
from emulator.rules.model import Changes, Database, Profile, RequestError, Resource, Subscription
from emulator.schemas.errors import flatten
from emulator.schemas.json_members import Piece, read_members
from emulator.schemas.strict_json import JSONProblem
from emulator.store.fixture_set import FixtureSet, SetCheck, give_hash_ids
from emulator.store.tinydb_store import TinyDBStore
from emulator.web.admin.loading import load
from emulator.web.admin.settings import changed
from emulator.web.admin.snapshot_schema import (
    SnapshotProfile,
    SnapshotProfileSchema,
    SnapshotSchema,
    SnapshotSubscription,
)
from emulator.workspaces.remembered import RememberedFaults
from emulator.workspaces.settings import WorkspaceSettings

#: More problems than these help nobody.
MAX_PROBLEMS = 20
_WHOLE = {"format", "databases", "resources", "settings", "clock", "faults", "profiles_made"}


async def read_snapshot(file: IO[bytes], now: str) -> TinyDBStore:
    """The state that a snapshot describes, ready to be put in a workspace's place.

    ``file`` is read twice; ``now`` (ISO 8601) is for what has no time of its own. Works in steps.
    Raises :class:`RequestError` 400 with all problems, as far as they can be seen at once.
    """
    try:
        head = await _read_head(file)
        building = _Building(load(SnapshotSchema(), head), now)
        file.seek(0)
        await _read_profiles(file, head, building)
    except JSONProblem as problem:
        raise RequestError(400, f"{problem.path or 'body'}: {problem.text}", "A3") from problem
    return building.state()


async def _read_head(file: IO[bytes]) -> dict[str, Any]:
    """All members but the profiles. Where these come last, as the emulator writes it, they are not read."""
    steps = Pacing()
    head: dict[str, Any] = {}
    for name, position, value in read_members(file):
        if steps.long:
            await steps.pause()
        if position is None:
            head[name] = value
        elif name == "profiles":
            if head.keys() >= _WHOLE:
                break
            head[name] = []
        else:
            entries = head.setdefault(name, [])
            if position >= 0:
                entries.append(value)
    return head


async def _read_profiles(file: IO[bytes], head: dict[str, Any], building: _Building) -> None:
    steps = Pacing()
    problems: list[str] = []
    for piece in read_members(file):
        if steps.long:
            await steps.pause()
        if piece.name == "profiles":
            problems += building.take(piece)
        elif piece.name not in head:
            load(SnapshotSchema(), {**head, piece.name: None})  # says that it is unknown
        if len(problems) > MAX_PROBLEMS:
            problems = [*problems[:MAX_PROBLEMS], "… and perhaps more; the rest was not looked at"]
            break
    if problems:
        raise RequestError(400, "; ".join(problems), "A3")


class _Building:
    """A state in the making, beside the one in use; ``members`` are as :class:`SnapshotSchema` loads them."""

    def __init__(self, members: dict[str, Any], now: str) -> None:
        databases = [Database(one["id"], one["name"], one.get("fields", {})) for one in members["databases"]]
        resources = [
            Resource(one["id"], one["name"], one["token"], one["db_ids"], one.get("providers"))
            for one in members["resources"]
        ]
        check = SetCheck(databases, resources)
        found = check.databases("databases") + check.resources("resources")
        problems = [f"{one.file}{one.path}: {one.expected}" for one in found]
        faults: list[Fault] = members["faults"]
        seen: set[str] = set()
        for position, fault in enumerate(faults):
            if fault.id in seen:
                problems.append(f'faults[{position}].id: "{fault.id}" stands twice')
            seen.add(fault.id)
        if problems:
            raise RequestError(400, "; ".join(problems[:MAX_PROBLEMS]), "A3")
        self._now = now
        self._members = members
        self._fields = {one.id: one.fields for one in databases}
        self._store = TinyDBStore(None, "none")
        self._store.replace(FixtureSet(databases, resources), now, str)
        self._check = SetCheck(databases, resources, present=self._store, any_provider=True)

    def take(self, piece: Piece) -> list[str]:
        """Take a profile in; its problems if it cannot be."""
        if piece.position is None:
            return ["profiles: must be an array"]
        if piece.position < 0:  # an empty array
            return []
        path = f"profiles[{piece.position}]"
        try:
            entry = msgspec.convert(piece.value, SnapshotProfile)
            if entry.id is None:
                raise msgspec.ValidationError
        except msgspec.ValidationError as error:
            return _shape_problems(path, piece.value, str(error))
        found = self._check.profile("profiles", piece.position, entry)
        if found:
            return [f"{one.file}{one.path}: {one.expected}" for one in found]
        declared = self._fields[entry.db_id]
        values = {name: read_value(declared[name], value) for name, value in entry.fields.items()}
        profile = Profile(entry.id, entry.db_id, values, entry.created or self._now)
        subscriptions = [self._subscription(profile, one) for one in entry.subscriptions]
        problems = self._hash_problems(path, subscriptions)
        if not problems:
            give_hash_ids(self._store, subscriptions)
            self._store.apply(Changes([profile], subscriptions))
        return problems

    def state(self) -> TinyDBStore:
        """The state, with what the workspace remembers beside its data."""
        if "settings" in self._members:
            choices = changed(WorkspaceSettings(), self._members["settings"])
            self._store.remember("settings", msgspec.json.encode(choices))
        if "clock" in self._members:
            self._store.remember("clock", msgspec.json.encode(self._members["clock"]))
        armed = RememberedFaults(self._members["faults"])
        self._store.remember("faults", msgspec.json.encode(armed))
        self._store.profiles_made = self._members["profiles_made"]
        return self._store

    def _subscription(self, profile: Profile, entry: SnapshotSubscription) -> Subscription:
        created = entry.created or self._now
        return Subscription(
            entry.hash_id or "",
            profile.db_id,
            profile.id,
            entry.resource_id,
            entry.provider,
            entry.subscription_id,
            entry.status,
            created,
            entry.updated or created,
        )

    def _hash_problems(self, path: str, subscriptions: list[Subscription]) -> list[str]:
        """What is wrong with given hash ids: one key has one, and it begins the key's digest (A5)."""
        problems = []
        seen = set()
        for position, one in enumerate(subscriptions):
            if not one.hash_id:
                continue
            held = self._store.find_by_push(one.key).hash_id
            if held is not None:
                wrong = "" if one.hash_id == held else f"is {held} on another profile"
            elif self._store.hash_taken(one.hash_id) or one.hash_id in seen:
                wrong = "is another subscription's"
            else:
                digits = digest(one.key).hex()
                right = len(one.hash_id) >= HASH_DIGITS and digits.startswith(one.hash_id)
                wrong = "" if right else f"must be {digits[:HASH_DIGITS]} (A5), or left out"
            seen.add(one.hash_id)
            if wrong:
                problems.append(f"{path}.subscriptions[{position}].hash_id: {wrong}")
        return problems


def _shape_problems(path: str, value: Any, otherwise: str) -> list[str]:
    try:
        SnapshotProfileSchema().load(value)
    except ValidationError as error:  # marshmallow has the words
        return [f"{where}: {text}" for where, text in flatten(error.messages, path)]
    return [f"{path}: {otherwise}"]
