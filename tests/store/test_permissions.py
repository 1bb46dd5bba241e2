"""Files and directories that the server's user may not read or enter: told, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.command_line import assert_one_line, run
from tests.server import ROOT, Server
from tests.store.test_disk_trouble import accepted, failing, push, recovered
from tests.store.test_waits_for_the_disk import start_counting
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="rights as Linux has them")


@pytest.fixture(autouse=True)
def no_rights_of_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processes of the test have no right that other users have not."""
    if os.geteuid() != 0:
        return
    if shutil.which("setpriv") is None:
        pytest.skip("NOT TESTED: giving up the rights of root needs setpriv")
    rights = "-dac_override,-dac_read_search,-fowner"
    program = tmp_path / "python"
    program.write_text(
        f'#!/bin/sh\nexec setpriv --bounding-set={rights} --inh-caps={rights} {sys.executable} "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


@contextmanager
def mode(path: Path, bits: int) -> Iterator[None]:
    before = path.stat().st_mode
    path.chmod(bits)
    try:
        yield
    finally:
        path.chmod(before)


def push_to(server: Server, workspace: str) -> tuple[int, str]:
    """A new token for this workspace; HTTP status and the text of the error."""
    body = {
        "resource_token": "two-databases",
        "subscriptions": [{"provider": "ios-apns", "subscription_id": "t"}],
    }
    reply = server.post(f"/w/{workspace}/push_subscribe", body)
    return reply.status, reply.json["error_text"]


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state that a server has left, with the workspaces ``default`` and ``one``."""
    folder = tmp_path_factory.mktemp("left")
    server = Server(folder, "-q", state=folder / "state").start()
    accepted(server, "before")
    assert push_to(server, "one")[0] == 200
    assert server.stop() == 0
    return folder / "state"


@pytest.fixture
def server(start_server: Callable[..., Server], left: Path, tmp_path: Path) -> Server:
    """A server on a copy of that state: it has not opened the workspace ``one`` yet."""
    return start_server("-q", state=shutil.copytree(left, tmp_path / "state"))


@pytest.mark.parametrize("pattern", ["one.json", "one.*.journal"])
def test_a_workspace_whose_file_cannot_be_read_is_refused_and_kept(server: Server, pattern: str) -> None:
    (file,) = server.state.glob(pattern)
    names = {path.name for path in server.state.iterdir()}
    with mode(file, 0):
        unchanged = f"workspace one: nothing was changed: Permission denied ({file})"
        assert push_to(server, "one") == (500, unchanged)
        refused = server.request("DELETE", "/__admin/workspaces/one")
        said = f"workspace one was not deleted: Permission denied ({file})"
        assert (refused.status, refused.json["error_text"]) == (500, said)
        accepted(server, "another workspace")
    assert names <= {path.name for path in server.state.iterdir()}
    assert server.get("/w/one/__admin/health").json["profiles"] == 12
    assert server.request("DELETE", "/__admin/workspaces/one").status == 200
    assert list(server.state.glob("one.*")) == []


@pytest.mark.parametrize("durability", ["os", "fsync"])
def test_pushes_go_on_after_a_reset_that_a_file_in_the_way_refused(
    start_server: Callable[..., Server], tmp_path: Path, durability: str
) -> None:
    """The file could be anybody's: in ``os`` mode the push does not wait for the disk either."""
    server, counted = start_counting(start_server, tmp_path, "--durability", durability)
    accepted(server, "before")
    server.stop()
    server.start()
    (log,) = server.state.glob("default.*.journal")
    in_the_way = log.with_name(f"default.{int(log.suffixes[0][1:]) + 1}.journal")
    in_the_way.touch(0)
    before = counted()
    assert server.post("/__admin/reset", {}).status == 500
    accepted(server, "after")
    assert (counted() > before) == (durability == "fsync")
    server.kill()
    in_the_way.unlink()
    server.start()
    assert server.get("/__admin/health").json["profiles"] == 14


@pytest.mark.parametrize("bits", [0o000, 0o444])
def test_a_directory_that_cannot_be_entered_is_told_and_recovered_from(server: Server, bits: int) -> None:
    with mode(server.state, bits):
        status, envelope = push(server, "refused")
        reason = f"the state cannot be written: Permission denied ({server.state}/default."
        assert (status, envelope["error"]) == (500, 500)
        assert envelope["error_text"].startswith(f"nothing was changed: {reason}")
        failing(server, reason)
        for workspace in ("one", "new"):
            status, said = push_to(server, workspace)
            refusal = f"workspace {workspace}: nothing was changed: Permission denied"
            assert (status, said.partition(" (")[0]) == (500, refusal)
        assert "internal error" not in server.get("/__admin/workspaces").body.decode()
    recovered(server)
    accepted(server, "after")
    assert push_to(server, "new")[0] == 200
    assert server.get("/w/one/__admin/health").json["profiles"] == 12


def test_a_start_names_the_file_that_it_may_not_read(server: Server) -> None:
    server.kill()
    with mode(server.state / "lock.holder", 0), pytest.raises(AssertionError, match="did not start"):
        server.start()
    assert server.log() == f"error: {server.state}/lock.holder: Permission denied\n"


def test_the_doctor_reports_on_all_that_it_may_read(server: Server) -> None:
    server.stop()
    with mode(server.state / "one.json", 0):
        report = run("doctor", "--state", server.state)
    assert report.returncode == 1
    default, one = report.stdout.split("one.json: ", 1)
    assert default.endswith("good\n")
    assert "FOUND one.json: cannot be read: Permission denied" in one
    with mode(server.state, 0o444):
        assert_one_line(run("doctor", "--state", server.state), "Permission denied")
        assert_one_line(run("export", "--state", server.state), "Permission denied")


def test_fixtures_that_may_not_be_read_are_told(tmp_path: Path) -> None:
    fixtures = tmp_path / "inside" / "fixtures"
    shutil.copytree(ROOT / "fixtures" / "default", fixtures)
    for closed, bits, named in (
        (fixtures / "profiles.json", 0, "profiles.json"),
        (fixtures, 0o444, "databases.json"),
        (fixtures.parent, 0, "fixtures"),
    ):
        with mode(closed, bits):
            report = run("check", fixtures)
        assert f"{named}: cannot be read: Permission denied\n" in report.stderr
        assert (report.returncode, report.stdout) == (1, "")
        assert "Traceback" not in report.stderr


def test_watched_fixtures_that_may_not_be_read_are_told_and_used_when_they_may(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    fixtures = Path(shutil.copytree(ROOT / "fixtures" / "default", tmp_path / "fixtures"))
    file, new = fixtures / "databases.json", tmp_path / "new.json"
    server = start_server("--watch", "-q", fixtures=fixtures)
    refusal = f"{file}: cannot be read: Permission denied\nthe changed fixtures in {fixtures} cannot be used"
    with mode(file, 0):
        server.wait_for_line(refusal)
    server.wait_for_line("are as before again; nothing is reset")
    new.write_text(file.read_text().replace('"Main"', '"New"'))
    new.chmod(0)
    new.replace(file)
    until(lambda: server.log().count(refusal) == 2)
    assert server.get("/__admin/databases/17").json["name"] == "Main"
    file.chmod(0o644)
    server.wait_for_line("have changed")
    assert server.get("/__admin/databases/17").json["name"] == "New"
