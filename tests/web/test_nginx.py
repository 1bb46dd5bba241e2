"""The documented configuration of nginx, in a real one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urljoin

import httpx
import pytest

from tests.console.pages import PAGES
from tests.importer.tables import PROVIDER
from tests.programs import NGINX
from tests.server import PAGE_TOKEN, PATIENCE_S, Server, subscription
from tests.web import nginx
from tests.web.test_reverse_proxy import FORMS, LINKS, form_token

TOKEN = "the-admin-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
CALL = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("by-nginx", "ios-apns")]}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where nginx has the server."""
    NGINX.path()
    folder = tmp_path_factory.mktemp("nginx")
    server = Server(folder, "--durability", "none", "--trust-proxy", "--admin-token", TOKEN).start()
    try:
        with nginx.before(server, folder) as url:
            yield url
    finally:
        server.kill()


@pytest.fixture
def person(url: str) -> Iterator[httpx.Client]:
    """Somebody with a browser."""
    with httpx.Client(base_url=url, timeout=PATIENCE_S, verify=False) as person:
        yield person


@pytest.mark.parametrize("workspace", ["", "/w/team-a"])
def test_pages_links_forms_and_calls_work_below_nginx(person: httpx.Client, url: str, workspace: str) -> None:
    person.headers.update(BEARER)
    assert person.post(f"{workspace}/push_subscribe", json=CALL).json()["error"] == 0
    found = set()
    for path in PAGES.values():
        page = person.get(f"{workspace}{path}")
        assert page.status_code == 200, path
        found.update(urljoin(str(page.url), unescape(link)) for link in LINKS.findall(page.text))
        for action in FORMS.findall(page.text):
            assert urljoin(str(page.url), unescape(action)).startswith(f"{url}{workspace}/"), action
    assert [link for link in found if not link.startswith(url + "/")] == []
    for link in found:
        if not link.partition("?")[0].endswith("/live"):
            assert person.get(link).status_code == 200, link


def test_a_person_signs_in_through_nginx(person: httpx.Client, url: str) -> None:
    refused = person.get("/__console/overview")
    asked = person.get(urljoin(url, refused.headers["location"]))
    fields = {"form_token": form_token(asked), "token": TOKEN, "then": asked.url.params["then"]}
    origin = {"Origin": url.rpartition("/")[0]}
    signed_in = person.post(asked.url.path.removeprefix("/emulator"), data=fields, headers=origin)
    assert signed_in.headers["location"] == "/emulator/__console/overview"
    assert person.get(urljoin(url, signed_in.headers["location"])).status_code == 200
    assert {cookie.path for cookie in person.cookies.jar} == {"/emulator"}


def test_nginx_does_not_hold_the_live_stream_back(person: httpx.Client, url: str) -> None:
    with person.stream("GET", "/w/live/__console/live", headers=BEARER) as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": watching"
        httpx.post(f"{url}/w/live/push_subscribe", json=CALL, verify=False)
        news = next(line for line in lines if line.startswith("data: "))
    assert "/emulator/w/live/__console/requests/1" in news


def test_a_large_file_is_imported_through_nginx(person: httpx.Client) -> None:
    table = b"token\n" + b"".join(b"a:%d\n" % number for number in range(200_000))
    assert len(table) > 1 << 20
    plan = {"resource": 5, "provider": PROVIDER, "match": "push", "token_column": "token", "dry_run": True}
    sent = person.post(
        "/__admin/import", files={"file": ("t.csv", table)}, data={"plan": json.dumps(plan)}, headers=BEARER
    )
    assert sent.status_code == 202
    assert re.fullmatch("/emulator/__admin/imports/[0-9a-f]+", sent.headers["location"])
