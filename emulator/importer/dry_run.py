"""The state of a dry run: the workspace's state with the changes of the run in memory."""

from contextlib import nullcontext

from emulator.rules.model import (
    Changes,
    Database,
    FieldValue,
    Held,
    Profile,
    PushKey,
    Resource,
    Subscription,
)
from emulator.store.tinydb_store import TinyDBStore
from emulator.workspaces.clock import WorkspaceClock
from emulator.workspaces.ids import ObjectIds
from emulator.workspaces.metrics import Metrics
from emulator.workspaces.settings import WorkspaceSettings
from emulator.workspaces.workspace import Workspace


class Overlay:
    """A store over another one, which it never changes.

    It holds what the import would add or change: its memory grows with the number of distinct tokens of the
    file (about 1 KiB each), not with the rows.
    """

    def __init__(self, below: TinyDBStore) -> None:
        self._below = below
        self._profiles: dict[tuple[int, str], Profile] = {}
        self._by_field: dict[tuple[int, str, FieldValue], Profile] = {}
        self._held: dict[PushKey, Held] = {}
        self._active: dict[PushKey, dict[str, Subscription]] = {}
        self._own: dict[PushKey, dict[str, Subscription]] = {}
        self._hashes: set[str] = set()

    def find_resource(self, token: str) -> Resource | None:
        return self._below.find_resource(token)

    def database(self, db_id: int) -> Database:
        return self._below.database(db_id)

    def find_profile(self, db_id: int, profile_id: str) -> Profile | None:
        return self._profiles.get((db_id, profile_id)) or self._below.find_profile(db_id, profile_id)

    def find_by_field(self, db_id: int, name: str, value: FieldValue, newest: bool = False) -> list[Profile]:
        found = self._below.find_by_field(db_id, name, value, newest)
        # The rules create a profile with a field's value only if no profile has the value.
        own = None if found else self._by_field.get((db_id, name, value))
        return found if own is None else [own]

    def find_by_push(self, key: PushKey) -> Held:
        return self._held.get(key) or self._below.find_by_push(key)

    def find_own(self, key: PushKey, profile_id: str) -> Subscription | None:
        return self._own.get(key, {}).get(profile_id) or self._below.find_own(key, profile_id)

    def find_all(self, key: PushKey) -> list[Subscription]:
        own = dict(self._own.get(key, {}))
        below = [own.pop(one.profile_id, one) for one in self._below.find_all(key)]
        return [*below, *own.values()]

    def find_active(self, key: PushKey) -> list[Subscription]:
        own = self._active.get(key)
        return self._below.find_active(key) if own is None else list(own.values())

    def find_other_case(self, key: PushKey) -> Subscription | None:
        return self._below.find_other_case(key)

    def hash_taken(self, hash_id: str) -> bool:
        return hash_id in self._hashes or self._below.hash_taken(hash_id)

    def apply(self, changes: Changes) -> None:
        for profile in changes.profiles:
            self._profiles[profile.db_id, profile.id] = profile
            for name, value in profile.fields.items():
                self._by_field.setdefault((profile.db_id, name, value), profile)
        for changed in changes.subscriptions:
            key = changed.key
            held, before = self.find_by_push(key), self.find_own(key, changed.profile_id)
            count = held.others + (held.active is not None) + (before is None)
            active = self._active.setdefault(key, {one.profile_id: one for one in self.find_active(key)})
            active.pop(changed.profile_id, None)
            if changed.active:
                active[changed.profile_id] = changed
            first = next(iter(active.values()), None)
            self._held[key] = Held(first, count - (first is not None), changed.hash_id)
            self._own.setdefault(key, {})[changed.profile_id] = changed
            self._hashes.add(changed.hash_id)

    def batch(self) -> nullcontext[None]:
        return nullcontext()


class DryWorld:
    """Replaces a workspace in a dry run; it has ids and counts of its own, too."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.store = Overlay(workspace.store)
        self.clock = workspace.clock
        self.ids = ObjectIds(WorkspaceClock())
        self.metrics = Metrics()

    @property
    def settings(self) -> WorkspaceSettings:
        return self._workspace.settings


#: The target of an import.
World = Workspace | DryWorld
