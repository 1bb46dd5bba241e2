"""The snippets of docs/clients.md, run as they stand there against a server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.programs import CHROMIUM
from tests.server import PATIENCE_S, ROOT, Server

PAGE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")


def _snippet(language: str, server: Server) -> str:
    """The page's only snippet in a language, with the server's address."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.S | re.M)
    text = str(found).replace("http://127.0.0.1:8080", server.url)
    secure = f"https://127.0.0.1:{server.port}"
    return text.replace("https://127.0.0.1:8080", secure).replace(".emulator/", f"{server.state}/")


def _run(*command: str, **environment: str) -> str:
    done = subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        timeout=2 * PATIENCE_S,
        check=False,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _check(server: Server, printed: str, token: str) -> Any:
    """The snippet printed the answer, and the journal has its request; the journal's entry."""
    answer = json.loads(printed)
    assert (answer["error"], answer["data"][0]["subscription_id"]) == (0, token)
    (entry,) = server.get(f"/__admin/requests?subscription_id={token}").json["items"]
    return entry


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_curl(fresh: Server) -> None:
    _check(fresh, _run("sh", "-c", _snippet("sh", fresh)), "token-of-curl")


def test_python(fresh: Server) -> None:
    _check(fresh, _run(sys.executable, "-c", _snippet("python", fresh)), "token-of-python")


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not here")
def test_node(fresh: Server) -> None:
    printed = _run("node", "--input-type=module", "--eval", _snippet("js", fresh))
    _check(fresh, printed, "token-of-node")


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that speaks HTTPS."""
    server = Server(tmp_path_factory.mktemp("secure"), "--tls-self-signed").start()
    yield server
    server.kill()


@pytest.mark.parametrize(
    ("language", "command"),
    [
        ("bash", ("sh", "-c")),
        ("py", (sys.executable, "-c")),
        ("mjs", ("node", "--input-type=module", "--eval")),
    ],
)
def test_https(secure: Server, language: str, command: tuple[str, ...]) -> None:
    program = "curl" if language == "bash" else command[0]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not here")
    authority = str(secure.state / "tls" / "ca.pem")
    printed = _run(*command, _snippet(language, secure), NODE_EXTRA_CA_CERTS=authority)
    assert json.loads(printed)["data"][0]["subscription_id"].startswith("secret-token-of-")


def test_Q4_page_of_another_origin_in_a_browser(fresh: Server, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.html").write_text(_snippet("html", fresh), encoding="utf-8")
    with _site(folder) as origin:
        shown = _run(
            *(CHROMIUM.path(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=10000", "--dump-dom", origin),
        )
    found = re.search(r'<pre id="answer">(.*?)</pre>', shown, re.S)
    assert found is not None
    entry = _check(fresh, found[1], "token-of-a-page")
    assert entry["headers"]["origin"] == origin
    assert entry["headers"]["sec-fetch-site"] in ("cross-site", "same-site")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_getting_started(fresh: Server) -> None:
    page = (ROOT / "docs" / "getting-started.md").read_text(encoding="utf-8")
    calls = [
        found.replace("http://127.0.0.1:8080", fresh.url)
        for found in re.findall(r"^```sh\n(.*?)^```", page, re.S | re.M)
    ]
    first, taken, fault, journal, *own = calls
    assert json.loads(_run("sh", "-c", first))["error"] == 0
    assert json.loads(_run("sh", "-c", first))["error"] == 200
    assert json.loads(_run("sh", "-c", taken))["data"][0]["description"] == "Duplicate push subscription"
    assert json.loads(_run("sh", "-c", fault))["times"] == 2
    assert [json.loads(_run("sh", "-c", first))["error"] for _ in range(3)] == [503, 503, 200]
    assert json.loads(_run("sh", "-c", journal))["total"] == 6
    answer, there, elsewhere = (json.loads(_run("sh", "-c", one)) for one in own)
    assert answer["data"][0]["profile_id"] == "637f1a284fda7c5c08be62f0"
    assert (there["total"], elsewhere["total"]) == (1, 0)


@contextmanager
def _site(folder: Path) -> Iterator[str]:
    """A web server of another origin; the origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{site.server_port}"
        finally:
            site.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        return
