"""Turns: the requests that wait in a workspace share one transaction, which locks the workspace's row.

A turn reads the lines that other emulators have added, answers each request in memory as one emulator alone
does, appends what the requests have changed, and commits; then the answers leave.
Where a commit failed, the workspace is read anew from the database before anybody else is answered.
"""

import asyncio
import random
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import IO, TypeVar

import psycopg
from psycopg import AsyncConnection, errors

from emulator.messages import Answer, Delivery, Incoming, internal_error
from emulator.postgres.connections import Connections, is_refusal, kept_alive
from emulator.postgres.log import Line
from emulator.postgres.sign_ins import SharedSignIns
from emulator.postgres.snapshots import Picture, write_snapshot
from emulator.postgres.transactions import NotDone, Transactions, WorkspaceRow
from emulator.postgres.waiting import RequestTarget, Waiting, target_of
from emulator.postgres.workspaces import FollowedWorkspaces
from emulator.rules.errors import Refused, Unreachable
from emulator.store.errors import Unavailable

T = TypeVar("T")
#: Requests of one turn.
MOST_AT_ONCE = 64
#: Seconds between two looks for changes of other emulators.
NEWS_S = 0.1
#: Seconds in which a turn must have begun, and the error after which there is no second attempt.
BEGIN_S, _STAYS = 3.0, errors.LockNotAvailable
#: Seconds for the turns to end when the emulator does.
_END_S = 0.3
#: The most seconds between two attempts at a turn.
_PAUSE_S = 0.02


class Turns:
    """The turns of one emulator."""

    def __init__(self, connections: Connections, workspaces: FollowedWorkspaces) -> None:
        self.connections = connections
        self._workspaces = workspaces
        self._transactions = Transactions(connections, workspaces)
        self.sign_ins = SharedSignIns()
        self._waiting: dict[str, deque[Waiting]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._snapshots: dict[str, asyncio.Task[None]] = {}
        self._news: asyncio.Task[None] | None = None

    def answer(
        self,
        incoming: Incoming,
        body: bytes | IO[bytes],
        work: Callable[[], Answer],
        refuse: Callable[[Incoming, Refused], Answer],
    ) -> Answer:
        """The answer that ``work`` gives in the request's turn, or ``refuse`` where it can have none.

        ``work`` does not raise.
        """
        try:
            target = target_of(incoming, body)
        except Refused:
            return work()

        def from_the_start() -> Answer:
            if not isinstance(body, bytes) and not body.closed:
                body.seek(0)  # the turn may be tried again
            return work()

        busy = self._workspaces.in_use(target.name)
        wait = self._answered(incoming, target, from_the_start, refuse)
        return Answer(200, [], b"", delivery=Delivery(wait=wait, busy=busy))

    async def _answered(
        self,
        incoming: Incoming,
        target: RequestTarget,
        work: Callable[[], Answer],
        refuse: Callable[[Incoming, Refused], Answer],
    ) -> Answer:
        while True:
            try:
                answer = await self._wait(target, work)
                while answer.delivery is not None and answer.delivery.first is not None:
                    answer = await self._wait(target, await answer.delivery.first())
            except (Unavailable, Refused) as error:
                if incoming.endpoint == "/__admin/health":
                    return work()
                refused = error if isinstance(error, Refused) else Unreachable(str(error))
                return refuse(incoming, refused)
            if target.changes or answer.delivery is None or answer.delivery.wait is None:
                return answer
            undone = self._workspaces.undone[target.name]
            answer = await answer.settled()
            if await self._workspaces.settled(target.name) == undone:
                return answer  # else it may tell of what is not stored

    async def run(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """What ``work`` returns, done in a turn of this workspace.

        Raises what it raises, and :class:`Unavailable` if the database refused it.
        """
        results: list[T] = []
        raised: list[Exception] = []

        async def done() -> None:
            results.clear()  # the turn may be tried again
            raised.clear()
            try:
                results.append(await work())
            except Exception as error:
                raised.append(error)

        await self._wait(
            RequestTarget(name, True), lambda: Answer(200, [], b"", delivery=Delivery(wait=done()))
        )
        if raised:
            raise raised[0]
        return results[0]

    async def follow(self, name: str) -> None:
        """Carry out what others have done in this workspace, and who has signed in.

        Raises :class:`Unavailable` and :class:`Refused`.
        """
        await self._wait(RequestTarget(name, False, console=True), lambda: Answer(200, [], b""))

    async def _wait(self, target: RequestTarget, work: Callable[[], Answer]) -> Answer:
        loop = asyncio.get_running_loop()
        self.connections.check_not_ended()
        if self._news is None or self._news.get_loop() is not loop:
            self._news = loop.create_task(self._look_for_news())
        waiting = Waiting(work, target, loop.create_future())
        self._waiting.setdefault(target.name, deque()).append(waiting)
        task = self._tasks.get(target.name)
        if task is None or task.done() or task.get_loop() is not loop:
            self._tasks[target.name] = loop.create_task(self._take_turns(target.name))
        return await waiting.answer

    async def _look_for_news(self) -> None:
        """Follow the workspaces for whose news somebody waits, as long as the server runs."""
        while True:
            await asyncio.sleep(NEWS_S)
            for name in self._workspaces.awaited():
                with suppress(Unavailable, Refused):  # whoever asks next is told
                    await self.follow(name)

    async def _take_turns(self, name: str) -> None:
        queue = self._waiting[name]
        while queue:
            batch = [queue.popleft() for _ in range(min(len(queue), MOST_AT_ONCE))]
            try:
                left = await self._done_turn(name, batch)
                queue.extendleft(reversed(left))
            except asyncio.CancelledError:
                batch.clear()  # the pool keeps this error and its frames; a kept request holds up the stop
                raise
            except Exception as error:
                self._workspaces.forget(name)
                raised = self._raised(error)
                for one in batch:
                    if not one.answer.done():
                        one.answer.set_exception(raised)
        if self._waiting.get(name) is queue and not queue:
            del self._waiting[name], self._tasks[name]

    async def _done_turn(self, name: str, batch: Sequence[Waiting]) -> list[Waiting]:
        """:meth:`_turn`, tried again where that may help.

        The database may have closed the connections, and distributed ones refuse turns at the same time.
        """
        since = monotonic()
        with self._workspaces.in_turn(name):
            while True:
                try:
                    return await self._turn(name, batch)
                except NotDone as error:
                    if monotonic() < since + error.seconds:
                        await asyncio.sleep(random.uniform(0.0, _PAUSE_S))
                        continue
                    refused = self.connections.unavailable(error.cause)
                    left = [one for one in batch if not one.target.changes]
                    if not is_refusal(error.cause) or len(left) == len(batch):
                        raise refused from error
                    for one in batch:
                        if one.target.changes and not one.answer.done():
                            one.answer.set_exception(refused)
                    if not left:
                        return []
                    batch, since = left, monotonic()  # with later changes they would be refused a turn again

    def _raised(self, error: Exception) -> Exception:
        if isinstance(error, (Unavailable, Refused)):
            return error
        if isinstance(error, psycopg.Error):
            return self.connections.unavailable(error)
        internal_error(error)
        return Unavailable(f"internal error: {type(error).__name__}", error)

    async def _turn(self, name: str, batch: Sequence[Waiting]) -> list[Waiting]:
        """Answer the requests of a batch; returns those that are left for the next turn."""
        locks = any(one.target.changes for one in batch)
        async with self.connections.one() as connection:
            try:
                row = await self._begin(connection, name, batch, locks)
            except psycopg.Error as error:
                passes = isinstance(error, psycopg.OperationalError) and not isinstance(error, _STAYS)
                raise NotDone(error, BEGIN_S if passes else 0.0) from error
            with self._workspaces.unstored(name):
                answers = await self._carry_out(connection, name, row, batch, locks)
        for one, answer in zip(batch, answers, strict=False):  # the others wait for the next turn
            if not one.answer.done():
                one.answer.set_result(answer)
        return list(batch[len(answers) :])

    async def _carry_out(
        self,
        connection: AsyncConnection,
        name: str,
        row: WorkspaceRow | None,
        batch: Sequence[Waiting],
        locks: bool,
    ) -> list[Answer]:
        """The answers to the requests of a batch that have room in one transaction, and its end."""
        lines: list[Line] = []
        answers: list[Answer] = []
        turn, last = secrets.token_hex(8), row.number if row is not None else 0
        for one in batch:
            number = last + len(lines) + 1
            self._workspaces.begin_line(name, number, 0.0 if row is None else row.at)
            was_made = self._workspaces.is_made(name)
            answer = one.work()
            if one.target.changes and answer.delivery is not None and answer.delivery.wait is not None:
                answer = await kept_alive(connection, answer.settled())
            answers.append(answer)
            recorder = self._workspaces.recorder(name)
            line = None if recorder is None else recorder.take(number, turn)
            if recorder is not None and line is not None:
                lines.append(line)
                if line.replaced:
                    line.snapshot = Picture(recorder).rows
                    break
            if was_made and not self._workspaces.is_made(name):
                break  # its row goes with it: the other emulators know a successor by another row
        if lines and not locks:
            raise RuntimeError(f"a request that only reads has changed workspace {name}")
        if locks:
            with self._transactions.whole(name):
                await self.sign_ins.write(connection)
                is_long = await self._transactions.end(connection, name, row, lines)
            if is_long:
                self._begin_snapshot(name)
        return answers

    async def _begin(
        self, connection: AsyncConnection, name: str, batch: Sequence[Waiting], locks: bool
    ) -> WorkspaceRow | None:
        """Bring memory up to the database, as far as the batch needs it."""
        if any(one.target.lists for one in batch):
            await self._workspaces.list_stored(connection)
        if any(one.target.console for one in batch):
            await self.sign_ins.read(connection)
        return await self._transactions.begin(connection, name, locks)

    # Snapshots

    def _begin_snapshot(self, name: str) -> None:
        if name not in self._snapshots:
            followed = self._workspaces.opened(name)
            picture = Picture(followed, is_whole=True)
            task = asyncio.create_task(self._snapshot(followed.id, followed.number, picture))
            self._snapshots[name] = task
            task.add_done_callback(lambda _: self._snapshots.pop(name, None))

    async def _snapshot(self, workspace_id: int, number: int, picture: Picture) -> None:
        with suppress(Unavailable):
            async with self.connections.one_to_ask() as connection:
                await write_snapshot(connection, workspace_id, number, picture.rows())

    async def close(self) -> None:
        """End what runs, and close the connections. Later turns on this loop are :class:`Unavailable`."""
        self.connections.end()
        if self._news is not None:
            self._news.cancel()
        left = [*self._tasks.values(), *self._snapshots.values(), *([self._news] if self._news else [])]
        self._news = None
        if left:  # they end by themselves: a cancelled statement would be cancelled in the database first
            await asyncio.wait(left, timeout=_END_S)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self.connections.close()
