"""The changes of a workspace, gathered for the next line of its log."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from emulator.faults.armed import FaultCounts
from emulator.postgres import log
from emulator.store.state import Op, encode_ops
from emulator.workspaces.replays import Replay, ReplayKey
from emulator.workspaces.workspace import JOURNALS, JournalName, Workspace


class Recorder:
    """Records all changes of a workspace, of its journals and of its faults. A new one records all it is.

    ``fixtures``: the digest of the changed fixtures that the workspace was last begun from, if any.
    ``documents``: what is kept beside the state, by keys; :meth:`write` changes it.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.replaced = True
        self.fixtures = ""
        self.documents: dict[str, bytes] = {}
        self._besides: list[Iterable[log.Statement]] = []
        self._ops: list[Op] = []
        self._effects: list[log.Effect] = []
        self._counts = FaultCounts()
        self._muted = False
        workspace.store.storage.recorder = self._state
        workspace.requests.recorder = partial(self._journal, "requests")
        workspace.events.recorder = partial(self._journal, "events")
        workspace.replays.recorder = self._replays
        self.note(log.Written("", None))
        for name in JOURNALS:
            journal = workspace.journal(name)
            self.note(log.ClearedLine(name, journal.epoch))
            for packed in journal.packed():
                self.note(log.RecordedLine(name, packed))

    def _state(self, ops: Sequence[Op] | None) -> None:
        if ops is None and not self._muted:
            self.replaced, self._ops = True, []
        elif ops is not None and not self._muted and not self.replaced:
            self._ops += ops

    def _replays(self, kept: tuple[ReplayKey, Replay] | None) -> None:
        self.note(log.ReplaysCleared() if kept is None else log.Replayed(kept[0], *kept[1]))

    def note(self, effect: log.Effect) -> None:
        """Record an effect."""
        if not self._muted:
            self._effects.append(effect)

    def use_fixtures(self, digest: str) -> None:
        """Record that the workspace was begun from changed fixtures."""
        self.fixtures = digest
        self.note(log.FixturesUsed(digest))

    def write(self, key: str, document: bytes | None, *besides: Iterable[log.Statement]) -> None:
        """Write a document beside the state, or remove it; ``besides`` are carried out with it."""
        self.have(key, document)
        self.note(log.Written(key, document))
        self._besides += besides

    def carry_out(self, statements: Iterable[log.Statement]) -> None:
        """Have statements carried out in the same transaction."""
        self._besides.append(statements)

    def have(self, key: str, document: bytes | None) -> None:
        """Take over a document that another emulator has written; without a key none is left."""
        if not key:
            self.documents.clear()
        elif document is None:
            self.documents.pop(key, None)
        else:
            self.documents[key] = document

    def _journal(self, name: JournalName, packed: bytes | None) -> None:
        if not self._muted:
            epoch = self.workspace.journal(name).epoch
            self.note(log.ClearedLine(name, epoch) if packed is None else log.RecordedLine(name, packed))

    def take(self, number: int, turn: str) -> log.Line | None:
        """The line of what was recorded since the last one, if anything was."""
        counts = self.workspace.faults.counts
        if counts != self._counts:
            self._counts = counts
            self.note(log.CountedLine(counts))
        if not (self.replaced or self._ops or self._effects or self._besides):
            return None
        if self.replaced:
            self.note(log.IdsGiven(self.workspace.store.storage.state.last_ids()))
        changes = encode_ops(self._ops).decode() if self._ops else None
        effects = log.encode_effects(self._effects)
        line = log.Line(number, turn, self.replaced, changes, effects, self._besides)
        self.clear()
        return line

    def clear(self) -> None:
        """Forget what was recorded."""
        self.replaced, self._ops, self._effects, self._besides = False, [], [], []

    @contextmanager
    def muted(self) -> Iterator[None]:
        """Record nothing of what others have recorded already."""
        self._muted = True
        try:
            yield
        finally:
            self._muted = False
            self._counts = self.workspace.faults.counts
