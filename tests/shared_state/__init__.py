"""Several emulators with one state on a real PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

from tests.balancers import free_port
from tests.server import PATIENCE_S, Reply, Server

EMULATORS = 3


class Emulator(Server):
    """One of them, at a port that it keeps."""

    def __init__(self, folder: Path, database: str, *arguments: str, fixtures: Path | None = None) -> None:
        folder.mkdir(parents=True)
        own = ("-q", "--port", str(free_port()), "--journal-count", "100000", *arguments)
        super().__init__(folder, *own, state=database, fixtures=fixtures)


class Several(Server):
    """All of them: a request goes to any."""

    def __init__(self, emulators: Sequence[Server], seed: int = 1) -> None:
        self.emulators = list(emulators)
        self._random = Random(seed)

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        # One name for all, as behind a balancer: a cookie of the console belongs to it.
        sent = {"Host": "localhost", **(headers or {})}
        return self._random.choice(self.emulators).request(method, path, body, sent)


@contextmanager
def emulators(
    folder: Path, database: str, count: int = EMULATORS, *arguments: str, fixtures: Path | None = None
) -> Iterator[list[Emulator]]:
    """Emulators that run."""
    made = [Emulator(folder / f"{n}", database, *arguments, fixtures=fixtures) for n in range(1, count + 1)]
    try:
        for one in made:
            one.start()
        yield made
    finally:
        for one in made:
            one.kill()


class Line:
    """A connection that is kept, for many requests; ``None`` instead of an answer where it broke."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._prefix = parts.path
        self._connection = HTTPConnection(str(parts.hostname), parts.port, timeout=PATIENCE_S)

    def call(self, method: str, path: str, document: Any = None, **headers: str) -> tuple[int, Any] | None:
        """Status and JSON of one request; it is sent once."""
        body = None if document is None else json.dumps(document)
        try:
            sent = {"Content-Type": "application/json", **headers}
            self._connection.request(method, self._prefix + path, body, sent)
            answer = self._connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, HTTPException):
            self._connection.close()
            return None

    def close(self) -> None:
        """Close it."""
        self._connection.close()
