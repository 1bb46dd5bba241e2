"""Imports of several emulators with one state in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.importer.test_server import table_of, upload
from tests.postgres import Postgres
from tests.server import Server
from tests.waiting import until
from tests.web.test_plain_wsgi import Plain

ROWS = 20_000
#: A row that is refused, in every hundred.
REFUSED = range(50, ROWS, 100)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[list[Server]]:
    """Two emulators on one database; a test that ends one starts it again."""
    database = postgres.database()
    made = [Server(tmp_path_factory.mktemp("one"), "-q", state=database) for _ in range(2)]  # type: ignore[arg-type]
    try:
        yield [one.start() for one in made]
    finally:
        for one in made:
            one.kill()


def table() -> bytes:
    rows = [b"new:%d" % number for number in range(ROWS)]
    for number in REFUSED:
        rows[number] = b"two,cells"
    return b"token\n" + b"\n".join(rows) + b"\n"


def job_of(server: Server, import_id: str) -> Any:
    return server.get(f"/__admin/imports/{import_id}").json


def ended(server: Server, path: str) -> Any:
    """The import once it runs no more: another emulator finds out after seconds that one is gone."""
    until(lambda: server.get(path).json["state"] != "running", 120, every_s=0.1)
    return server.get(path).json


def test_an_import_whose_emulator_died_is_carried_on_by_another_with_each_row_once(two: list[Server]) -> None:
    one, other = two
    before = other.get("/w/real/__admin/health").json["subscriptions"]
    paths = {}
    for name in ("real", "dry"):
        job = upload(one, table(), path=f"/w/{name}", dry_run=name == "dry")
        paths[name] = f"/w/{name}/__admin/imports/{job['id']}"
    until(lambda: all(other.get(path).json["up_to_line"] > 1000 for path in paths.values()))
    one.kill()
    assert [other.get(path).json["state"] for path in paths.values()] == ["running", "running"]
    for name, path in paths.items():
        job = ended(other, path)
        assert (job["state"], job["up_to_line"], job["problem"]) == ("finished", ROWS + 1, None), name
        expected = {"rows": ROWS, "refused": len(REFUSED), "added": ROWS - len(REFUSED)}
        assert {count: job["counts"][count] for count in expected} == expected, name
        added = other.get(f"/w/{name}/__admin/health").json["subscriptions"] - before
        assert added == (0 if name == "dry" else ROWS - len(REFUSED))
        report = other.get(f"{path}/report.csv").body.decode("utf-8-sig")
        lines = [int(row.split(",")[2]) for row in report.splitlines() if row.startswith("refused,")]
        assert lines == [number + 2 for number in REFUSED], name
    one.start()
    assert one.get(paths["real"]).json == other.get(paths["real"]).json


def test_every_emulator_tells_of_an_import_reports_on_it_and_cancels_it(two: list[Server]) -> None:
    one, other = two
    other.clear()
    whole = upload(one, b"token\nnew:1\n\xd0\n")
    assert other.finished_import(f"/__admin/imports/{whole['id']}").json["state"] == "finished"
    running = upload(one, table_of(200_000))
    path = f"/__admin/imports/{running['id']}"
    until(lambda: job_of(other, running["id"])["up_to_line"])
    assert other.get(f"{path}/report.csv").status == 409
    assert other.request("DELETE", path).status == 202
    assert [one.get(path).json["state"], other.request("DELETE", path).status] == ["cancelled", 409]
    listed = [server.get("/__admin/imports").json for server in two]
    assert listed[0] == listed[1]
    assert [job["id"] for job in listed[0]["items"]] == [running["id"], whole["id"]]
    reports = [server.get(f"{path}/report.csv").body for server in two]
    assert reports[0] == reports[1]
    assert b"state,,,,cancelled" in reports[0]
    before = job_of(one, running["id"])
    assert one.push(subscriptions=[{"subscription_id": "x", "provider": "android-firebase"}])["error"] == 0
    assert job_of(one, running["id"]) == before


def test_an_import_goes_with_its_workspace(two: list[Server], postgres: Postgres) -> None:
    one, other = two
    import_id = upload(one, table_of(100_000), path="/w/gone")["id"]
    until(lambda: other.get(f"/w/gone/__admin/imports/{import_id}").json["up_to_line"])
    assert other.request("DELETE", "/__admin/workspaces/gone").status == 200
    assert [server.get("/w/gone/__admin/imports").json["total"] for server in two] == [0, 0]
    assert one.get(f"/w/gone/__admin/imports/{import_id}").status == 404
    rows = postgres.run(
        "SELECT count(*) FROM emulator_imports AS one JOIN emulator_workspaces AS its ON its.id = workspace"
        " WHERE its.name = 'gone'",
        other.state,
    )
    assert rows == [(0,)]


def test_an_emulator_that_stops_leaves_its_import_to_the_others_at_once(two: list[Server]) -> None:
    one, other = two
    path = f"/w/left/__admin/imports/{upload(one, table_of(ROWS), path='/w/left')['id']}"
    until(lambda: one.get(path).json["up_to_line"])
    assert one.stop() == 0
    job = ended(other, path)
    one.start()
    assert (job["state"], job["counts"]["rows"], job["counts"]["added"]) == ("finished", ROWS, ROWS)


def test_an_import_under_a_plain_wsgi_server_is_not_taken_for_one_whose_server_is_gone(
    two: list[Server], postgres: Postgres, tmp_path: Path
) -> None:
    """While its workspace is locked it makes no step, and still says that it is there."""
    plain = Plain(tmp_path, "waitress", state=str(two[0].state))
    try:
        path = f"/w/plain/__admin/imports/{upload(plain.start(), table_of(ROWS), path='/w/plain')['id']}"
        with psycopg.connect(str(two[0].state)) as connection:
            connection.execute("SELECT FROM emulator_workspaces WHERE name = 'plain' FOR UPDATE")
            seen, owners = set(), set()

            def said_again_and_again() -> bool:
                alive = "SELECT seen, owner FROM emulator_imports WHERE owner IS NOT NULL"
                ((at, owner),) = postgres.run(alive, two[0].state)
                seen.add(at)
                owners.add(owner)
                return len(seen) == 3

            until(said_again_and_again, otherwise=plain.log)
        assert len(owners) == 1
        assert two[1].request("DELETE", path).status == 202
    finally:
        plain.kill()
