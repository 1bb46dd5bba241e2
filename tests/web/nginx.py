"""The nginx that is on this machine, with the configuration that ``docs/operations.md`` gives."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.programs import NGINX
from tests.server import ROOT, Server
from tests.waiting import until

_AROUND = """\
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        {documented}
    }}
}}
"""


@contextmanager
def before(behind: Server, folder: Path) -> Iterator[str]:
    """An nginx before this server, as documented: the URL of its path, without a slash at the end."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (documented,) = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)
    assert documented.count("127.0.0.1:8080") == 1
    documented = documented.replace("127.0.0.1:8080", f"127.0.0.1:{behind.port}")
    path = re.findall(r"location (/\S+)/ ", documented)[0]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = folder / "nginx.conf"
    settings.write_text(_AROUND.format(folder=folder, port=port, documented=documented))
    process = subprocess.Popen(
        [NGINX.path(), "-p", str(folder), "-c", str(settings), "-e", str(folder / "error.log")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(
            lambda: process.poll() is not None or _listens(port),
            otherwise=lambda: (folder / "error.log").read_text(),
        )
        assert process.poll() is None, (folder / "error.log").read_text()
        yield f"http://127.0.0.1:{port}{path}"
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
