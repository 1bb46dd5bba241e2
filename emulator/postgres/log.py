"""A line of a workspace's log: everything that one request has changed in it."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec import Struct

from emulator.faults.armed import FaultCounts
from emulator.workspaces.workspace import JournalName

#: An SQL statement and its parameters by name; ``workspace`` is added.
Statement = tuple[str, dict[str, Any]]
#: A row of a snapshot: its section and its part, with steps of the state as JSON or with bytes.
SnapshotRow = tuple[str, int, str | None, bytes | None]


class RecordedLine(Struct, array_like=True, tag="recorded"):
    """A journal got an entry."""

    journal: JournalName
    packed: bytes


class ClearedLine(Struct, array_like=True, tag="cleared"):
    """A journal was emptied."""

    journal: JournalName
    epoch: str


class CountedLine(Struct, array_like=True, tag="counted"):
    """Faults acted, were counted or got an id."""

    counts: FaultCounts


class Replayed(Struct, array_like=True, tag="replayed"):
    """An SDK's call was answered, and its repetition gets the same answer (K3)."""

    key: tuple[str, str, str]
    answer: bytes
    body: bytes


class ReplaysCleared(Struct, array_like=True, tag="replays_cleared"):
    """The answers of the SDKs' calls were forgotten."""


class IdsGiven(Struct, array_like=True, tag="ids_given"):
    """The highest id that each table has given out, beside a state that was put in place of another."""

    last_ids: dict[str, int]


class Written(Struct, array_like=True, tag="written"):
    """A document beside the state, such as that of an import, was written; ``None``: it is gone.

    Without a key: all of them.
    """

    key: str
    document: bytes | None


class FixturesUsed(Struct, array_like=True, tag="fixtures_used"):
    """The workspace began anew from other fixtures, because their files had changed."""

    digest: str


Effect = (
    RecordedLine | ClearedLine | CountedLine | Replayed | ReplaysCleared | IdsGiven | Written | FixturesUsed
)


class Line(Struct):
    """One line.

    ``turn``: the turn that wrote it. ``replaced``: another state took the place of the former one, and lies
    among the snapshots under this number. ``changes``: steps of the state, as JSON. ``besides``: what must be
    carried out in the same transaction, and again if that fails; ``snapshot``: the rows of that other state,
    too.
    """

    number: int
    turn: str
    replaced: bool
    changes: str | None
    effects: bytes
    besides: list[Iterable[Statement]] = []
    snapshot: Callable[[], Iterable[SnapshotRow]] | None = None

    @property
    def size(self) -> int:
        """Its bytes, about."""
        return len(self.changes or "") + len(self.effects) + 60


encode_effects = msgspec.msgpack.Encoder().encode
decode_effects = msgspec.msgpack.Decoder(list[Effect]).decode
