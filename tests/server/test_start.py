"""What a start loads, and what is answered before all of it is loaded."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import enumerate as all_threads

import pytest
from flask import Flask
from jinja2 import Environment

from emulator.emulator import Emulator
from emulator.loop.shared_loop import SharedLoop
from emulator.server import late_app
from emulator.server.late_app import LateApp
from emulator.settings import Settings
from emulator.web.bodies import Spool
from tests.many_records import Calls
from tests.raw_http import send_chunked
from tests.server import ROOT, Reply, Server, subscription
from tests.waiting import until

#: What takes long to load, and is of no use to most commands.
SLOW = {"apispec", "asyncio", "babel", "faker", "flask", "httpx", "marshmallow", "prometheus_client"} | {
    *("charset_normalizer", "granian", "psutil", "segno", "tinydb", "werkzeug", "wtforms")
}
NEEDED = {
    ("--help",): set(),
    ("--version",): set(),
    ("health", "--port", "1"): {"asyncio", "httpx"},
    ("check", "fixtures/default"): {"asyncio", "marshmallow"},
    ("doctor", "--state", "fixtures"): {"asyncio", "psutil"},
    ("export", "--help"): {"asyncio", "marshmallow", "psutil", "tinydb"},
    ("reset", "--help"): {"asyncio", "marshmallow", "psutil", "tinydb"},
    ("serve", "--help"): {"asyncio", "granian", "marshmallow", "psutil", "tinydb"},
}
_TELL = """
import atexit, sys
atexit.register(lambda: print("loaded", *{name.partition(".")[0] for name in sys.modules}))
from emulator.__main__ import main
main()
"""


@pytest.mark.parametrize("arguments", NEEDED, ids=lambda arguments: arguments[0])
def test_a_command_loads_its_own_needs_alone(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TELL, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    loaded = next(line for line in done.stdout.splitlines() if line.startswith("loaded ")).split()
    assert SLOW & set(loaded) <= NEEDED[arguments]


@pytest.fixture
def held(start_server: Callable[..., Server], tmp_path: Path) -> tuple[Server, Path]:
    """A server that cannot finish loading Flask's application before the pipe is written to."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs a named pipe")
    folder = tmp_path / "held" / "imports"
    folder.mkdir(parents=True)
    pipe = folder / "read-at-the-start.json"
    os.mkfifo(pipe)
    return start_server(state=folder.parent), pipe


def _shape(reply: Reply) -> tuple[int, set[str], str | None, int]:
    return reply.status, set(reply.headers), reply.headers.get("location"), len(reply.body)


def _let_go(pipe: Path) -> None:
    pipe.write_bytes(b"not a record")
    pipe.unlink()


def test_pushes_and_the_health_are_answered_before_flask_is_loaded(held: tuple[Server, Path]) -> None:
    server, pipe = held
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(server.get, "/__admin/profiles")
        assert server.push(id="early", subscriptions=[subscription("t")])["error"] == 0
        assert server.get("/w/other/__admin/health").json["workspace"] == "other"
        assert server.get("/w/no%20name/__admin/health").status == 400
        assert server.get("/nowhere").json["error"] == 404
        assert not waiting.done()
        _let_go(pipe)
        assert "early" in waiting.result().body.decode()


def test_what_comes_before_flask_is_loaded_is_answered_as_later(held: tuple[Server, Path]) -> None:
    server, pipe = held
    clock = b"{ " + b" " * 20 + b"}"  # it runs on, so that no page has another badge afterwards
    calls: list[Callable[[], Reply]] = [
        lambda: server.get("/"),
        lambda: server.get("/__console/nowhere"),
        lambda: server.get("/w/other/__console/none"),
        lambda: server.get("/__admin/nowhere"),
        lambda: server.get("/__admin/rules"),
        lambda: server.get("/__admin/docs"),
        lambda: server.get("/__admin/settings", Host="foreign.example"),
        lambda: server.get("/__admin/health", Origin="http://foreign.example"),
        lambda: server.request("HEAD", "/__admin/health"),
        lambda: server.request("DELETE", "/__admin/health"),
        lambda: send_chunked(server, [clock[:10], clock[10:]], "/__admin/clock"),
        lambda: server.request("PUT", "/__admin/clock", clock),
    ]
    with ThreadPoolExecutor(len(calls)) as pool:
        early = [pool.submit(call) for call in calls]
        server.push(id="early", subscriptions=[subscription("t")])
        assert not any(one.done() for one in early)
        _let_go(pipe)
        answers = [one.result() for one in early]
    assert [_shape(one) for one in answers] == [_shape(call()) for call in calls]


def test_a_stop_before_flask_is_loaded_is_a_clean_one(start_server: Callable[..., Server]) -> None:
    server = start_server()
    assert server.stop() == 0
    assert server.log() == ""


@pytest.mark.parametrize("modules", [1, 20, 60, 120])
def test_a_stop_while_flask_is_loaded_does_not_wait_for_the_rest_of_it(tmp_path: Path, modules: int) -> None:
    program = """
import sys
from pathlib import Path
from emulator.emulator import Emulator
from emulator.loop.shared_loop import SharedLoop
from emulator.server import late_app
from emulator.server.late_app import LateApp
from emulator.settings import Settings
from emulator.web.bodies import Spool
settings = Settings(state=Path(sys.argv[1]))
emulator = Emulator(settings)
app = LateApp(emulator, Spool(settings))
wanted = len(sys.modules) + int(sys.argv[2])
loading = app.load()
while len(sys.modules) < wanted:
    pass
app.close()
emulator.close()
print(loading.done(), (Path(sys.argv[1]) / "imports").exists())
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), str(modules)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "False False\n", "")


def test_the_first_page_of_the_console_finds_its_templates_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late_app, "QUIET_S", 0.0)
    settings = Settings(durability="none")
    emulator = Emulator(settings)
    app = LateApp(emulator, Spool(settings)).load().result()
    until(lambda: not any(thread.name == "app" for thread in all_threads()))
    compiled = Calls(monkeypatch, app.jinja_env, "compile")
    for page in ("/", "/__console/overview", "/__console/base", "/__console/faults", "/__console/import"):
        assert app.test_client().get(page).status_code == 200
    assert compiled.count == 0
    emulator.close()


def test_no_template_is_compiled_while_requests_come(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(durability="none")
    emulator = Emulator(settings)
    compiled = Calls(monkeypatch, Environment, "compile")
    seen: list[int] = []
    with closing(SharedLoop()) as loop:

        def asked(seconds: float) -> None:
            loop.visits += len(seen) < 50
            seen.append(compiled.count)

        async def load() -> Flask:
            return await asyncio.wrap_future(LateApp(emulator, Spool(settings)).load())

        monkeypatch.setattr(late_app, "sleep", asked)
        loop.run_until_complete(load())
        until(lambda: not any(thread.name == "app" for thread in all_threads()))
    assert seen == [0] * len(seen)
    assert len(seen) > 50
    assert compiled.count > 10
    emulator.close()
