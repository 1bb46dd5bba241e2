"""``python -m benchmarks.bridge``: what the bridge costs, against granian's WSGI with one blocking thread.

Three servers, each a process on a free port, loaded in turns by wrk with 8 connections: the bare Flask on
granian's WSGI, the same application behind the bridge, and a constant answer that the bridge takes from an
exchange, without Flask. Prints the median requests per second of each and its ratio to the first. The bare
application never looks at the body of a POST, so WSGI does not read it, while the bridge reads every body.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from statistics import median

import click
import orjson

from benchmarks.bare import ANSWER, app
from benchmarks.load import RESULT_MARK, Pressure, put_load
from benchmarks.running import Running, running
from benchmarks.servers import BARE, BARE_WSGI, ROOT, bare_flask, bare_flask_wsgi
from emulator.messages import Answer, Incoming
from emulator.server.access_log import AccessLog
from emulator.server.server import serve

CONSTANT = "constant answer, exchange"

_DONE = (
    "function done(summary, latency, requests) local e = summary.errors print(string.format('"
    + RESULT_MARK
    + '{"requests": %d, "duration_us": %d, "p50_us": %d, "p99_us": %d, "p999_us": %d, "max_us": %d, '
    '"unexpected": 0, "errors": {"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}}'
    "', summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), "
    "latency:percentile(99.9), latency.max, e.connect, e.read, e.write, e.status, e.timeout)) end\n"
)
_POST = (
    'wrk.method, wrk.path = "POST", "/push_subscribe"\n'
    'wrk.headers["Content-Type"] = "application/json"\n'
    'wrk.body = \'{"resource_token": "abc", '
    '"subscriptions": [{"provider": "ios-apns", "subscription_id": "t"}]}\'\n'
)
_SCRIPTS = {"GET": 'wrk.path = "/__admin/health"\n', "POST": _POST}


class ConstantExchange:
    """Gives every request the bare application's answer."""

    def __init__(self) -> None:
        self._body = orjson.dumps(ANSWER)
        self._headers = [("content-type", "application/json"), ("content-length", str(len(self._body)))]

    def accepts(self, incoming: Incoming) -> bool:
        return True

    def handle(self, incoming: Incoming) -> Answer:
        return Answer(200, self._headers, self._body)


def serve_constant(port_file: Path) -> None:
    """Runs the third server; its port goes to ``port_file``."""
    serve(
        app,
        ConstantExchange(),
        host="127.0.0.1",
        port=0,
        body_limit=lambda path: 1024 * 1024,
        access_log=AccessLog("text", "quiet", sys.stderr),
        on_ready=lambda port: port_file.write_text(str(port)),
        on_stop=lambda: None,
    )


def _constant(folder: Path) -> AbstractContextManager[Running]:
    command = [sys.executable, "-m", "benchmarks.bridge", "--serve-constant", str(folder / "port")]
    return running(CONSTANT, command, folder, environment={"PYTHONPATH": str(ROOT)})


def measure(rounds: int, seconds: int) -> dict[str, dict[str, float]]:
    """Median requests per second by method and server; the servers take turns in every round."""
    found: dict[str, dict[str, list[float]]] = {method: {} for method in _SCRIPTS}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = [
            stack.enter_context(run(folder / str(number)))
            for number, run in enumerate((bare_flask_wsgi, bare_flask, _constant))
        ]
        for method, script in _SCRIPTS.items():
            (folder / method).write_text(script + _DONE)
        for each in range(rounds + 1):
            for method in _SCRIPTS:
                for server in servers:
                    load = put_load(server.url, folder / method, Pressure(seconds=seconds))
                    if not load.clean:
                        raise click.ClickException(f"{server.name}: failed requests: {load}")
                    if each > 0:  # the first round warms up
                        found[method].setdefault(server.name, []).append(load.per_second)
    return {
        method: {name: median(rates) for name, rates in rates_by_name.items()}
        for method, rates_by_name in found.items()
    }


@click.command()
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=3, show_default=True)
@click.option("--serve-constant", "port_file", type=click.Path(path_type=Path), hidden=True)
def main(rounds: int, seconds: int, port_file: Path | None) -> None:
    """Measure the bridge against granian's WSGI."""
    if port_file is not None:
        serve_constant(port_file)
        return
    for method, rates in measure(rounds, seconds).items():
        for name in (BARE_WSGI, BARE, CONSTANT):
            ratio = rates[name] / rates[BARE_WSGI]
            click.echo(f"{method:4}  {name:26}  {rates[name]:9,.0f} requests/s  {ratio:5.2f}")


if __name__ == "__main__":
    main()
