"""The console and the contract's page in a browser, below a path of a reverse proxy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.console.pages import Console
from tests.server import PAGE_TOKEN, Server, subscription
from tests.web.reverse_proxy import ThroughProxy, proxied


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[ThroughProxy]:
    server = Server(tmp_path, "--durability", "none", "--trust-proxy").start()
    with proxied(server) as proxy:
        yield proxy
    server.kill()


def test_a_browser_works_below_the_path_and_asks_for_nothing_outside(
    open_console: Callable[..., Console], proxy: ThroughProxy
) -> None:
    console = open_console(server=proxy)
    page = console.go("live")
    page.wait_for_selector(".live-state.on")
    call = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("by-browser", "ios-apns")]}
    httpx.post(f"{proxy.url}{console.prefix}/push_subscribe", json=call, verify=False)
    page.click(".row")
    page.click("form[action$=replay] button")
    page.wait_for_url(f"{proxy.url}{console.prefix}/__console/requests/2")
    for number in range(page.locator("nav.pages a").count()):
        page.click(f"nav.pages a >> nth={number}")
        assert page.url.startswith(f"{proxy.url}{console.prefix}/")
    console.go("/__admin/docs/")
    page.wait_for_selector("text=Add and change push subscriptions")
    assert "/__admin/requests/verify" in page.inner_text("body")
    page.click("#operations-health-list_rules")
    page.click("#operations-health-list_rules .try-out button")
    page.click("#operations-health-list_rules .execute")
    shown = page.inner_text("#operations-health-list_rules .request-url")

    assert shown.split()[-1] == f"{proxy.url}{console.prefix}/__admin/rules"
    assert proxy.strays == []
