"""The connections of one emulator when it ends."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from emulator.postgres.opening import open_shared
from emulator.settings import Settings
from emulator.store.errors import Unavailable
from emulator.store.fixture_set import FixtureSet
from emulator.workspaces.names import DEFAULT_WORKSPACE


def test_a_task_that_is_late_opens_no_connection_again(database: str) -> None:
    """A pool of connections would hold up the end of the loop, or stay behind on a loop that is closed."""
    state = open_shared(Settings(state=database), FixtureSet())
    turn = partial(state.turns.run, DEFAULT_WORKSPACE, partial(asyncio.sleep, 0))

    async def work_and_end() -> None:
        others = asyncio.all_tasks()
        await turn()
        await asyncio.gather(state.turns.close(), state.turns.close())
        with pytest.raises(Unavailable, match="ends"):
            await turn()
        assert not state.turns.connections.is_open
        assert asyncio.all_tasks() == others  # none looks for news

    loop = asyncio.new_event_loop()  # which asyncio.run would never end
    loop.run_until_complete(asyncio.wait_for(work_and_end(), 20))
    loop.close()
