"""One server has a state directory, whatever somebody removes there while it runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command_line import assert_one_line, run
from tests.server import Server, subscription
from tests.waiting import until


def push(server: Server, token: str) -> int:
    """The error of a request that changes something."""
    error: int = server.push("two-databases", subscriptions=[subscription(token)])["error"]
    return error


@pytest.mark.parametrize("pattern", ["lock*", "*"])
def test_a_second_server_finds_the_first_whatever_was_removed_in_the_directory(
    start_server: Callable[..., Server], pattern: str
) -> None:
    first = start_server("-q")
    assert push(first, "before") == 0
    for path in first.state.glob(pattern):
        path.unlink()
    for command in (("serve", "--port", "0"), ("reset",), ("export",)):
        assert_one_line(run(*command, "--state", first.state), str(first.state), "in use by")
    if pattern == "*":
        assert push(first, "after") == 500
        return
    assert push(first, "after") == 0
    first.stop()
    first.start()
    assert first.get("/__admin/health").json["profiles"] == 14


def test_a_second_server_finds_the_first_where_the_directory_was_moved_to(
    start_server: Callable[..., Server],
) -> None:
    first = start_server("-q")
    away = first.state.with_name("away")
    first.state.rename(away)
    assert_one_line(run("serve", "--port", "0", "--state", away), "in use by another emulator")
    assert push(first, "away") == 500
    away.rename(first.state)
    until(lambda: push(first, "back") != 500)  # what was refused is tried again once a second
    assert first.get("/__admin/health").json["status"] == "ok"


def test_where_the_directory_was_replaced_the_first_writes_and_deletes_nothing_of_the_second(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    first = start_server("-q", "--workspace-ttl", "1")
    assert first.request("PUT", "/__admin/workspaces/short").status == 200
    shutil.rmtree(first.state)
    (tmp_path / "second").mkdir()
    second = Server(tmp_path / "second", "-q", state=first.state).start()
    try:
        assert push(second, "second") == 0
        assert second.request("PUT", "/__admin/workspaces/other").status == 200
        assert push(first, "first") == 500
        health = first.get("/__admin/health").json
        assert (health["status"], "replaced" in health["reason"]) == ("failing", True)
        assert first.request("PUT", "/__admin/workspaces/new").status == 500
        assert first.request("DELETE", "/__admin/workspaces/other").status == 500
        assert first.post("/__admin/reset", {}).status == 500
        assert first.stop() == 0
        assert_one_line(run("serve", "--port", "0", "--state", first.state), f"process {second.process.pid}")  # type: ignore[union-attr]
        assert push(second, "more") == 0
        second.stop()
        assert run("doctor", "--state", first.state).returncode == 0
        second.start()
        assert second.get("/__admin/health").json["profiles"] == 14
        assert not (first.state / "new.json").exists()
    finally:
        second.kill()
