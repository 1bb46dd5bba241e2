"""``python -m benchmarks.parts``: what the parts of a push cost, of its processor time in the exchange.

In one process, in turns of many requests: each part is left out in one turn and there in the next; what it
costs is the middle difference of all rounds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.mobile import push, seconds
from benchmarks.stored import ONE_DATABASE, TWO_DATABASES, write_fixtures
from emulator.app import create_app
from emulator.endpoint.exchange import Exchange
from emulator.journal.journal import RequestJournal
from emulator.messages import Incoming
from emulator.settings import Settings
from emulator.store.log import Log
from emulator.store.state import State

#: Rounds, and the parts by name: what stands in their place when they are left out.
ROUNDS = 60
PARTS: dict[str, tuple[type, str, Any]] = {
    "tables and indexes": (State, "apply", lambda *_: None),
    "log": (Log, "append", lambda *_: None),
    "request journal": (RequestJournal, "recording", False),
}


@contextmanager
def left_out(owner: type, name: str, instead: Any) -> Iterator[None]:
    """Without the part."""
    there = getattr(owner, name)
    setattr(owner, name, instead)
    try:
        yield
    finally:
        setattr(owner, name, there)


def shares(exchange: Exchange, make: Callable[[], Incoming]) -> Iterator[tuple[str, float]]:
    """The parts with their shares."""
    whole: list[float] = []
    saved: dict[str, list[float]] = {part: [] for part in PARTS}
    for _ in range(ROUNDS):
        for part, what in PARTS.items():
            whole.append(seconds(exchange, make))
            with left_out(*what):
                saved[part].append(whole[-1] - seconds(exchange, make))
    for part, each in saved.items():
        yield part, median(each) / median(whole)


def main() -> None:
    """Print the shares."""
    for name, token in (("one database", ONE_DATABASE), ("two databases", TWO_DATABASES)):
        with TemporaryDirectory() as folder:
            state, fixtures = Path(folder, "state"), Path(folder, "fixtures")
            write_fixtures(fixtures, 0)
            own = create_app(Settings(state=state, fixtures=fixtures)).extensions["emulator"]
            try:
                found = shares(own.exchange, lambda token=token: push(token))
                print(f"{name}: {', '.join(f'{part} {share:.0%}' for part, share in found)}")
            finally:
                own.close()


if __name__ == "__main__":
    sys.exit(main())
