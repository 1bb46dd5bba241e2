"""Trouble with the disk while a real server runs, told by the real kernel: refused, told, recovered from."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.store.doctor import examine
from emulator.store.log import SEEN_S
from tests.server import Server, subscription
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and mounts as Linux has them")

TWO = "two-databases"


def push(server: Server, token: str) -> Any:
    """A request that makes two profiles and two subscriptions; HTTP status and envelope."""
    reply = server.post("/push_subscribe", {"resource_token": TWO, "subscriptions": [subscription(token)]})
    return reply.status, reply.json


def accepted(server: Server, token: str) -> None:
    status, envelope = push(server, token)
    assert (status, envelope["error"], len(envelope["data"])) == (200, 0, 2), envelope


def refused(server: Server, token: str, *texts: str) -> None:
    """Answered as documented: error 500, and a text that says what is wrong."""
    status, envelope = push(server, token)
    assert (status, envelope["error"], envelope["data"]) == (500, 500, [])
    for text in ("nothing was changed", *texts):
        assert text in envelope["error_text"]


def health(server: Server) -> Any:
    return server.get("/__admin/health").json


def failing(server: Server, text: str) -> None:
    answer = health(server)
    assert answer["status"] == "failing"
    assert text in answer["reason"]


def recovered(server: Server) -> None:
    """It recovers by itself, and health says so."""
    until(lambda: health(server)["status"] == "ok")
    assert "reason" not in health(server)


def limit_files(server: Server, size: int | None) -> None:
    """Let no file of the server grow beyond this size; ``None``: whatever."""
    assert server.process is not None
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))


def log_size(server: Server) -> int:
    return max(path.stat().st_size for path in server.state.glob("*.journal"))


def holds(server: Server, profiles: int) -> None:
    """What memory says is what another process finds on the disk."""
    assert health(server)["profiles"] == profiles
    (report,) = examine(server.state)
    assert (report.findings, report.counts["profiles"], report.torn_bytes) == ([], profiles, 0)


def killed_and_started_again(server: Server, profiles: int) -> None:
    server.kill()
    server.start()
    assert health(server)["profiles"] == profiles


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    return start_server("-q")


@pytest.mark.parametrize("durability", ["os", "fsync"])
def test_a_full_disk_refuses_is_told_and_is_recovered_from(
    start_server: Callable[..., Server], durability: str
) -> None:
    server = start_server("-q", "--durability", durability)
    accepted(server, "before")
    holds(server, 12)
    limit_files(server, log_size(server) + 100)  # room for a part of the next transaction
    refused(server, "refused-1", "File too large", str(server.state))
    refused(server, "refused-2", "File too large")
    failing(server, "File too large")
    holds(server, 12)
    limit_files(server, None)
    recovered(server)
    accepted(server, "after")
    holds(server, 14)
    killed_and_started_again(server, 14)
    assert push(server, "refused-1")[1]["error"] == 0


def test_without_a_health_check_it_recovers_too(server: Server) -> None:
    accepted(server, "before")
    limit_files(server, log_size(server) + 10)
    refused(server, "one", "File too large")
    limit_files(server, None)
    until(lambda: push(server, "one")[0] == 200)
    holds(server, 14)


def test_reading_goes_on_while_the_disk_is_full(server: Server) -> None:
    accepted(server, "known")
    limit_files(server, log_size(server))
    refused(server, "new")
    status, envelope = push(server, "known")
    assert (status, envelope["error"]) == (200, 200)  # S7: nothing to change
    limit_files(server, None)


def test_a_directory_that_is_moved_away_and_back(server: Server) -> None:
    accepted(server, "before")
    away = server.state.with_name("away")
    server.state.rename(away)
    failing(server, str(server.state))
    refused(server, "refused", str(server.state))
    made = server.request("PUT", "/w/new/__admin/clock", b"{}")
    why = f"the state directory was moved, removed or replaced while in use ({server.state})"
    assert (made.status, made.json["error_text"]) == (500, f"workspace new: nothing was changed: {why}")
    assert health(server)["profiles"] == 12
    assert not server.state.exists()
    away.rename(server.state)
    recovered(server)
    assert [one["name"] for one in server.get("/__admin/workspaces").json["items"]] == ["default"]
    accepted(server, "after")
    holds(server, 14)
    killed_and_started_again(server, 14)


@pytest.mark.parametrize("made_anew", [True, False])
def test_after_its_directory_was_deleted_a_server_takes_and_writes_nothing(
    server: Server, made_anew: bool
) -> None:
    accepted(server, "before")
    shutil.rmtree(server.state)
    time.sleep(2 * SEEN_S)
    refused(server, "refused")
    if made_anew:
        server.state.mkdir()
    failing(server, "removed or replaced")
    refused(server, "refused", "removed or replaced")
    assert server.post("/__admin/reset", {}).status == 500
    assert server.request("PUT", "/__admin/workspaces/new").status == 500
    assert server.stop() == 0
    assert not server.state.exists() or list(server.state.iterdir()) == []


@pytest.mark.parametrize("pattern", ["*.journal", "*"])
def test_after_its_log_was_deleted_a_server_takes_nothing_until_it_starts_again(
    server: Server, pattern: str
) -> None:
    accepted(server, "before")
    for path in server.state.glob(pattern):
        path.unlink()
    time.sleep(2 * SEEN_S)
    refused(server, "refused", "removed or replaced")
    failing(server, "removed or replaced")
    left = {path.name for path in server.state.glob("default*")}
    assert server.stop() == 0
    assert {path.name for path in server.state.glob("default*")} == left


def test_a_deleted_snapshot_comes_back(server: Server) -> None:
    accepted(server, "before")
    (server.state / "default.json").unlink()
    recovered(server)
    until(lambda: (server.state / "default.json").exists())
    holds(server, 12)
    accepted(server, "after")
    killed_and_started_again(server, 14)


def test_another_state_in_its_place_is_not_overwritten(server: Server) -> None:
    accepted(server, "before")
    away = server.state.with_name("away")
    server.state.rename(away)
    shutil.copytree(away, server.state)
    failing(server, "moved, removed or replaced")  # a write looks again after some milliseconds only
    refused(server, "refused")
    copied = {path.name: path.read_bytes() for path in away.iterdir()}
    server.stop()
    assert {path.name: path.read_bytes() for path in server.state.iterdir()} == copied
    server.start()
    assert health(server)["profiles"] == 12


@pytest.mark.parametrize("name", ["default.json", "default.1.journal"])
def test_another_file_in_the_place_of_one_is_not_overwritten(server: Server, name: str) -> None:
    accepted(server, "before")
    (name,) = [path.name for path in server.state.glob(f"default*{name[-4:]}")]
    (server.state / name).rename(server.folder / name)
    (server.state / name).write_text("somebody else's")
    failing(server, "place of the state" if name == "default.json" else "removed or replaced")
    refused(server, "refused")
    assert server.post("/__admin/reset", {}).status == 500
    assert server.stop() == 0
    assert (server.state / name).read_text() == "somebody else's"


def test_a_snapshot_that_fails_is_told_and_made_up_for(start_server: Callable[..., Server]) -> None:
    """The snapshot is larger than the log that makes it due: it meets the limit first."""
    server = start_server("-q", "--snapshot-every", "3000")
    assert server.request("PUT", "/__admin/workspaces/default").status == 200
    snapshot_size = (server.state / "default.json").stat().st_size
    limit_files(server, snapshot_size + 1000)
    sent = 0
    while health(server)["status"] == "ok":
        accepted(server, f"token-{sent}")
        sent += 1
        assert sent < 1000
    failing(server, "no snapshot can be written, the log grows: File too large")
    accepted(server, "one-more")
    limit_files(server, None)
    recovered(server)
    until(lambda: (server.state / "default.json").stat().st_size > snapshot_size)
    holds(server, 10 + 2 * (sent + 1))
    killed_and_started_again(server, 10 + 2 * (sent + 1))


def test_the_server_outlives_a_full_disk_that_its_log_is_on_too(start_server: Callable[..., Server]) -> None:
    server = start_server()
    log = server.folder / "log"
    limit_files(server, max(log.stat().st_size, 1))
    for number in range(20):
        refused(server, f"refused-{number}")
    limit_files(server, None)
    recovered(server)
    accepted(server, "after")
    assert server.stop() == 0


# Real file systems, where the tests may mount one


def mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0:
        pytest.skip(f"NOT TESTED: mounting is not permitted here: {done.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("NOT TESTED: mounting a small disk needs root")
    mount("-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder))
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True, timeout=30)


def test_a_disk_that_is_really_full(start_server: Callable[..., Server], small_disk: Path) -> None:
    server = start_server("-q", state=small_disk / "state")
    accepted(server, "before")
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(512)):
                pass
        except OSError:
            pass
    sent = 0
    while push(server, f"token-{sent}")[0] == 200:  # what is left of the log's last page
        sent += 1
        assert sent < 100
    refused(server, "refused", "No space left on device")
    failing(server, "No space left on device")
    holds(server, 12 + 2 * sent)
    filler.unlink()
    recovered(server)
    accepted(server, "after")
    killed_and_started_again(server, 14 + 2 * sent)


def test_a_disk_that_turns_read_only(start_server: Callable[..., Server], small_disk: Path) -> None:
    """A log that is open can still be written, one that rests cannot; no new file can be made."""
    server = start_server("-q", "--snapshot-every", "6000", state=small_disk / "state")
    mount("--bind", str(small_disk), str(small_disk))
    try:
        mount("-o", "remount,ro,bind", str(small_disk))
        sent = 0
        while health(server)["status"] == "ok" and push(server, f"token-{sent}")[0] == 200:
            sent += 1
            assert sent < 1000
        failing(server, "Read-only file system")
        mount("-o", "remount,rw,bind", str(small_disk))
        recovered(server)
        accepted(server, "after")
        holds(server, 10 + 2 * (sent + 1))
        killed_and_started_again(server, 10 + 2 * (sent + 1))
    finally:
        server.kill()
        subprocess.run(["umount", "-l", str(small_disk)], check=True, timeout=30)


def test_a_start_on_a_read_only_disk_is_refused_in_one_line(
    start_server: Callable[..., Server], small_disk: Path, tmp_path: Path
) -> None:
    mount("-o", "remount,ro", str(small_disk))
    with pytest.raises(AssertionError, match="did not start"):
        start_server("-q", state=small_disk / "state")
    log = (tmp_path / "log").read_text()
    assert log.startswith("error: ")
    assert "Read-only file system" in log
    assert log.count("\n") == 1
