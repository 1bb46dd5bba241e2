"""The PostgreSQL of the tests: a fresh database for each, and what it has committed after kill -9."""

from __future__ import annotations

import psycopg

from tests import postgres as servers
from tests.postgres import Postgres


def test_each_test_has_a_database_of_its_own(postgres: Postgres) -> None:
    one, other = postgres.database(), postgres.database()
    with psycopg.connect(one) as connection:
        connection.execute("CREATE TABLE made (here int)")
    with psycopg.connect(other) as connection:
        assert connection.execute("SELECT to_regclass('made')").fetchall() == [(None,)]


def test_what_it_committed_is_there_after_kill_9() -> None:
    with servers.running() as server:
        server.run("CREATE TABLE numbers (n int)")
        with psycopg.connect(server.url()) as open_one:
            open_one.execute("INSERT INTO numbers VALUES (1)")
            server.run("INSERT INTO numbers VALUES (2)")
            server.kill()
            open_one.close()
        assert server.start().run("SELECT n FROM numbers") == [(2,)]
