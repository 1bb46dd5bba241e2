"""A real server process over real TCP, for every test that speaks HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.server import Server


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
