"""A dry run's world: it sees the workspace's state and keeps its own changes to itself."""

from __future__ import annotations

from contextlib import nullcontext

from emulator.choices import Choices
from emulator.clock import WorkspaceClock
from emulator.ids import ObjectIds
from emulator.importer.ports import ImportStore, World
from emulator.rules.model import (
    Changes,
    Database,
    FieldValue,
    Profile,
    PushKey,
    Resource,
    Subscription,
)
from emulator.tally import Tally


class Overlay:
    """A store over another one, which it never changes.

    It holds what the import would have added or changed, so its memory grows with the number of distinct
    tokens of the file (about 1 KiB each), not with its rows.
    """

    def __init__(self, below: ImportStore) -> None:
        self._below = below
        self._profiles: dict[tuple[int, str], Profile] = {}
        self._by_field: dict[tuple[int, str, FieldValue], Profile] = {}
        self._by_push: dict[PushKey, list[Subscription]] = {}
        self._hashes: set[str] = set()

    def find_resource(self, token: str) -> Resource | None:
        return self._below.find_resource(token)

    def resources(self) -> list[Resource]:
        return self._below.resources()

    def database(self, db_id: int) -> Database:
        return self._below.database(db_id)

    def find_profile(self, db_id: int, profile_id: str) -> Profile | None:
        return self._profiles.get((db_id, profile_id)) or self._below.find_profile(db_id, profile_id)

    def find_by_field(self, db_id: int, name: str, value: FieldValue) -> list[Profile]:
        found = self._below.find_by_field(db_id, name, value)
        # The rules make a profile with a field's value only where none has it.
        own = None if found else self._by_field.get((db_id, name, value))
        return found if own is None else [own]

    def find_by_push(self, key: PushKey) -> list[Subscription]:
        own = self._by_push.get(key)
        return self._below.find_by_push(key) if own is None else own

    def hash_taken(self, hash_id: str) -> bool:
        return hash_id in self._hashes or self._below.hash_taken(hash_id)

    def apply(self, changes: Changes) -> None:
        for profile in changes.profiles:
            self._profiles[profile.db_id, profile.id] = profile
            for name, value in profile.fields.items():
                self._by_field.setdefault((profile.db_id, name, value), profile)
        for changed in changes.subscriptions:
            records = list(self.find_by_push(changed.key))
            for position, record in enumerate(records):
                if record.profile_id == changed.profile_id:
                    records[position] = changed
                    break
            else:
                records.append(changed)
            self._by_push[changed.key] = records
            self._hashes.add(changed.hash_id)

    def batch(self) -> nullcontext[None]:
        return nullcontext()


class DryWorld:
    """A workspace's look-alike for a dry run: new ids and counts are its own too."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.store = Overlay(world.store)
        self.clock = world.clock
        self.ids = ObjectIds(WorkspaceClock())
        self.tally = Tally()

    @property
    def choices(self) -> Choices:
        return self._world.choices
