"""The repetition here of what other emulators have done in a workspace."""

from collections.abc import Sequence

from psycopg import AsyncConnection

from emulator.faults.armed import FaultCounts
from emulator.loop.pacing import at_once, paced
from emulator.postgres import log
from emulator.postgres.recorder import Recorder
from emulator.postgres.snapshots import Behind, read_entries, read_rest, read_state
from emulator.store.recovery import decode_ops
from emulator.store.state import State
from emulator.store.tables import DATABASES, RESOURCES, WORKSPACE
from emulator.workspaces.replays import Replay
from emulator.workspaces.workspace import JOURNALS, Workspace

#: The lines of a workspace after a number.
LINES = (
    "SELECT number, turn, replaced, changes, effects FROM emulator_lines"
    " WHERE workspace = %s AND number > %s ORDER BY number"
)
#: Tables of which a workspace keeps something decoded.
_KNOWN = {WORKSPACE, DATABASES, RESOURCES}


class FollowedWorkspace(Recorder):
    """A workspace in memory and how far it has come.

    ``id``: of its row, 0 before it has one; ``number``: of its last line; ``is_current``: whether what is
    in memory is what these lines have made.
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self.id = 0
        self.number = 0
        self.is_current = False

    def come_to(self, workspace_id: int, number: int) -> None:
        """Record that memory has the state of this row's lines, up to this number."""
        self.id, self.number, self.is_current = workspace_id, number, True

    def forget(self) -> None:
        """Discard what is in memory: the next turn reads the whole workspace."""
        self.is_current = False

    async def follow(self, connection: AsyncConnection, lines: Sequence[log.Line]) -> None:
        """Carry out the lines. Raises :class:`Behind` if one is missing; then :meth:`read` has to follow."""
        if [line.number for line in lines] != list(range(self.number + 1, self.number + 1 + len(lines))):
            raise Behind
        if not lines:
            return
        last = max((i for i, line in enumerate(lines) if line.replaced), default=-1)
        state = await read_state(connection, self.id, lines[last].number) if last >= 0 else None
        with self.muted():
            async for i, line in paced(enumerate(lines)):
                self._carry_out(line, state if i == last else None, i >= last)
            self.clear()
        self.number = lines[-1].number

    async def read(self, connection: AsyncConnection, workspace_id: int, snapshot: int, number: int) -> None:
        """Read the whole workspace: its snapshot, and the lines after it. Raises :class:`Behind`."""
        self.forget()
        self.documents.clear()
        if snapshot:
            await self._read_snapshot(connection, workspace_id, snapshot)
        else:
            self._begin_anew(workspace_id)
        cursor = await connection.execute(LINES, (workspace_id, snapshot))
        lines = [log.Line(*row) for row in await cursor.fetchall()]
        if not lines and snapshot < number:
            raise Behind
        self.come_to(workspace_id, snapshot)
        try:
            await self.follow(connection, lines)
        except BaseException:
            self.forget()
            raise

    def _begin_anew(self, workspace_id: int) -> None:
        """Forget what the first line does not replace."""
        workspace = self.workspace
        with self.muted():
            for name in JOURNALS:
                journal = workspace.journal(name)
                # The lines give the entries the ids that they have, and pages go on where they are.
                journal.restart(journal.epoch if self.id == workspace_id else None)
            workspace.replays.clear()
            workspace.faults.counts = FaultCounts()
            self.fixtures = ""

    async def _read_snapshot(self, connection: AsyncConnection, workspace_id: int, number: int) -> None:
        rest = await read_rest(connection, workspace_id, number)
        state = await read_state(connection, workspace_id, number)
        entries = {name: await read_entries(connection, workspace_id, number, name) for name in rest.journals}
        workspace = self.workspace
        with self.muted():
            self._put(state, rest.last_ids)
            for name, kept in rest.journals.items():
                workspace.journal(name).refill(entries[name], kept.recorded, kept.epoch)
            workspace.replays.clear()
            for key, answer, body in rest.replays:
                workspace.replays.remember(key, Replay(answer, body))
            workspace.faults.counts = rest.counts
            self.fixtures = rest.fixtures
            self.documents.update(rest.documents)
            self.clear()

    def _carry_out(self, line: log.Line, state: State | None, is_current: bool) -> None:
        effects = log.decode_effects(line.effects)
        if state is not None:
            given = [one.last_ids for one in effects if isinstance(one, log.IdsGiven)]
            self._put(state, given[0] if given else {})
        if is_current and line.changes is not None:
            steps = list(decode_ops(line.changes.encode()))
            self.workspace.store.storage.commit(steps)
            if not _KNOWN.isdisjoint(step.table for step in steps):
                self.workspace.refresh()
        for effect in effects:
            self._apply(effect)

    def _put(self, state: State, last_ids: dict[str, int]) -> None:
        for name, last_id in last_ids.items():
            state.table(name).last_id = max(last_id, state.table(name).last_id)
        at_once(self.workspace.store.storage.replace(state))
        self.workspace.faults.replace([])
        self.workspace.refresh()

    def _apply(self, effect: log.Effect) -> None:
        workspace = self.workspace
        if isinstance(effect, log.RecordedLine):
            workspace.journal(effect.journal).keep(effect.packed)
        elif isinstance(effect, log.ClearedLine):
            journal = workspace.journal(effect.journal)
            journal.clear()
            journal.epoch = effect.epoch
        elif isinstance(effect, log.CountedLine):
            workspace.faults.counts = effect.counts
        elif isinstance(effect, log.Replayed):
            workspace.replays.remember(effect.key, Replay(effect.answer, effect.body))
        elif isinstance(effect, log.ReplaysCleared):
            workspace.replays.clear()
        elif isinstance(effect, log.Written):
            self.have(effect.key, effect.document)
        elif isinstance(effect, log.FixturesUsed):
            self.fixtures = effect.digest
