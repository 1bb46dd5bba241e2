"""Two loads that take turns of a tenth of a second: what slows the machine down slows down both."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, sleep

from benchmarks.load import Load, Pressure, command_of, read_result

#: Seconds of one turn.
TURN_S = 0.1
#: Seconds after which wrk ends by itself.
_AT_MOST_S = 600
#: Seconds in which wrk ends when it is asked to.
_ENDS_S = 60


@dataclass
class _Client:
    """A wrk that stands still, but in its turns; ``worked_s``: how long these were."""

    process: subprocess.Popen[str]
    worked_s: float = 0.0

    def work(self, seconds: float) -> None:
        """Load the server for so long."""
        since = perf_counter()
        self.process.send_signal(signal.SIGCONT)
        sleep(seconds)
        self.process.send_signal(signal.SIGSTOP)
        self.worked_s += perf_counter() - since

    def end(self) -> Load:
        """End; answers the whole load. Its latencies hold the time that it stood still.

        Raises :class:`~benchmarks.load.LoadError`.
        """
        since = perf_counter()
        self.process.send_signal(signal.SIGCONT)
        sleep(TURN_S)  # while it stands still, a thread that does not end it may get the next signal
        self.process.send_signal(signal.SIGINT)
        output, _ = self.process.communicate(timeout=_ENDS_S)
        self.worked_s += perf_counter() - since
        return replace(read_result(output), seconds=self.worked_s)


def alternate(loads: Sequence[tuple[str, Path]], pressure: Pressure) -> list[Load]:
    """Load each URL with its wrk script for the seconds of ``pressure``, in turns.

    Only the requests and the seconds of what is answered mean something. Raises
    :class:`~benchmarks.load.LoadError`.
    """
    with ExitStack() as stack:
        clients = [stack.enter_context(_standing(url, script, pressure)) for url, script in loads]
        for _ in range(round(pressure.seconds / TURN_S)):
            for client in clients:
                client.work(TURN_S)
        return [client.end() for client in clients]


@contextmanager
def _standing(url: str, script: Path, pressure: Pressure) -> Iterator[_Client]:
    command = command_of(url, script, replace(pressure, seconds=_AT_MOST_S))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        process.send_signal(signal.SIGSTOP)
        yield _Client(process)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
