"""The Overview: counts, the chart, the journal, policies, the clock, workspaces; and the Rules page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.rules.catalogue import RULES
from tests.console.pages import Console
from tests.console.scene import REQUESTS, send_requests
from tests.server import subscription


def test_it_counts_and_draws_what_happened(console: Console) -> None:
    send_requests(console.server, console.prefix)
    page = console.go("overview")

    figures = [text.split("\n")[0] for text in page.locator(".figures li").all_inner_texts()]
    assert figures == ["11", "20", str(len(REQUESTS)), "0"]
    assert page.locator("svg.chart rect").count() >= 5
    table = page.locator("[aria-labelledby=h-chart] table tbody td").all_text_contents()
    assert sum(int(cell) for cell in table) == len(REQUESTS)
    assert "ios-apns" in page.locator(".databases .card").first.inner_text()


def test_policies_are_explained_and_changed(open_console: Callable[..., Console]) -> None:
    console = open_console(language="ru")
    page = console.go("overview")
    assert "Политики" in console.text()
    page.check("[name=duplicate_token][value=move]")
    page.check("[name=strict]")
    page.uncheck("[name=L3]")
    page.click("[aria-labelledby=h-policies] button")

    settings = console.admin("/settings")
    assert settings["policies"]["duplicate_token"] == "move"
    assert settings["strict"] is True
    assert settings["lints"]["L3"] == "off"
    assert settings["lints"]["L1"] == "report"
    assert page.is_checked("[name=duplicate_token][value=move]")


def test_the_clock_is_frozen_moved_and_let_go(console: Console) -> None:
    page = console.go("overview")
    page.fill("[name=now]", "2027-01-31T12:00:00Z")
    page.click('text="Freeze"')
    assert console.admin("/clock") == {"now": "2027-01-31T12:00:00.000Z", "frozen": True, "offset_ms": 0}
    page.fill("[name=advance]", "1d2h")
    page.click('text="Shift"')
    assert "2027-02-01 14:00:00" in console.text()
    assert "frozen" in console.text()
    page.fill("[name=advance]", "tomorrow")
    page.click('text="Shift"')
    assert "must be a duration" in page.inner_text("#said-advance")
    console.allow_complaint("400")
    console.go("overview")
    page.click("text=Return to real time")
    assert "real time" in page.inner_text("[aria-labelledby=h-clock] .chip")


def test_a_reset_goes_back_to_the_fixtures_and_keeps_what_is_wanted(console: Console) -> None:
    send_requests(console.server, console.prefix)
    page = console.go("overview")
    page.check("[aria-labelledby=h-reset] [name=requests]")
    page.click("text=Reset this workspace")

    assert page.locator(".figures li b").first.inner_text() == "10"
    assert console.admin("/requests")["total"] == len(REQUESTS)


def test_workspaces_are_made_visited_and_deleted(console: Console) -> None:
    page = console.go("overview")
    page.fill("[aria-labelledby=workspaces] [name=name]:visible", "made-by-hand")
    page.click('text="Create"')
    assert page.url.endswith("/w/made-by-hand/__console/overview")
    page.click("nav.pages >> text=Live")
    console.server.post("/w/made-by-hand/push_subscribe", {"resource_token": "x", "subscriptions": []})
    page.wait_for_selector(".row")

    page.click(".workspace")
    page.click("[aria-label='Delete made-by-hand']")
    assert page.url.endswith("/__console/overview")
    assert "/w/" not in page.url
    assert "made-by-hand" not in [one["name"] for one in console.admin("/workspaces")["items"]]


@pytest.mark.parametrize(("language", "grade"), [("en", "documented:"), ("ru", "описано в документации:")])
def test_the_rules_are_listed_with_grade_text_and_how_often_they_decided(
    open_console: Callable[..., Console], language: str, grade: str
) -> None:
    console = open_console(language=language)
    for number in range(3):
        console.push(subscription(f"token-{number}"))
    page = console.go("rules")

    assert page.locator("tr[id]").evaluate_all("rows => rows.map(row => row.id)") == list(RULES)
    assert grade in console.text()
    assert page.inner_text("#S1 .num") == "3"
    assert page.inner_text("#S4 .num") == "0"
    page.click("#S1 .num a")
    assert console.find(".row").count() == 3


def test_platform_and_texts_are_set_on_the_rules_page(open_console: Callable[..., Console]) -> None:
    console = open_console(language="ru")
    page = console.go("rules")
    page.fill(
        "[name=platform]",
        '{"host": "api.example.com", "date": "2026-11-27", "agrees": ["M9"],'
        ' "policies": {"unchanged_database": "nothing"}}',
    )
    page.click("[aria-labelledby=h-platform] button")
    assert page.locator("#M9 .g-V").count() == 1
    assert "Платформа: unchanged_database: nothing" in page.locator("#S7").inner_text()
    assert page.locator("#S7 .g-D").count() == 1
    page.check("[name=trust_platform]")
    page.click("[aria-labelledby=h-platform] button")
    assert page.locator("#S7 .g-V").count() == 1
    page.fill("[name=answers]", '{"B4": {"error_text": "своё"}}')
    page.click("[aria-labelledby=h-answers] button")
    assert console.admin("/settings")["answers"] == {"B4": {"error_text": "своё"}}
    page.fill("[name=answers]", "")
    page.click("[aria-labelledby=h-answers] button")
    assert console.admin("/settings")["answers"] == {}
