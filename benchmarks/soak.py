"""A day of writes in minutes: ``python -m benchmarks.soak``.

Sends millions of requests through the exchange (everything but HTTP itself) on a state on the disk and
watches what must stay bounded: the bytes and the number of the state's files, and the process's memory. The
requests turn a fixed set of tokens on and off: what is stored stays the same size, while the journal would
grow without end.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import click
import msgspec
import psutil

from emulator.emulator import Emulator
from emulator.messages import Incoming
from emulator.settings import Settings

#: Requests between two looks at the files and the memory.
LOOK_EVERY = 2_000
_HEADERS = {"content-type": "application/json"}


@dataclass
class Half:
    """The most that was seen in one half of the run: bytes of memory, bytes on the disk, files."""

    memory: int = 0
    disk: int = 0
    files: int = 0

    def look(self, memory: int, folder: Path) -> None:
        """Take in what is there now."""
        sizes = _sizes(folder)
        self.memory = max(self.memory, memory)
        self.disk = max(self.disk, sum(sizes))
        self.files = max(self.files, len(sizes))


@dataclass
class Result:
    """One run: how much, how fast, how many snapshots, and the most of each half."""

    requests: int = 0
    seconds: float = 0.0
    snapshots: int = 0
    snapshot_bytes: int = 0
    halves: list[Half] = field(default_factory=lambda: [Half(), Half()])


def soak(
    folder: Path,
    requests: int,
    tokens: int,
    snapshot_every: int,
    every: int,
    show: bool = False,
) -> Result:
    """Send so many requests; ``every``: how many between two lines of progress, if they are shown."""
    emulator = Emulator(Settings(state=folder, min_log_bytes=snapshot_every))
    process, result, since = psutil.Process(), Result(), time.perf_counter()
    bodies = [_body(number, unsubscribe) for unsubscribe in (False, True) for number in range(tokens)]
    handle = emulator.exchange.handle
    try:
        for number in range(requests):
            body = bodies[number % len(bodies)]
            answer = handle(Incoming("POST", "/push_subscribe", "", _HEADERS, body, "127.0.0.1:50000"))
            if answer.summary.error != 0:
                raise click.ClickException(f"request {number}: {answer.body.decode()}")
            if number % LOOK_EVERY == 0:
                memory = process.memory_info().rss
                result.halves[2 * number // requests].look(memory, folder)
                if show and number % every < LOOK_EVERY:
                    _show(number, time.perf_counter() - since, memory, folder)
        result.requests, result.seconds = requests, time.perf_counter() - since
        result.snapshot_bytes = (folder / "default.json").stat().st_size
        result.snapshots = max(int(path.name.split(".")[1]) for path in folder.glob("*.journal")) - 2
    finally:
        emulator.close()
    return result


def _body(number: int, unsubscribe: bool) -> bytes:
    entry = {
        "provider": "android-firebase",
        "subscription_id": f"{number:08d}:" + "APA91b" * 20,
        "unsubscribe": unsubscribe,
    }
    return msgspec.json.encode({"resource_token": "two-databases", "subscriptions": [entry]})


def _sizes(folder: Path) -> list[int]:
    sizes = []
    for path in folder.iterdir():
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:
            continue  # a snapshot has just taken its place
    return sizes


def _show(number: int, seconds: float, memory: int, folder: Path) -> None:
    sizes = _sizes(folder)
    speed = number / seconds if seconds else 0.0
    click.echo(
        f"{number:>10,} requests  {speed:>7,.0f}/s  memory {memory / 1e6:6.1f} MB  "
        f"disk {sum(sizes) / 1e6:6.1f} MB in {len(sizes)} files"
    )


@click.command()
@click.option("--requests", default=5_000_000, show_default=True, help="How many to send.")
@click.option("--tokens", default=2_000, show_default=True, help="How many tokens are turned on and off.")
@click.option("--snapshot-every", default=Settings.min_log_bytes, show_default=True, metavar="BYTES")
@click.option("--state", type=click.Path(path_type=Path), help="An empty directory; else a temporary one.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one line of JSON.")
def main(requests: int, tokens: int, snapshot_every: int, state: Path | None, as_json: bool) -> None:
    """Simulate a day of writes and print what stayed bounded."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = state or Path(temporary) / "state"
        result = soak(folder, requests, tokens, snapshot_every, max(LOOK_EVERY, requests // 20), not as_json)
    if as_json:
        click.echo(msgspec.json.encode(result).decode())
        return
    for name, half in zip(("first half", "second half"), result.halves, strict=True):
        click.echo(
            f"{name}: at most {half.memory / 1e6:.1f} MB of memory, "
            f"{half.disk / 1e6:.1f} MB on the disk in {half.files} files"
        )
    speed = result.requests / result.seconds
    click.echo(f"{result.requests:,} requests in {result.seconds:.0f} s ({speed:,.0f}/s)")
    size = result.snapshot_bytes / 1e6
    click.echo(f"{result.snapshots:,} snapshots, the last one of {size:.2f} MB")


if __name__ == "__main__":
    main()
