"""A synchronous standby takes over where the primary is lost: emulators go on there by themselves."""

from __future__ import annotations

from pathlib import Path

from tests import postgres as servers
from tests.server import PAGE_TOKEN, Reply, Server, subscription
from tests.shared_state import emulators
from tests.waiting import until


def _push(server: Server, token: str) -> Reply:
    body = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription(token)]}
    return server.post("/push_subscribe", body)


def _tokens(server: Server) -> set[str]:
    found = server.get("/__admin/subscriptions?limit=1000").json["items"]
    return {one["subscription_id"] for one in found}


def test_emulators_that_know_both_hosts_go_on_at_the_standby_and_nothing_is_lost(tmp_path: Path) -> None:
    with servers.running() as primary, servers.running(primary) as standby:
        primary.run("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.run("SELECT pg_reload_conf()")
        until(lambda: primary.run("SELECT sync_state FROM pg_stat_replication") == [("sync",)])
        hosts = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
        url = f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"
        with emulators(tmp_path, url, 2) as running:
            tokens = {f"token{number}" for number in range(20)}
            for number, token in enumerate(sorted(tokens)):
                assert _push(running[number % 2], token).status == 200
            primary.kill()
            standby.promote()
            for one in running:
                until(lambda one=one: _push(one, f"after-{one.port}").status == 200)
            assert tokens | {f"after-{one.port}" for one in running} <= _tokens(running[0])
            assert _tokens(running[0]) == _tokens(running[1])
