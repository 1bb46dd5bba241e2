"""Who may use the console, and what its pages may do: over plain HTTP, as an attacker would."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlencode

import pytest

from emulator.web.console.access import SIGN_IN_S, WRONG_TRIES, WRONG_TRIES_S, SignIns
from tests.console.pages import PAGES, Console
from tests.server import PATIENCE_S, Reply, Server, subscription

TOKEN = "the-admin-token"
GUARDED = ("--admin-token", TOKEN, "--durability", "none")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that wants an admin token."""
    server = Server(tmp_path_factory.mktemp("guarded"), *GUARDED).start()
    yield server
    server.kill()


def form(server: Server, page: str, action: str, **fields: str) -> Reply:
    """Send a form as a browser does that has loaded ``page``."""
    token, cookie = load(server, page)
    return post(server, action, {"form_token": token, **fields}, cookie)


def load(server: Server, page: str, cookie: str = "") -> tuple[str, str]:
    """The token of a page's forms, and the cookie that goes with it."""
    loaded = server.get(page, Cookie=cookie)
    token = re.findall(r'name="form_token" value="([^"]+)"', loaded.body.decode())[0]
    return token, session_cookie(loaded) or cookie


def session_cookie(answer: Reply) -> str:
    """The session's cookie that an answer sets."""
    return "".join(re.findall(r"emulator_console_\d+=[^;]+", answer.headers.get("set-cookie", "")))


def signed_in(server: Server) -> str:
    """The cookie of a person who has signed in."""
    return session_cookie(form(server, "/__console/sign-in", "/__console/sign-in", token=TOKEN))


def post(server: Server, action: str, fields: dict[str, str], cookie: str = "", **headers: str) -> Reply:
    """Send a form's fields."""
    sent = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie, **headers}
    return server.request("POST", action, urlencode(fields).encode(), sent)


def test_no_page_lets_anything_run_that_is_written_into_it(shared: Server) -> None:
    for path in PAGES.values():
        answer = shared.get(path)
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy, path
        assert "unsafe" not in policy, path
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        page = answer.body.decode()
        assert re.findall(r"<script(?! src=\"/)", page) == [], path
        assert re.findall(r"\son\w+=|\sstyle=|<style", page) == [], path
        assert re.findall(r"(?:src|href|action)=\"(?!/|\?|#)", page) == [], path


def test_a_form_without_its_token_is_refused(shared: Server) -> None:
    assert post(shared, "/__console/overview/reset", {}).status == 403
    token, cookie = load(shared, "/__console/overview")
    another_token, _ = load(shared, "/__console/overview")
    for forged in ("", "guess", another_token, token[:-1]):
        answer = post(shared, "/__console/overview/reset", {"form_token": forged}, cookie)
        assert answer.status == 403
        assert "this form is not from this console, or too old: load its page again" in answer.body.decode()
    for other in ("", f"emulator_console_{shared.port}=guess", cookie.replace(str(shared.port), "1")):
        assert post(shared, "/__console/overview/reset", {"form_token": token}, other).status == 403
    assert form(shared, "/__console/overview", "/__console/overview/reset").status == 303


def test_a_form_of_another_site_is_refused(shared: Server) -> None:
    token, cookie = load(shared, "/__console/overview")
    fields = {"form_token": token}
    for origin in ("http://evil.example", "null", f"https://127.0.0.1:{shared.port + 1}"):
        answer = post(shared, "/__console/overview/reset", fields, cookie, Origin=origin)
        assert answer.status == 403, origin
    own = f"http://127.0.0.1:{shared.port}"
    assert post(shared, "/__console/overview/reset", fields, cookie, Origin=own).status == 303


def test_a_name_that_somebody_else_points_here_is_refused(shared: Server) -> None:
    answer = shared.get("/", Host="evil.example")

    assert answer.status == 403
    assert "is not this server: to allow it, start with --allow-host evil.example" in answer.body.decode()
    in_russian = shared.get("/?lang=ru", Host="evil.example").body.decode()
    assert "чтобы разрешить его, запустите сервер с --allow-host evil.example" in in_russian


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(guarded: Server) -> None:
    answer = form(guarded, "/__console/sign-in", "/__console/sign-in", token=TOKEN)

    assert session_cookie(answer)
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=Lax" in answer.headers["set-cookie"]
    assert TOKEN not in answer.headers["set-cookie"]


def test_forms_of_open_tabs_live_on_when_a_link_of_another_site_leads_here(console: Console) -> None:
    console.go("overview")
    other = console.new_page()
    link = f'<a href="{console.server.url}{console.prefix}/__console/faults">look</a>'
    other.route("http://elsewhere.example/", lambda route: route.fulfill(body=link, content_type="text/html"))
    other.goto("http://elsewhere.example/")
    console.allow_complaint("left for http://elsewhere.example/")
    other.click("text=look")
    other.wait_for_selector("h1 >> text=Faults")

    console.page.fill("[name=now]", "2030-01-01T00:00:00Z")
    with console.page.expect_navigation():
        console.page.press("[name=now]", "Enter")

    assert console.admin("/clock")["now"].startswith("2030-01-01T00:00:00")


def test_cookies_are_for_https_alone_where_the_page_came_by_https(
    start_server: Callable[..., Server], guarded: Server
) -> None:
    context = ssl._create_unverified_context()  # what the certificate says is another test's
    server = start_server(*GUARDED, "--tls-self-signed")

    def cookies(method: str, path: str, cookie: str = "", **fields: str) -> list[str]:
        connection = HTTPSConnection("127.0.0.1", server.port, timeout=PATIENCE_S, context=context)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
        connection.request(method, path, urlencode(fields), headers)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        tokens.extend(re.findall(r'name="form_token" value="([^"]+)"', body))
        return answer.headers.get_all("Set-Cookie") or []

    tokens: list[str] = []
    set_by_page = cookies("GET", "/__console/sign-in?lang=ru")
    [session] = [one.partition(";")[0] for one in set_by_page if one.startswith("emulator_console_")]
    set_by_sign_in = cookies("POST", "/__console/sign-in", session, form_token=tokens[0], token=TOKEN)
    assert (len(set_by_page), len(set_by_sign_in)) == (2, 1)
    assert all("Secure" in one for one in set_by_page + set_by_sign_in)
    assert "Secure" not in guarded.get("/__console/sign-in?lang=ru").headers["set-cookie"]


def test_a_cookie_is_worth_nothing_after_the_sign_out(guarded: Server) -> None:
    mine, other = signed_in(guarded), signed_in(guarded)
    assert [guarded.get("/", Cookie=one).status for one in (mine, other)] == [200, 200]
    token, cookie = load(guarded, "/__console/overview", mine)
    assert cookie == mine

    answer = post(guarded, "/__console/sign-out", {"form_token": token}, mine)

    assert answer.headers["location"] == "/__console/sign-in"
    assert guarded.get("/", Cookie=session_cookie(answer)).status == 302
    assert [guarded.get("/", Cookie=one).status for one in (mine, other)] == [302, 200]
    reset = "/__console/overview/reset"
    assert post(guarded, reset, {"form_token": token}, mine).status == 401


def test_a_live_page_hears_nothing_after_the_sign_out(guarded: Server) -> None:
    mine = signed_in(guarded)
    connection = HTTPConnection("127.0.0.1", guarded.port, timeout=PATIENCE_S)
    connection.request("GET", "/__console/live", headers={"Cookie": mine})
    stream = connection.getresponse()
    assert stream.readline() == b": watching\n"
    guarded.push(subscriptions=[subscription("before")])
    while b"before" not in stream.readline():
        pass
    token, _ = load(guarded, "/__console/overview", mine)
    assert post(guarded, "/__console/sign-out", {"form_token": token}, mine).status == 303

    guarded.push(subscriptions=[subscription("afterwards")])

    assert b"afterwards" not in stream.read()
    connection.close()


def test_wrong_tokens_are_limited_and_the_answer_says_when_to_try_again(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(*GUARDED)
    token, cookie = load(server, "/__console/sign-in")

    def give(text: str) -> Reply:
        return post(server, "/__console/sign-in", {"form_token": token, "token": text}, cookie)

    assert [give(f"guess {n}").status for n in range(WRONG_TRIES)] == [403] * WRONG_TRIES
    for text in ("guess", TOKEN):
        answer = give(text)
        assert answer.status == 429
        assert 0 < int(answer.headers["retry-after"]) <= WRONG_TRIES_S
        assert not session_cookie(answer)
    assert f"Try again in {answer.headers['retry-after']} s." in answer.body.decode()
    assert server.get("/__admin/requests", Authorization=f"Bearer {TOKEN}").status == 200


def test_wrong_tokens_are_counted_by_address_and_forgotten_after_a_while() -> None:
    now = 1000.0
    sign_ins = SignIns(lambda: now)
    for _ in range(WRONG_TRIES):
        assert sign_ins.wait_s("192.0.2.1") == 0
        sign_ins.note_wrong("192.0.2.1")
    assert sign_ins.wait_s("192.0.2.1") == WRONG_TRIES_S
    assert sign_ins.wait_s("192.0.2.2") == 0
    now += WRONG_TRIES_S
    assert sign_ins.wait_s("192.0.2.1") == 0
    sign_ins.note_wrong("192.0.2.1")
    assert sign_ins.wait_s("192.0.2.1") == 0


def test_a_sign_in_ends_after_a_week() -> None:
    now = 1000.0
    sign_ins = SignIns(lambda: now)
    sign_in = sign_ins.begin()
    now += SIGN_IN_S - 1
    assert sign_ins.is_valid(sign_in)
    now += 1
    assert not sign_ins.is_valid(sign_in)


def test_without_the_admin_token_nothing_is_shown(guarded: Server) -> None:
    for path in (*PAGES.values(), "/__console/live"):
        answer = guarded.get(path)
        assert answer.status == 302, path
        assert answer.headers["location"].startswith("/__console/sign-in?then=")
    assert guarded.get("/", Authorization=f"Bearer {TOKEN}").status == 200
    assert guarded.get("/", Cookie=f"emulator_console_{guarded.port}=aW4.forged").status == 302
    assert form(guarded, "/__console/sign-in", "/__console/overview/reset").status == 401
    assert form(guarded, "/__console/sign-in", "/__console/sign-in", token="wrong").status == 403


@pytest.mark.parametrize(
    "elsewhere",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "/\t/evil.example", "javascript:1"],
)
def test_the_sign_in_leads_nowhere_else(guarded: Server, elsewhere: str) -> None:
    answer = form(guarded, "/__console/sign-in", "/__console/sign-in", token=TOKEN, then=elsewhere)

    assert answer.headers["location"] == "/"


def test_a_person_signs_in_once_and_out(open_console: Callable[..., Console], guarded: Server) -> None:
    console = open_console(server=guarded, workspace="default")
    page = console.go("/__console/faults?lang=en")
    page.fill("[name=token]", "wrong")
    page.keyboard.press("Enter")
    assert "The admin token is wrong" in page.inner_text("[role=alert]")
    console.allow_complaint("403")
    page.fill("[name=token]", TOKEN)
    page.keyboard.press("Enter")
    page.wait_for_selector("h1 >> text=Faults")

    page.click("nav.pages >> text=Live")
    page.wait_for_selector("#live-state.on")
    page.click("text=Sign out")
    console.go("overview")
    assert page.inner_text("h1") == "Sign in"


@pytest.mark.parametrize("path", ["/__console", "/w/team/__console/"])
def test_the_console_s_path_alone_leads_to_its_first_page(shared: Server, path: str) -> None:
    answer = shared.get(path)
    assert (answer.status, answer.headers["location"]) == (303, path.partition("__console")[0])


def test_what_does_not_exist_says_so(shared: Server) -> None:
    answer = shared.get("/__console/no-such-page")

    assert answer.status == 404
    assert "/__console/no-such-page not found" in answer.body.decode()
