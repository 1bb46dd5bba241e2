"""A real server process over real TCP, for every test that speaks HTTP."""

from __future__ import annotations

import gc
import os
import random
import sys
from collections.abc import Callable, Generator, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from emulator.loop.gc_pause import collections_paused
from tests.postgres import database, postgres
from tests.server import Server

__all__ = ["database", "postgres"]

#: Repeats the part of the contract run that explores.
SEED = "CONTRACT_SEED"


def pytest_configure() -> None:
    """Choose a seed, the same for all processes of this run; keep httpx's calls from a search of the disk."""
    if find_spec("sniffio") is None:  # httpcore looks for it several times in each asynchronous call
        sys.modules["sniffio"] = None  # type: ignore[assignment]
    os.environ.setdefault(SEED, str(random.getrandbits(64)))


def pytest_report_header() -> str:
    """Say what to repeat a run with."""
    return f"contract run: {SEED}={os.environ[SEED]}"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect the tests without walking through all of them again and again: that takes half of the time."""
    with collections_paused():
        collected = yield
    gc.freeze()
    return collected


@pytest.fixture(scope="module", params=["internal", "public"])
def door(request: pytest.FixtureRequest) -> str:
    """By which of granian's names the servers of a module serve: its tests run on both."""
    found: str = request.param
    return found


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers; all are stopped at the end. The state is ``tmp_path/"state"`` unless said otherwise."""
    servers: list[Server] = []

    def start(*arguments: str, **options: object) -> Server:
        server = Server(tmp_path, *arguments, **options)
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """A server with the default fixtures and a fresh state."""
    return start_server()


@pytest.fixture(scope="module")
def module_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the default fixtures, for all tests of a module; a test takes :func:`fresh`."""
    server = Server(tmp_path_factory.mktemp("module")).start()
    yield server
    server.kill()


@pytest.fixture
def fresh(module_server: Server) -> Iterator[Server]:
    """The module's server with a fresh state, for a test that neither ends nor restarts the process."""
    yield module_server
    module_server.clear()
