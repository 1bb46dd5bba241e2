"""What goes wrong with the database or with another emulator: said clearly, bounded, and over by itself."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from pathlib import Path
from time import monotonic

import psycopg
import pytest

from tests import postgres as servers
from tests.balancers import free_port
from tests.command_line import assert_one_line, run
from tests.postgres import Postgres
from tests.server import PAGE_TOKEN, Reply, Server, subscription
from tests.shared_state import Emulator, Line, emulators
from tests.waiting import until

#: Seconds after which others go on where an emulator is frozen in its turn.
FROZEN_S = 20


def _push(server: Server, token: str) -> Reply:
    body = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription(token)]}
    return server.post("/push_subscribe", body)


def _tokens(server: Server) -> list[str]:
    found = server.get("/__admin/subscriptions?limit=1000").json["items"]
    return sorted(one["subscription_id"] for one in found)


@pytest.mark.parametrize("durability", ["os", "none"])
def test_answers_that_do_not_wait_for_the_disk_are_refused_at_the_start(
    postgres: Postgres, durability: str
) -> None:
    finished = run("serve", "--port", 0, "--state", postgres.url(), "--durability", durability)
    assert_one_line(finished, f"--durability {durability}")
    finished = run(
        "serve", "--port", 0, "--state", postgres.url(), environment={"EMULATOR_DURABILITY": durability}
    )
    assert_one_line(finished, f"--durability {durability}")


def test_a_database_that_is_away_at_the_start_is_one_line(postgres: Postgres) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    away = run("serve", "--state", f"postgresql://me:secret@{nobody}/emulator")
    assert_one_line(away, nobody)
    assert_one_line(run("serve", "--state", postgres.url("no_such_database")), "no_such_database")
    assert_one_line(run("serve", "--state", "postgresql://me:secret@host:port/emulator"), "port")
    wrong = run("serve", "--state", "mysql://me:secret@127.0.0.1/emulator")
    assert_one_line(wrong, "mysql", "postgresql://")
    for said in (away, wrong):
        assert "secret" not in said.stderr


def test_an_installation_without_the_extra_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "psycopg.py").write_text("raise ImportError('no such package')")
    away = run("serve", "--state", "postgresql://me@host/x", environment={"PYTHONPATH": str(tmp_path)})
    assert_one_line(away, "pip install 'push-emulator[postgres]'")


def test_a_database_of_a_newer_emulator_is_refused_and_left_alone(postgres: Postgres, tmp_path: Path) -> None:
    database = postgres.database()
    # What it does in any case may be said.
    with emulators(tmp_path, database, 1, "--durability", "fsync") as (one,):
        assert _push(one, "kept").status == 200
    postgres.run("UPDATE emulator_version SET version = version + 1", database)
    assert_one_line(run("serve", "--state", database), "newer")
    postgres.run("UPDATE emulator_version SET version = version - 1", database)
    with emulators(tmp_path / "again", database, 1) as (one,):
        assert "kept" in _tokens(one)


def test_emulators_that_start_at_once_make_the_tables_once(postgres: Postgres, tmp_path: Path) -> None:
    database = postgres.database()
    made = [Emulator(tmp_path / str(number), database) for number in range(3)]
    try:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(Emulator.start, made))
        assert {_push(one, "first").json["error"] for one in made} <= {0, 200}
        assert len({tuple(_tokens(one)) for one in made}) == 1
    finally:
        for one in made:
            one.kill()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Postgres, list[Emulator]]]:
    """A database that a test may end, and two emulators."""
    folder = tmp_path_factory.mktemp("own")
    with servers.running() as server, emulators(folder, server.database(), 2) as running:
        yield server, running


def test_while_the_database_is_away_requests_are_told_and_it_works_again_by_itself(
    own: tuple[Postgres, list[Emulator]],
) -> None:
    server, running = own
    assert _push(running[0], "before").status == 200
    assert _push(running[1], "before-too").status == 200
    server.kill()
    for emulator in running:
        for reply in (
            _push(emulator, "lost"),
            emulator.get("/__admin/profiles"),
            emulator.post("/__admin/reset", {}),
            emulator.get("/subscription/push/status?provider=android-firebase"),
            emulator.get("/w/new/__admin/requests"),
        ):
            assert reply.status == 503, reply
            assert int(reply.headers["retry-after"]) >= 1
            assert (reply.json["error"], "database" in reply.json["error_text"]) == (503, True)
        assert emulator.get("/__console/overview").status == 503
        began = monotonic()
        assert _push(emulator, "lost").status == 503
        assert monotonic() - began < 5
        health = emulator.get("/__admin/health").json
        assert health["status"] == "failing"
        assert "Connection refused" in health["reason"]
        assert "postgres:" not in str(health)
    server.start()
    for emulator in running:
        until(lambda emulator=emulator: emulator.get("/__admin/health").json["status"] == "ok")
        assert emulator.log().count("Connection refused") <= 2, emulator.log()
        assert _push(emulator, "after").status == 200
        assert {"before", "before-too", "after"} <= set(_tokens(emulator))
        assert "lost" not in _tokens(emulator)


def test_a_wait_goes_on_over_an_absence_of_the_database(own: tuple[Postgres, list[Emulator]]) -> None:
    server, running = own
    until(lambda: _push(running[0], "warm").status == 200)
    match = {"match": {"subscription_id": "late"}, "within": 30}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(running[1].post, "/__admin/requests/verify", match)
        assert [_push(running[1], "meanwhile").status for _ in range(5)] == [200] * 5
        server.kill()
        server.start()
        until(lambda: _push(running[0], "late").status == 200, every_s=0.1)
        assert waiting.result().status == 200


@pytest.mark.parametrize(("released", "status"), [(True, 200), (False, 503)])
def test_a_stop_answers_those_who_wait_for_their_turn(
    own: tuple[Postgres, list[Emulator]], tmp_path: Path, released: bool, status: int
) -> None:
    server, (other, _) = own
    until(lambda: other.request("PUT", "/__admin/workspaces/locked").status == 200)
    lock = "SELECT FROM emulator_workspaces FOR UPDATE"
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with emulators(tmp_path, str(other.state), 1) as (one,), ThreadPoolExecutor(3) as clients:
        with psycopg.connect(str(other.state)) as connection:
            connection.execute(lock)
            waits = [
                clients.submit(_push, one, "waits"),
                clients.submit(one.post, "/w/locked/__admin/reset", {}),
            ]
            until(lambda: server.run(waiting) == [(2,)])
            stopped = clients.submit(one.stop)
            if not released:
                replies = [waited.result() for waited in waits]
        replies = [waited.result() for waited in waits]
        assert [reply.status for reply in replies] == [status] * 2
        assert stopped.result() == 0
        assert "Traceback" not in one.log()
        for reply in replies:
            assert released or (reply.json["error"], reply.headers["retry-after"]) == (503, "1")


def test_others_go_on_while_an_emulator_is_frozen_in_its_turn(postgres: Postgres, tmp_path: Path) -> None:
    database = postgres.whole_database()
    with (
        emulators(tmp_path, database, 2) as (frozen, other),
        ThreadPoolExecutor(4) as clients,
    ):
        answered: list[tuple[str, int]] = []

        def load(number: int) -> None:
            line = Line(frozen.url)
            for turn in range(1 << 20):
                token = f"load{number}-{turn}"
                body = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription(token)]}
                answer = line.call("POST", "/push_subscribe", body)
                answered.append((token, 0 if answer is None else answer[0]))
                if len(ended) or answer is None:
                    return

        ended: list[bool] = []
        running = [clients.submit(load, number) for number in range(3)]
        assert frozen.process is not None
        try:
            until(lambda: _frozen_with_the_lock(frozen, postgres, database), every_s=0.02)
            began = monotonic()
            until(
                lambda: _push(other, "other").status == 200,
                FROZEN_S,
                otherwise=lambda: postgres.run(
                    "SELECT pid, state, wait_event, query, clock_timestamp() - state_change"
                    " FROM pg_stat_activity WHERE datname = current_database()",
                    database,
                ),
            )
            waited = monotonic() - began
            assert waited < FROZEN_S
            assert _push(other, "other-again").status == 200
        finally:
            ended.append(True)
            frozen.process.send_signal(signal.SIGCONT)
        for one in running:
            one.result(30)
        until(lambda: _push(frozen, "woken").status == 200)
        tokens = set(_tokens_of_all(frozen))
        assert {"other", "other-again", "woken"} <= tokens
        assert tokens == set(_tokens_of_all(other))
        assert {status for _, status in answered} <= {0, 200, 503}
        assert {token for token, status in answered if status == 200} <= tokens


def test_workspaces_that_are_held_elsewhere_do_not_make_the_database_unreachable(
    postgres: Postgres, tmp_path: Path
) -> None:
    """More of them than an emulator has connections, for longer than it waits for a database that is away."""
    database = postgres.database()
    with emulators(tmp_path, database, 1) as (one,), ThreadPoolExecutor(13) as clients:
        paths = [f"/w/held-{number}/push_subscribe" for number in range(12)]
        body = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("held")]}
        assert [one.post(path, body).status for path in paths] == [200] * 12
        with psycopg.connect(database) as elsewhere:
            elsewhere.execute("SELECT FROM emulator_workspaces WHERE name LIKE 'held-%' FOR UPDATE")
            pushing = [clients.submit(one.post, path, body) for path in paths]
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            until(lambda: postgres.run(waiting)[0][0] >= 8)
            health = clients.submit(one.get, "/__admin/health")
            with suppress(NotYet):
                health.result(4)
            elsewhere.rollback()
        assert [one.result().status for one in pushing] == [200] * 12
        assert health.result().json["status"] == "ok"


def _frozen_with_the_lock(emulator: Emulator, postgres: Postgres, database: str) -> bool:
    """Stop it; whether it has a turn open. If it has none it runs again."""
    assert emulator.process is not None
    emulator.process.send_signal(signal.SIGSTOP)
    held = (
        "SELECT count(*) FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE datname = current_database()"
        " AND state LIKE 'idle in transaction%' AND mode = 'RowShareLock'"
    )
    try:
        # What it has sent last may still be at work.
        busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
        until(lambda: postgres.run(busy, database) == [(1,)], 5)
        if postgres.run(held, database)[0][0]:
            return True
    except psycopg.Error:
        pass
    emulator.process.send_signal(signal.SIGCONT)
    return False


def _tokens_of_all(server: Server) -> list[str]:
    return [
        one["subscription_id"]
        for profile in server.get("/__admin/snapshot").json["profiles"]
        for one in profile["subscriptions"]
    ]
