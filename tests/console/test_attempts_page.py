"""The list of requests that were repeated."""

from __future__ import annotations

from contextlib import suppress

from tests.console.pages import Console
from tests.server import PAGE_TOKEN, subscription


def send(console: Console, token: str, request_id: str) -> None:
    """One attempt, whose answer may be broken."""
    document = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription(token)]}
    with suppress(Exception):
        console.server.post(f"{console.prefix}/push_subscribe", document, **{"Request-ID": request_id})


def test_repeated_requests_stand_together_with_the_outcome_of_each_attempt(console: Console) -> None:
    console.go("attempts")
    assert "No request was repeated." in console.text()
    for token in ("emu!reset", "emu!503", "arrived"):
        send(console, token, 'заказ "7"'.encode().decode("latin-1"))
    for number in range(12):
        send(console, "the same body", f"new-{number}")
    send(console, "alone", "r-1")

    page = console.go("live")
    page.click(".heading >> text=Attempts")
    rows = page.locator("tbody tr")
    assert rows.count() == 2
    same_body, same_id = rows.nth(0), rows.nth(1)
    assert same_body.locator("td").nth(1).inner_text() == "Body"
    assert same_body.locator("td").nth(2).inner_text() == "12"
    assert same_body.locator(".badge").count() == 8
    assert [one.split()[-1] for one in same_id.locator(".badge").all_inner_texts()] == [
        "fault",
        "fault",
        "added",
    ]

    same_id.get_by_label("Request 2: fault").click()
    assert page.inner_text("h1") == "Request 2"
    page.click("text=Attempts of all requests")
    page.click("tbody tr:nth-child(2) td:nth-child(2) a")
    assert page.locator(".row").count() == 3


def test_many_groups_of_attempts_come_in_pages(console: Console) -> None:
    for number in range(51):
        for _ in range(2):
            send(console, "t", f"order-{number}")
    page = console.go("attempts")
    assert page.locator("tbody tr").count() == 50
    page.click("[rel=next]")
    assert "order-0" in page.inner_text("tbody")
    assert page.locator("tbody tr").count() == 1
    page.click("[rel=prev]")
    assert "order-50" in page.inner_text("tbody")
