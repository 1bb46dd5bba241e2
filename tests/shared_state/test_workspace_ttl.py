"""``--workspace-ttl`` over several emulators: the last use on any of them counts, and all see one end."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from time import monotonic

from emulator.postgres.opening import open_shared
from emulator.settings import Settings
from emulator.store.fixture_set import FixtureSet
from tests.postgres import Postgres
from tests.server import PAGE_TOKEN, Server, subscription
from tests.shared_state import emulators
from tests.waiting import until


def test_a_workspace_ends_once_for_all_when_no_emulator_has_used_it(database: str, tmp_path: Path) -> None:
    with emulators(tmp_path, database, 2, "--workspace-ttl", "2") as (one, other):
        for name in ("used", "idle"):
            _push(one, name, "before")
            assert _tokens(other, name) >= {"before"}

        def others_end_while_one_is_used() -> bool:
            assert "before" in _tokens(one, "used")  # only here, and only read
            return _names(one) == _names(other) == {"default", "used"}

        until(others_end_while_one_is_used, every_s=0.1)
        assert "before" in _tokens(other, "used")
        said = one.log() + other.log()
        assert said.count("workspace idle: deleted") == 1
        assert "workspace used: deleted" not in said
        _push(other, "idle", "after")
        for emulator in (one, other):
            assert {"before", "after"} & _tokens(emulator, "idle") == {"after"}
            assert emulator.get("/w/idle/__admin/requests").json["total"] == 1


def test_a_look_for_idle_workspaces_uses_none(postgres: Postgres) -> None:
    """Else one would end after twice as long."""
    database = postgres.database()
    state = open_shared(Settings(state=database, workspace_ttl=100), FixtureSet())

    async def work() -> None:
        try:
            await state.turns.run("w", partial(asyncio.sleep, 0))
            state.workspaces.opened("w")
            since = monotonic()
            while monotonic() - since < 0.2:
                assert await state.workspaces.delete_idle([]) == []
        finally:
            await state.turns.close()

    postgres.run("INSERT INTO emulator_workspaces (name) VALUES ('w')", database)
    asyncio.run(work())
    ((idle,),) = postgres.run(
        "SELECT now() - used > '0.2 s' FROM emulator_workspaces WHERE name = 'w'", database
    )
    assert idle


def _push(server: Server, name: str, token: str) -> None:
    body = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription(token)]}
    assert server.post(f"/w/{name}/push_subscribe", body).status == 200


def _tokens(server: Server, name: str) -> set[str]:
    found = server.get(f"/w/{name}/__admin/subscriptions?limit=1000").json["items"]
    return {one["subscription_id"] for one in found}


def _names(server: Server) -> set[str]:
    return {one["name"] for one in server.get("/__admin/workspaces").json["items"]}
