"""A row of the emulators that another session of the database has locked."""

from __future__ import annotations

import asyncio
from functools import partial

import psycopg
import pytest

from emulator.postgres import connections
from emulator.postgres.opening import open_shared
from emulator.settings import Settings
from emulator.store.errors import Unavailable
from emulator.store.fixture_set import FixtureSet
from tests.postgres import Postgres


def test_reads_are_not_held_up_by_changes_that_keep_coming_and_are_refused(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read takes no lock: another session's lock on the row delays it by one refused turn at most."""
    monkeypatch.setattr(connections, "LOCK_MS", 300)
    database = postgres.database()
    state = open_shared(Settings(state=database), FixtureSet())

    async def work() -> int:
        """How many changes are refused until the read is answered."""
        run = partial(state.turns.run, "default", partial(asyncio.sleep, 0))
        await run()
        async with await psycopg.AsyncConnection.connect(database) as elsewhere:
            await elsewhere.execute("SELECT 1 FROM emulator_workspaces FOR UPDATE")
            refused = [asyncio.create_task(run())]
            await asyncio.sleep(0)
            read = asyncio.create_task(state.turns.follow("default"))
            while not read.done() and len(refused) < 5:
                refused.append(asyncio.create_task(run()))  # waits behind the turn that is being refused
                with pytest.raises(Unavailable, match="lock timeout"):
                    await refused[-2]
            await asyncio.gather(read, *refused, return_exceptions=True)
            return len(refused)

    async def work_and_end() -> int:
        try:
            return await asyncio.wait_for(work(), 30)
        finally:
            await state.turns.close()

    assert asyncio.run(work_and_end()) < 5
