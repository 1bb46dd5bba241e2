"""Files of others in the state directory are never listed, opened, reset, expired, deleted or written to."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command_line import assert_one_line, run
from tests.server import Server, subscription
from tests.waiting import until

FOREIGN = {
    "package.json": b'{"name": "my-app"}',
    "tsconfig.json": b"{}",
    "empty.json": b"",
    "near.json": b'{"emulator": {"version": 1}}',
    "made.json.tmp": b"mine",
    "made.json.0123456789abcdef.tmp": b"mine",
    "made.0.journal": b"mine",
    "made.7.journal": b"mine",
    "made.json.deleted": b"mine",
    "imports/data.json": b"mine",
    "imports/data.upload": b"mine",
    "notes.txt": b"mine",
}


def put(folder: Path) -> None:
    """Put the files of somebody else there."""
    for name, data in FOREIGN.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        os.utime(folder / name, (0, 0))


def are_there(folder: Path) -> bool:
    """Whether all are as they were."""
    return {name: (folder / name).read_bytes() for name in FOREIGN} == FOREIGN


def names(server: Server) -> list[str]:
    """The workspaces that are listed."""
    return [one["name"] for one in server.get("/__admin/workspaces").json["items"]]


def test_files_of_others_are_not_listed_opened_reset_expired_or_deleted(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    state = tmp_path / "state"
    put(state)
    server = start_server("-q", "--workspace-ttl", "0.5")
    assert names(server) == ["default"]
    for name in ("package", "tsconfig", "empty", "near"):
        answer = server.post(f"/w/{name}/push_subscribe", {"subscriptions": []})
        assert (answer.status, answer.json["error"], answer.json["data"]) == (400, 400, [])
        for text in (f"{name}.json", "is not a file of the emulator", "left alone"):
            assert text in answer.json["error_text"]
        assert server.post(f"/w/{name}/__admin/reset", {}).status == 400
        assert server.request("DELETE", f"/__admin/workspaces/{name}").status == 404
    wait_for_expiry(server)
    assert names(server) == ["default"]
    assert are_there(state)
    server.stop()
    assert_one_line(run("reset", "--state", state, "--workspace", "package"), "package.json", "left alone")
    assert "package" not in run("doctor", "--state", state).stdout
    assert are_there(state)


def wait_for_expiry(server: Server) -> None:
    """Make a workspace and wait until it has expired: whatever else would expire, has."""
    server.request("PUT", "/__admin/workspaces/short")
    until(lambda: "short" not in names(server))


def test_a_workspace_beside_files_of_others_writes_and_deletes_its_own_only(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    state = tmp_path / "state"
    put(state)
    server = start_server("-q", "--snapshot-every", "1000")
    for name in ("made.0.journal", "made.7.journal"):
        answer = server.post("/w/made/push_subscribe", {})
        assert answer.status == 400
        assert name in answer.json["error_text"]
        (state / name).unlink()
    for number in range(30):
        body = {"resource_token": "two-databases", "subscriptions": [subscription(f"token-{number}")]}
        assert server.post("/w/made/push_subscribe", body).json["error"] == 0
    (state / "made.0.journal").write_bytes(b"mine")
    (state / "made.7.journal").write_bytes(b"mine")
    answer = server.request("DELETE", "/__admin/workspaces/made")
    assert "made.json.deleted" in answer.json["error_text"]
    (state / "made.json.deleted").unlink()
    assert server.request("DELETE", "/__admin/workspaces/made").status == 200
    (state / "made.json.deleted").write_bytes(b"mine")
    assert are_there(state)
    left = {path.name for path in state.iterdir() if path.name.startswith("made")}
    assert left == {name for name in FOREIGN if name.startswith("made")}


@pytest.mark.parametrize("name", ["lock", "lock.holder", "default.json"])
def test_a_start_beside_a_foreign_file_that_is_in_the_way_says_so_and_leaves_it(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("somebody else's")
    assert_one_line(
        run("serve", "--port", "0", "--state", tmp_path), str(tmp_path / name), "not a file of the emulator"
    )
    assert (tmp_path / name).read_text() == "somebody else's"


def test_a_link_that_is_placed_while_a_server_runs_is_not_written_through(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = start_server("-q")
    foreign = tmp_path / "foreign"
    foreign.write_text("somebody else's")
    for name in ("default.json.tmp", "default.1.journal.tmp", "default.2.journal.tmp"):
        (server.state / name).symlink_to(foreign)
    assert server.request("PUT", "/__admin/workspaces/default").status == 200
    assert server.post("/__admin/reset", {}).status == 200
    assert server.push()["error"] == 400
    assert server.request("PUT", "/__admin/workspaces/default").status == 200
    (server.state / "lock.holder").unlink()
    (server.state / "lock.holder").symlink_to(foreign)
    assert server.stop() == 0
    assert foreign.read_text() == "somebody else's"
    assert (server.state / "default.json").is_file()
