"""The check for known vulnerabilities: what it asks about, and what may fail it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version

import pytest

from tests.project.audit import audit, judge, needed

FLAW = {
    "id": "GHSA-xxxx",
    "summary": "a flaw",
    "affected": [
        {
            "package": {"name": "jinja2", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99"}]}],
        }
    ],
}


@contextmanager
def service(flawed: str | None, status: int = 200) -> Iterator[str]:
    """A service on this machine that knows a flaw of one package; its URL."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = {"vulns": [FLAW]} if asked["package"]["name"] == flawed else {}
            content = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


@pytest.fixture
def ask(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options that have pip-audit ask a service of the test's, and remember nothing."""
    pytest.importorskip("pip_audit")
    return [
        "--cache-dir",
        str(tmp_path_factory.mktemp("cache")),
        "--vulnerability-service",
        "osv",
        "--osv-url",
    ]


def test_it_asks_about_what_the_package_needs_and_what_that_needs() -> None:
    found = needed()
    assert found["flask"] == version("flask")
    assert "jinja2" in found, "Flask needs it"
    assert not {"pytest", "pip-audit", "trustme"} & set(found), "nobody needs these to run it"


def test_a_known_vulnerability_fails_it(ask: list[str]) -> None:
    with service("jinja2") as url:
        verdict = audit(*ask, url, patience_s=60)
    assert verdict == (True, f"jinja2 {version('jinja2')}: GHSA-xxxx, mended in 99")


def test_no_known_vulnerability_passes(ask: list[str]) -> None:
    with service(None) as url:
        verdict = audit(*ask, url, patience_s=60)
    assert verdict == (False, f"No known vulnerability in {len(needed())} packages.")


def test_a_service_that_is_not_there_is_a_loud_skip(ask: list[str]) -> None:
    verdict = audit(*ask, "http://127.0.0.1:9/v1/query", patience_s=60)
    assert not verdict.failed
    assert verdict.text.startswith("SKIPPED: nothing was asked")


def test_a_service_in_trouble_is_a_loud_skip(ask: list[str]) -> None:
    with service("jinja2", status=503) as url:
        verdict = audit(*ask, url, patience_s=60)
    assert not verdict.failed
    assert verdict.text.startswith("SKIPPED: nothing was asked")


def test_a_service_that_knows_no_package_is_a_loud_skip() -> None:
    said = {"dependencies": [{"name": name, "skip_reason": "not found"} for name in ("a", "b")]}
    assert judge(json.dumps(said), "No known vulnerabilities found") == (
        False,
        "SKIPPED: nothing was asked about known vulnerabilities: the service knows none of the 2 packages",
    )


def test_a_package_that_the_service_does_not_know_is_named() -> None:
    said = {"dependencies": [{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "no"}]}
    assert judge(json.dumps(said), "") == (
        False,
        "No known vulnerability in 1 packages; the service does not know b.",
    )


@pytest.mark.parametrize(
    ("errors", "why"),
    [
        ("", "it said nothing"),
        ("Traceback\nModuleNotFoundError: pip_audit\n", "ModuleNotFoundError: pip_audit"),
    ],
)
def test_what_is_no_verdict_is_a_loud_skip(errors: str, why: str) -> None:
    assert judge("", errors) == (
        False,
        f"SKIPPED: nothing was asked about known vulnerabilities: {why}",
    )
