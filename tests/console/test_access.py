"""Who may use the console, and what its pages may do: over plain HTTP, as an attacker would."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from tests.console.pages import PAGES, Console
from tests.server import Reply, Server

TOKEN = "the-admin-token"


@pytest.fixture
def guarded(start_server: Callable[..., Server]) -> Server:
    """A server that wants an admin token."""
    return start_server("--admin-token", TOKEN, "--durability", "none")


def form(server: Server, page: str, action: str, **fields: str) -> Reply:
    """Send a form as a browser does that has loaded ``page``."""
    loaded = server.get(page)
    [cookie] = re.findall(r"emulator_form_\d+=[^;]+", loaded.headers["set-cookie"])
    [field] = re.findall(r'name="form_token" value="([^"]+)"', loaded.body.decode())[:1]
    return post(server, action, {"form_token": field, **fields}, cookie)


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
    forged = {"form_token": "guess"}
    assert post(shared, "/__console/overview/reset", forged, "emulator_form_1=guess").status == 403
    cookie = f"emulator_form_{shared.port}=guess"
    assert post(shared, "/__console/overview/reset", forged, cookie).status == 403
    assert form(shared, "/__console/overview", "/__console/overview/reset").status == 303


def test_a_form_of_another_site_is_refused(shared: Server) -> None:
    loaded = shared.get("/__console/overview")
    cookie = loaded.headers["set-cookie"].partition(";")[0]
    fields = {"form_token": cookie.partition("=")[2]}
    for origin in ("http://evil.example", "null", f"https://127.0.0.1:{shared.port + 1}"):
        answer = post(shared, "/__console/overview/reset", fields, cookie, Origin=origin)
        assert answer.status == 403, origin
    own = f"http://127.0.0.1:{shared.port}"
    assert post(shared, "/__console/overview/reset", fields, cookie, Origin=own).status == 303


def test_a_name_that_somebody_else_points_here_is_refused(shared: Server) -> None:
    answer = shared.get("/", Host="evil.example")

    assert answer.status == 403
    assert "is not this server" in answer.body.decode()


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(guarded: Server) -> None:
    answer = form(guarded, "/__console/sign-in", "/__console/sign-in", token=TOKEN)

    assert f"emulator_console_{guarded.port}=" in answer.headers["set-cookie"]
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=Strict" in answer.headers["set-cookie"]
    assert TOKEN not in answer.headers["set-cookie"]


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
    assert "That is not the admin token" in page.inner_text("[role=alert]")
    console.allow_complaint("403")
    page.fill("[name=token]", TOKEN)
    page.keyboard.press("Enter")
    page.wait_for_selector("h1 >> text=Faults")

    page.click("nav.pages >> text=Live")
    page.wait_for_selector("#live-state.on")
    page.click("text=Sign out")
    console.go("overview")
    assert page.inner_text("h1") == "Sign in"


def test_what_does_not_exist_says_so(shared: Server) -> None:
    answer = shared.get("/__console/no-such-page")

    assert answer.status == 404
    assert "/__console/no-such-page not found" in answer.body.decode()
