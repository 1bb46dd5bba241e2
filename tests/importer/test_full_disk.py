"""Imports on a server whose disk takes nothing more, by the real kernel's word."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable

import pytest

from tests.importer.test_server import ROWS, send, table_of, upload
from tests.server import Server
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them")


def limit_files(server: Server, size: int | None) -> None:
    """Let no file of the server grow beyond this size; ``None``: whatever."""
    assert server.process is not None
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))


@pytest.mark.parametrize("dry_run", [False, True], ids=["import", "dry run"])
def test_an_import_ends_says_why_and_leaves_no_upload_when_the_disk_is_full(
    start_server: Callable[..., Server], dry_run: bool
) -> None:
    server = start_server("-q")
    table = table_of(ROWS).replace(b"new:0", b"NULL", 1)  # refused, so the report has something to write
    job = upload(server, table, dry_run=dry_run)
    limit_files(server, 1)
    job = server.finished_import(f"/__admin/imports/{job['id']}").json
    assert job["state"] == "failed"
    assert dry_run or job["counts"]["rows"] < ROWS
    for said in ("this cannot be written down", "File too large"):
        assert said in job["problem"]
    if dry_run:  # of the import no row was refused before it failed, so its report takes no room
        assert "the report cannot be written" in job["problem"]
        assert job["report"] is None
    assert list(server.state.rglob("*.upload")) == []

    limit_files(server, None)
    until(lambda: server.get("/__admin/health").json["status"] == "ok")
    again = upload(server, table_of(10))
    again = server.finished_import(f"/__admin/imports/{again['id']}").json
    assert again["state"] == "finished"
    server.kill()
    server.start()
    found = server.get(f"/__admin/imports/{job['id']}").json
    assert (found["state"], found["problem"][:26]) == ("interrupted", "its end is not recorded: t")


def test_an_import_that_cannot_begin_leaves_nothing(start_server: Callable[..., Server]) -> None:
    server = start_server("-q")
    job = upload(server, table_of(1))  # its folder is there
    server.finished_import(f"/__admin/imports/{job['id']}")
    before = len(list((server.state / "imports").iterdir()))
    limit_files(server, 200)  # the small upload fits, its record does not
    answer = send(server, table_of(1))
    assert (answer.status, answer.json["error"]) == (507, 507)
    assert str(server.state) in answer.json["error_text"]
    assert "File too large" in answer.json["error_text"]
    assert len(list((server.state / "imports").iterdir())) == before
