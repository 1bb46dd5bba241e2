"""What runs beside answering requests: a failure is said, and does not end it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from emulator.server.background import repeat
from tests.command_line import run
from tests.fixtures.test_watching import rename_database
from tests.server import PAGE_TOKEN, ROOT, Server, subscription

BAD_BYTES = {
    "alone": b"\xff",
    "in a name": b'[{"id": 17, "name": "\xff", "db_id": 17}]',
    "deep": b"[" * 200_000,
}


@pytest.fixture
def fixtures(tmp_path: Path) -> Path:
    """A copy of the default fixtures, to be changed."""
    return Path(shutil.copytree(ROOT / "fixtures" / "default", tmp_path / "fixtures"))


def test_a_task_says_what_goes_wrong_and_goes_on() -> None:
    errors = [OSError("disk"), OSError("disk"), RuntimeError("bug"), None, RuntimeError("bug"), KeyError()]
    left, said = list(errors), []

    async def work() -> None:
        error = left.pop(0) if left else asyncio.CancelledError()
        if error is not None:
            raise error

    def say(line: str) -> None:
        said.append(line)
        raise OSError("nobody listens")

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(repeat("work", 0, work, say))
    assert said == [f"work: {word}; trying again" for word in ("disk", "bug", "bug", "KeyError")]


@pytest.mark.parametrize(
    ("name", "kind"),
    [*zip(["databases.json", "resources.json", "profiles.json"], BAD_BYTES, strict=True)],
)
def test_check_and_serve_say_which_fixture_file_cannot_be_read(fixtures: Path, name: str, kind: str) -> None:
    (fixtures / name).write_bytes(BAD_BYTES[kind])
    state = fixtures.parent / "state"
    for status, finished in (
        (1, run("check", fixtures)),
        (2, run("serve", "--port", "0", "--fixtures", fixtures, "--state", state)),
    ):
        assert finished.returncode == status
        assert f"{fixtures / name}: " in finished.stderr
        assert ("nested deeper" if kind == "deep" else "is not UTF-8: byte ") in finished.stderr
        assert "Traceback" not in finished.stderr


def test_watching_goes_on_after_a_file_that_is_not_utf_8(
    start_server: Callable[..., Server], fixtures: Path
) -> None:
    server = start_server("--watch", "-q", "--durability", "none", fixtures=fixtures)
    good = (fixtures / "profiles.json").read_bytes()
    (fixtures / "profiles.json").write_bytes(BAD_BYTES["in a name"])
    server.wait_for_line("profiles.json: [0]: is not UTF-8")
    (fixtures / "profiles.json").write_bytes(good)
    rename_database(fixtures, "New")
    server.wait_for_line("have changed")
    assert server.get("/__admin/databases/17").json["name"] == "New"


def test_expiring_goes_on_where_one_workspace_cannot_be_deleted(start_server: Callable[..., Server]) -> None:
    server = start_server("-q")
    for name in ("a", "b"):
        document = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("t1")]}
        server.post(f"/w/{name}/push_subscribe", document)  # one that changes nothing has no file
    server.stop()
    (server.state / "a.json.deleted").mkdir()  # in the way of the renaming
    server.arguments += ["--workspace-ttl", "0.2"]
    server.start()
    server.wait_for_line("workspace a cannot be deleted: ")
    server.wait_for_line("workspace b: deleted, nobody used it")
    server.post("/w/c/push_subscribe", {})
    server.wait_for_line("workspace c: deleted, nobody used it")
    assert server.log().count("workspace a cannot be deleted: ") == 1
    assert server.get("/__admin/health").json["status"] == "ok"
