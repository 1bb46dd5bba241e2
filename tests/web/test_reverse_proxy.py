"""Below a path of a reverse proxy: every link, form, redirect and cookie stays below it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from push_emulator import EmulatorClient
from tests.console.pages import PAGES
from tests.in_process import InProcess
from tests.server import PAGE_TOKEN, PATIENCE_S, ROOT, Server, subscription
from tests.web.reverse_proxy import PREFIX, ThroughProxy, proxied

TOKEN = "the-admin-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
CALL = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("by-proxy", "ios-apns")]}
LINKS = re.compile(r'(?:href|src|data-stream|data-copy-url)="([^"#]+)[^"]*"')
FORMS = re.compile(r'<form[^>]* action="([^"]+)"')


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThroughProxy]:
    """A proxy before a server that trusts it."""
    folder = tmp_path_factory.mktemp("proxied")
    server = Server(folder, "--durability", "none", "--trust-proxy", "--admin-token", TOKEN).start()
    with proxied(server) as proxy:
        yield proxy
    server.kill()


@pytest.fixture
def person(proxy: ThroughProxy) -> Iterator[httpx.Client]:
    """Somebody with a browser; what leaves the proxy's path fails the test."""
    with httpx.Client(base_url=proxy.url, timeout=PATIENCE_S, verify=False) as person:
        yield person
    strays, proxy.strays[:] = list(proxy.strays), []
    assert strays == []


def form_token(page: httpx.Response) -> str:
    return re.findall(r'name="form_token" value="([^"]+)"', page.text)[0]


@pytest.mark.parametrize("workspace", ["", "/w/team-a"])
def test_every_link_of_every_page_leads_somewhere_below_the_path(
    person: httpx.Client, proxy: ThroughProxy, workspace: str
) -> None:
    person.headers.update(BEARER)
    assert person.post(f"{workspace}/push_subscribe", json=CALL).json()["error"] == 0
    newest = person.get(f"{workspace}/__admin/requests").json()["items"][0]["id"]
    pages = [f"{workspace}{path}" for path in (*PAGES.values(), f"/__console/requests/{newest}")]
    found = set()
    for path in pages:
        page = person.get(path)
        assert page.status_code == 200, path
        links = [urljoin(str(page.url), unescape(link)) for link in LINKS.findall(page.text)]
        found.update(links)
        for action in FORMS.findall(page.text):
            assert urljoin(str(page.url), unescape(action)).startswith(f"{proxy.url}{workspace}/"), action
    assert len(found) > 60
    assert [link for link in found if not link.startswith(proxy.url + "/")] == []
    streams = {link for link in found if link.partition("?")[0].endswith("/live")}
    for link in found - streams if workspace else ():  # the same pages: followed once
        assert person.get(link).status_code == 200, link


def test_the_sign_in_and_its_cookies_stay_below_the_path(person: httpx.Client, proxy: ThroughProxy) -> None:
    refused = person.get("/w/team-a/__console/overview?lang=ru")
    asked = person.get(urljoin(proxy.url, refused.headers["location"]))
    fields = {"form_token": form_token(asked), "token": TOKEN, "then": asked.url.params["then"]}
    origin = {"Origin": proxy.url.removesuffix(PREFIX)}
    signed_in = person.post(asked.url.path.removeprefix(PREFIX), data=fields, headers=origin)

    assert signed_in.headers["location"] == f"{PREFIX}/w/team-a/__console/overview?lang=ru"
    overview = person.get(urljoin(proxy.url, signed_in.headers["location"]))
    assert overview.status_code == 200
    assert {cookie.path for cookie in person.cookies.jar} == {PREFIX}
    assert {cookie.name for cookie in person.cookies.jar} > {"emulator_language"}
    fields = {"form_token": form_token(overview), "name": "team-b"}
    made = person.post("/__console/overview/workspaces", data=fields, headers=origin)
    assert made.headers["location"] == f"{PREFIX}/w/team-b/__console/overview"
    gone = person.post("/__console/sign-out", data={"form_token": form_token(overview)}, headers=origin)
    assert gone.headers["location"] == f"{PREFIX}/__console/sign-in"


def test_copied_commands_call_through_the_proxy(person: httpx.Client, proxy: ThroughProxy) -> None:
    person.headers.update(BEARER)
    person.post("/w/curl/push_subscribe", json=CALL)
    newest = person.get("/w/curl/__admin/requests").json()["items"][0]["id"]

    for path in (f"/__console/requests/{newest}/curl.txt", "/__console/first-call.txt"):
        words = shlex.split(person.get(f"/w/curl{path}").text.replace("\\\n", " "))
        assert f"{proxy.url}/w/curl/push_subscribe" in words


def test_links_are_https_where_the_proxy_speaks_it(person: httpx.Client, proxy: ThroughProxy) -> None:
    proxy.scheme = "https"
    try:
        command = person.get("/__console/first-call.txt", headers=BEARER).text
        asked = person.get("/__console/sign-in?lang=ru")
    finally:
        proxy.scheme = "http"
    assert proxy.url.replace("http:", "https:") + "/push_subscribe" in command
    assert all("Secure" in cookie for cookie in asked.headers.get_list("set-cookie"))


def test_the_live_stream_is_not_held_back(person: httpx.Client, proxy: ThroughProxy) -> None:
    """The proxy passes on at once only what says ``X-Accel-Buffering: no``."""
    with person.stream("GET", "/w/live/__console/live", headers=BEARER) as stream:
        assert stream.headers["cache-control"] == "no-cache, no-transform"
        lines = stream.iter_lines()
        assert next(lines) == ": watching"
        httpx.post(f"{proxy.url}/w/live/push_subscribe", json=CALL, verify=False)
        news = next(line for line in lines if line.startswith("data: "))
    assert f"{PREFIX}/w/live/__console/requests/1" in news


@pytest.mark.parametrize("workspace", ["", "/w/team-a"])
def test_the_contract_names_the_path_and_its_page_loads(person: httpx.Client, workspace: str) -> None:
    document = person.get(f"{workspace}/__admin/openapi.json").json()
    assert document["servers"] == [{"url": PREFIX + workspace}]
    lead = person.get(f"{workspace}/__admin/docs").headers["location"]
    assert lead == f"{PREFIX}{workspace}/__admin/docs/"
    page = person.get(lead.removeprefix(PREFIX))
    for name in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert person.get(urljoin(str(page.url), name)).status_code == 200


def test_the_client_and_the_command_line_work_through_the_proxy(
    person: httpx.Client, proxy: ThroughProxy, tmp_path: Path
) -> None:
    with EmulatorClient(proxy.url, "by-client", TOKEN) as client:
        assert client.push(PAGE_TOKEN, CALL["subscriptions"]).ok
        assert client.health().profiles > 0
    options = ["--url", proxy.url, "--out", str(tmp_path / "all.json"), "--admin-token", TOKEN]
    command = [sys.executable, str(ROOT / "run.py"), "export", *options]
    exported = subprocess.run(command, capture_output=True, timeout=PATIENCE_S)
    assert exported.returncode == 0, exported.stderr


def test_wrong_tokens_are_counted_for_the_client_behind_the_proxy() -> None:
    with InProcess(admin_token=TOKEN, trust_proxy=True) as app:
        for forwarded, status in [("192.0.2.1", 403)] * 10 + [("192.0.2.1", 429), ("192.0.2.2", 403)]:
            page = app.client.get("/__console/sign-in")
            token = re.findall(r'name="form_token" value="([^"]+)"', page.get_data(as_text=True))[0]
            answer = app.client.post(
                "/__console/sign-in",
                data={"form_token": token, "token": "wrong"},
                headers={"X-Forwarded-For": forwarded},
            )
            assert answer.status_code == status


@pytest.mark.parametrize("prefix", ["/tools", "tools/", "//tools//", "/other, /tools"])
def test_a_prefix_is_read_in_any_spelling(prefix: str) -> None:
    with InProcess(trust_proxy=True) as app:
        page = app.client.get("/w/x/__console/rules", headers={"X-Forwarded-Prefix": prefix})
        assert 'href="/tools/w/x/__console/faults"' in page.get_data(as_text=True)


@pytest.mark.parametrize("prefix", ["/\\evil.example", "/a?b", "/a#b", '/a"b', "/<script>", "/a b"])
def test_a_prefix_that_is_no_path_is_not_believed(prefix: str) -> None:
    with InProcess(trust_proxy=True) as app:
        page = app.client.get("/__console/rules", headers={"X-Forwarded-Prefix": prefix})
        assert 'href="/__console/faults"' in page.get_data(as_text=True)


def test_without_the_option_nobody_is_believed() -> None:
    forged = {
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
    }
    with InProcess() as app:
        page = app.client.get("/__console/first-call.txt", headers=forged).get_data(as_text=True)
        assert "http://localhost/push_subscribe" in page
        assert "evil" not in app.client.get("/", headers=forged).get_data(as_text=True)
        refused = app.client.get("/__admin/rules", headers={**forged, "Origin": "https://evil.example"})
        assert refused.status_code == 403
        assert "start with --trust-proxy" in refused.get_json()["error_text"]


def test_a_page_of_another_name_cannot_pass_for_the_proxy() -> None:
    """DNS rebinding: its script can add headers to a request, but not change Host."""
    with InProcess(trust_proxy=True) as app:
        for came, forwarded, status in (
            ("evil.example", "localhost", 403),
            ("localhost", "evil.example", 403),
            ("127.0.0.1:8080", "localhost", 200),
        ):
            headers = {"Host": came, "X-Forwarded-Host": forwarded}
            assert app.client.get("/__admin/rules", headers=headers).status_code == status
