"""What an import asks of a workspace."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from emulator.rules.interfaces import Clock, IdSource, Lookup
from emulator.rules.model import Changes, Resource
from emulator.workspaces.metrics import Metrics
from emulator.workspaces.settings import WorkspaceSettings


class ImportStore(Lookup, Protocol):
    """A state that takes many rows as one transaction."""

    def resources(self) -> list[Resource]:
        """All resources, in order."""

    def apply(self, changes: Changes) -> None:
        """Take one row's changes; the next look-up sees them."""

    def batch(self) -> AbstractContextManager[object]:
        """All that is applied inside becomes durable at its end, or is undone.

        Raises :class:`~emulator.store.errors.Unavailable` at the end.
        """


class World(Protocol):
    """The parts of a workspace that an import needs; ``metrics`` counts how often each rule decided."""

    @property
    def store(self) -> ImportStore: ...

    @property
    def settings(self) -> WorkspaceSettings: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def ids(self) -> IdSource: ...

    @property
    def metrics(self) -> Metrics: ...
