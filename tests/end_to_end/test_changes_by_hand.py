"""Changes by hand on a disk that refuses, and through kill -9: answered well means in force and stored."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.exceptions import NotFound

from emulator.app import create_app
from emulator.settings import Settings
from tests.end_to_end.changes import CHANGES, Change, World
from tests.server import PATIENCE_S, Reply, Server
from tests.store.test_disk_trouble import limit_files, mount
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and mounts as Linux has them")

#: The changes that write new files.
WHOLE = ("snapshot",)
#: What needs no room on the disk: the files of before go, and none is written.
ROOMLESS = ("reset", "form-reset")
#: Makes a process's fsync fail for as long as the file ``FAILING`` is there.
_FAILING_FSYNC = """
import os
def failing(real):
    def sync(fd):
        if os.path.exists(os.environ["FAILING"]):
            raise OSError(5, "Input/output error")
        real(fd)
    return sync
os.fsync, os.fdatasync = failing(os.fsync), failing(os.fdatasync)
"""


def prepared(server: Server, *names: str) -> dict[str, World]:
    """A workspace for each change, ready for it."""
    worlds = {name: World(server, name) for name in names or CHANGES}
    for name, world in worlds.items():
        assert server.request("PUT", f"/__admin/workspaces/{name}").status == 200
        CHANGES[name].prepare(world)
        world.open_console()
    return worlds


def shown(worlds: dict[str, World]) -> dict[str, Any]:
    return {name: world.shown() for name, world in worlds.items()}


def refused(change: Change, world: World) -> None:
    """The change is refused, and nothing of it is in force."""
    before = world.shown()
    reply = change.make(world)
    assert reply.status in (500, 507), (world.name, reply)
    assert re.search(change.refusal, reply.body.decode()), (world.name, reply)
    assert world.shown() == before, world.name


def accepted(change: Change, world: World) -> None:
    """The change is answered well, and in force."""
    before = world.shown()
    reply = change.make(world)
    assert reply.status in (200, 201, 303, 503), (world.name, reply)
    assert world.shown() != before, world.name


def accepted_or_refused(change: Change, world: World, may_be_accepted: bool) -> None:
    """The answer says what is in force: an open log goes on, that of an idle workspace is closed."""
    before = world.shown()
    reply = change.make(world)
    if re.search(change.refusal, reply.body.decode()):
        assert world.shown() == before, world.name
    else:
        assert may_be_accepted, (world.name, reply)
        assert world.shown() != before, (world.name, reply)


def recovered(world: World) -> None:
    until(lambda: world.admin("GET", "/health").json["status"] == "ok", otherwise=lambda: world.name)


def killed_and_started_again(server: Server, worlds: dict[str, World]) -> dict[str, Any]:
    """What the workspaces show after a kill -9."""
    server.kill()
    server.start()
    return shown(worlds)


def without_times(document: Any) -> str:
    return re.sub(r"'(created|updated)': '[^']+'", "", str(document))


def journal_size(world: World) -> int:
    return max(path.stat().st_size for path in world.server.state.glob(f"{world.name}.*.journal"))


class Recorded(Server):
    """The application in this process, with the names of the views that were asked."""

    def __init__(self, app: Flask) -> None:
        self._client = app.test_client(use_cookies=False)
        self._urls = app.url_map.bind("localhost")
        self.asked: set[str] = set()

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        bare = re.sub("^/w/[^/]+", "", path).partition("?")[0]
        with suppress(NotFound):  # the endpoint is answered without a view
            self.asked.add(self._urls.match(bare, method)[0])
        answer = self._client.open(path, method=method, data=body, headers=headers or {})
        return Reply(answer.status_code, {k.lower(): v for k, v in answer.headers}, answer.data)


_OTHER_CALLS = """clear_requests count_requests verify_requests clear_events count_events verify_events
preview_import cancel_import make_workspace delete_workspace delete_workspaces"""
_OTHER_FORMS = """clear_events clear_requests replay enter sign_in sign_out upload correct start_import
open_report cancel_import make_workspace delete_workspace"""


def test_every_view_that_changes_what_is_stored_is_tried_here() -> None:
    """Those that are left out change nothing that is stored, or whole workspaces."""
    left_out = {f"admin.{name}" for name in _OTHER_CALLS.split()}
    left_out |= {f"console.{name}" for name in _OTHER_FORMS.split()}
    app = create_app(Settings(durability="none"))
    try:
        server = Recorded(app)
        for name, world in prepared(server).items():
            accepted(CHANGES[name], world)
    finally:
        app.extensions["emulator"].close()
    changing = {  # a view for an id in the path calls the one for an id in the body
        rule.endpoint.replace("post_this_", "post_")
        for rule in app.url_map.iter_rules()
        if rule.methods - {"GET", "HEAD", "OPTIONS"}
    }
    assert changing - left_out - server.asked == set()


def test_what_a_full_disk_refuses_is_not_in_force(start_server: Callable[..., Server]) -> None:
    server = start_server("-q", "--durability", "os")
    worlds = prepared(server)
    for number in range(8):  # an import's own files have to be smaller than the journal
        worlds["import"].push(f"more-{number}")
    before = shown(worlds)
    for name, world in worlds.items():
        if name in ROOMLESS:
            continue
        # What begins new files fits into none.
        limit_files(server, 1 if name in WHOLE else journal_size(world) + 10)
        refused(CHANGES[name], world)
        limit_files(server, None)
    assert killed_and_started_again(server, worlds) == before


def test_what_was_answered_survives_a_kill(start_server: Callable[..., Server]) -> None:
    server = start_server("-q", "--durability", "fsync")
    worlds = prepared(server)
    for name, world in worlds.items():
        accepted(CHANGES[name], world)
    after = shown(worlds)
    assert killed_and_started_again(server, worlds) == after


@pytest.fixture
def failing(tmp_path: Path) -> Iterator[tuple[Server, Path]]:
    """A server in ``fsync`` mode, and the file whose presence makes each fsync of its fail."""
    (tmp_path / "sitecustomize.py").write_text(_FAILING_FSYNC)
    switch = tmp_path / "failing"
    environment = {"PYTHONPATH": str(tmp_path), "FAILING": str(switch)}
    server = Server(tmp_path, "-q", "--durability", "fsync", environment=environment).start()
    yield server, switch
    server.kill()


def test_what_an_fsync_refuses_is_taken_back_in_memory_too(failing: tuple[Server, Path]) -> None:
    """Had an answer not waited for the disk, it would be a good one."""
    server, switch = failing
    worlds = prepared(server)
    before = shown(worlds)
    switch.touch()
    for name, world in worlds.items():
        refused(CHANGES[name], world)
    switch.unlink()
    for name in ("clock", "form-clock"):
        recovered(worlds[name])
        accepted(CHANGES[name], worlds[name])
        before[name] = worlds[name].shown()
    assert killed_and_started_again(server, worlds) == before


def test_the_deletion_of_a_workspace_waits_for_the_disk(failing: tuple[Server, Path]) -> None:
    server, switch = failing
    for name in ("one", "two"):
        World(server, name).push("t")
    assert server.request("DELETE", "/__admin/workspaces/one").status == 200
    switch.touch()
    reply = server.request("DELETE", "/__admin/workspaces/two")
    assert reply.status == 500
    assert reply.json["error_text"].startswith("workspace two was not deleted: ")
    assert sorted(path.name for path in server.state.glob("*.json")) == ["two.json"]


def test_the_kernels_own_eio_is_taken_back_too(start_server: Callable[..., Server]) -> None:
    """The system calls fail here, whatever Python makes of them."""
    server = start_server("-q", "--durability", "fsync")
    worlds = prepared(server, "push", "clock", "settings", "fault", "profile", "form-clock")
    before = shown(worlds)
    assert server.process is not None
    calls = ["-f", "-qq", "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO"]
    if shutil.which("strace") is None:
        pytest.skip("NOT TESTED: strace is not here")
    log = server.folder / "strace"
    tracer = subprocess.Popen(["strace", *calls, "-o", str(log), "-p", str(server.process.pid)])
    try:
        if not _traced(server.process.pid, tracer):
            pytest.skip("NOT TESTED: tracing a process is not permitted here")
        for name, world in worlds.items():
            refused(CHANGES[name], world)
    finally:
        tracer.terminate()
        tracer.wait(PATIENCE_S)
    assert log.read_text().count("(INJECTED)") >= len(worlds)
    assert killed_and_started_again(server, worlds) == before


def _traced(process: int, tracer: subprocess.Popen[bytes]) -> bool:
    """Wait until every thread of the process is traced; False where the tracer gave up."""

    def all_traced() -> bool:
        tasks = list(Path(f"/proc/{process}/task").iterdir())
        return all(f"TracerPid:\t{tracer.pid}\n" in (task / "status").read_text() for task in tasks)

    until(lambda: tracer.poll() is not None or all_traced())
    return tracer.poll() is None


def test_on_a_disk_that_turns_read_only_every_answer_says_what_is_in_force(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("NOT TESTED: mounting a disk needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    server = start_server("-q", state=disk / "state")
    worlds = {name: world for name, world in prepared(server).items() if name != "import"}
    mount("--bind", str(disk), str(disk))
    try:
        mount("-o", "remount,ro,bind", str(disk))
        for name, world in worlds.items():
            accepted_or_refused(CHANGES[name], world, may_be_accepted=name not in WHOLE)
        before = shown(worlds)
        mount("-o", "remount,rw,bind", str(disk))
        assert killed_and_started_again(server, worlds) == before
    finally:
        server.kill()
        subprocess.run(["umount", "-l", str(disk)], check=True, timeout=PATIENCE_S)


def test_in_memory_no_disk_refuses_and_nothing_survives_a_kill(start_server: Callable[..., Server]) -> None:
    server = start_server("-q", "--durability", "none")
    worlds = prepared(server)
    limit_files(server, 1)
    for name, world in worlds.items():
        if name != "import":  # the file that is sent has to lie somewhere
            accepted(CHANGES[name], world)
    fresh = World(server, "fresh").shown()
    for found in killed_and_started_again(server, worlds).values():
        assert without_times(found) == without_times(fresh)
