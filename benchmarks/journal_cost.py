"""What the request journal costs: ``python -m benchmarks.journal_cost``.

The exchange answers new tokens in this process, in turns with and without its journal; the medians of the
rounds, and the journal's share of a request as the server answers it (14,000 a second).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from emulator import exchange as exchanges
from emulator.emulator import Emulator
from emulator.settings import Settings
from emulator.wire import Incoming

ROUNDS, REQUESTS = 9, 10_000
SERVED_US = 1e6 / 14_000
HEADERS = {"host": "127.0.0.1:8080", "content-type": "application/json", "user-agent": "benchmark"}
BODY = (
    b'{"resource_token":"3LXP2FRcRxJ-7b14db88ec937f14","subscriptions":'
    b'[{"provider":"android-firebase","subscription_id":"token:%0155d"}]}'
)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        emulator = Emulator(Settings(state=Path(folder) / "state"))
        record = exchanges._record
        spent: dict[bool, list[float]] = {True: [], False: []}
        for turn in range(2 * ROUNDS):
            with_journal = turn % 2 == 0
            exchanges._record = record if with_journal else _nothing  # type: ignore[assignment]
            began = perf_counter()
            for number in range(turn * REQUESTS, (turn + 1) * REQUESTS):
                body = BODY % number
                emulator.exchange.handle(
                    Incoming("POST", "/push_subscribe", "", HEADERS, body, "127.0.0.1:1")
                )
            spent[with_journal].append((perf_counter() - began) / REQUESTS * 1e6)
        exchanges._record = record
        emulator.close()
    with_it, without = median(spent[True]), median(spent[False])
    print(f"with journal {with_it:.1f} µs, without {without:.1f} µs: {with_it - without:.1f} µs a request,")
    print(f"{(with_it - without) / SERVED_US:.1%} of a request at 14,000 requests/s")


def _nothing(*_: Any) -> None:
    return None


if __name__ == "__main__":
    main()
