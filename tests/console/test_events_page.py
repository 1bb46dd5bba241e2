"""The Events page: what the SDKs report, as it comes, with filters."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.console.pages import Console
from tests.console.scene import report_events

HOSTILE = "<img src=x onerror=alert(1)>"


def test_events_appear_live_and_only_those_that_the_filters_mean(console: Console) -> None:
    everything, purchases = console.page, console.new_page()
    address = f"{console.server.url}{console.prefix}/__console/events"
    everything.goto(address)
    assert "No events yet" in console.text()
    purchases.goto(address + "?name=PURCHASE")
    for page in (everything, purchases):
        page.wait_for_selector("#live-state.on")

    report_events(console.server, console.prefix)
    for page, kinds in ((everything, ["mobile event", "opened", "delivered"]), (purchases, ["mobile event"])):
        page.wait_for_selector(f"#rows > li:nth-child({len(kinds)}) >> text={kinds[-1]}")
        assert page.locator("#rows .chip").all_inner_texts() == kinds
    row = everything.inner_text("#rows > li >> nth=0")
    assert all(
        text in row for text in ("purchase", "winter-sale-7", '"sum":1490.5', "66a1c0de0000000000000003")
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 4),
        ("kind=open", 1),
        ("name=purchase", 2),
        ("smid=Winter-Sale-7&kind=mobile_event", 2),
        ("profile_id=66a1c0de0000000000000003", 2),
        ("q=A-1 чай", 1),
        ("name=login", 0),
    ],
)
def test_each_filter_finds_its_events(console: Console, query: str, found: int) -> None:
    report_events(console.server, console.prefix, number=2)
    console.go(f"/__console/events?{query}")
    assert console.find("#rows > li").count() == found
    assert ("Found:" in console.text()) == bool(query)


def test_the_form_filters_and_an_impossible_value_is_said(console: Console) -> None:
    report_events(console.server, console.prefix)
    page = console.go("events")
    page.select_option("[name=kind]", "delivery")
    page.click(".filters button")
    assert page.input_value("[name=kind]") == "delivery"
    assert console.find("#rows > li").count() == 1
    console.go("/__console/events?kind=opened&lang=ru")
    assert "никогда не встречается" in page.inner_text("[role=alert]")
    console.allow_complaint("400")


def test_a_row_opens_the_whole_event_with_its_profile_and_request(console: Console) -> None:
    report_events(console.server, console.prefix)
    page = console.go("events")
    page.press("body", "j")
    page.keyboard.press("Enter")
    purchase = console.find("#rows > li").first
    assert '"goods"' in purchase.locator("pre").inner_text()
    assert "launch_id" not in purchase.inner_text()
    purchase.get_by_text("Profile", exact=True).click()
    assert "66a1c0de0000000000000003" in page.inner_text("h1, .facts >> nth=0")
    console.go("events")
    page.click("#rows >> text=opened")
    page.click("details[open] a >> text=Request")
    assert "/event/push/open" in console.find(".row").inner_text()


def test_older_events_are_a_page_away_and_all_can_be_deleted(console: Console) -> None:
    report_events(console.server, console.prefix, number=50)
    page = console.go("events")
    assert console.find("#rows > li").count() == 50
    page.click("text=Older events")
    assert console.find("#rows > li").count() == 2
    page.click("text=Clear")
    assert "All events are deleted." in console.text()
    assert console.admin("/events")["total"] == 0


def test_it_speaks_russian_and_a_hostile_name_is_only_text(open_console: Callable[..., Console]) -> None:
    console = open_console(language="ru")
    page = console.go("events")
    page.wait_for_selector("#live-state.on")
    body = {"time": 1782900000, "smid": HOSTILE}
    console.server.post(
        f"{console.prefix}/event/push/open", body, Authorization="Bearer rtoken@mobile-role-token"
    )
    page.wait_for_selector("#rows > li")
    assert page.inner_text("h1") == "События"
    assert "открыто" in page.inner_text("#rows")
    assert HOSTILE in page.inner_text("#rows")
    assert page.locator("main img").count() == 0
