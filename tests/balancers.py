"""Real HAProxy and nginx with the files of ``docs/proxies``, before emulators on free ports."""

from __future__ import annotations

import re
import secrets
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.programs import HAPROXY, NGINX
from tests.server import PATIENCE_S, ROOT
from tests.waiting import until

FILES = ROOT / "docs" / "proxies"
_NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {documented}
}}
"""


@contextmanager
def before(file: str, ports: Sequence[int], folder: Path) -> Iterator[int]:
    """The proxy that a file of ``docs/proxies`` configures, before emulators at these ports; its own port.

    ``emulator-1:8080`` is the first of them, and so on; further ones are added to the file of one state.
    """
    own = free_port()
    with running(file.rpartition(".")[0].rpartition(".")[2], _settled(file, ports, own), own, folder):
        yield own


@contextmanager
def running(kind: str, documented: str, port: int, folder: Path) -> Iterator[None]:
    """An ``haproxy``, or an ``nginx`` with this in its context http, that listens at the port."""
    settings, log = folder / f"{kind}-{port}.conf", folder / f"{kind}.log"
    log.touch()
    if kind == "nginx":
        command = [NGINX.path(), "-p", str(folder), "-c", str(settings), "-e", str(log)]
        documented = _NGINX.format(folder=folder, documented=documented)
    else:
        command = [HAPROXY.path(), "-db", "-f", str(settings)]
    settings.write_text(documented, encoding="utf-8")
    with log.open("a") as written:
        process = subprocess.Popen(command, stdout=written, stderr=written)
    try:
        until(lambda: process.poll() is not None or _listens(port), otherwise=log.read_text)
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.kill()
        process.wait(PATIENCE_S)


def free_port() -> int:
    """A port of 127.0.0.1 where nobody listens just now, and that no connection gets by itself."""
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _settled(file: str, ports: Sequence[int], own: int) -> str:
    """The file with real addresses in the place of those that stand for them."""
    text = (FILES / file).read_text(encoding="utf-8")
    text, binds = re.subn(r"(bind |listen )(?:\*?:)?8080", rf"\g<1>127.0.0.1:{own}", text)
    assert binds == 1
    there = max(map(int, re.findall(r"emulator-(\d+):8080", text)))
    more = [f"    server emulator-{n} emulator-{n}:8080\n" for n in range(there + 1, len(ports) + 1)]
    text += "".join(more)
    return re.sub(r"emulator-(\d+):8080", lambda found: f"127.0.0.1:{ports[int(found[1]) - 1]}", text)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
