"""A request's page: what came, why it was answered so, and what can be done with it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.console.pages import Console
from tests.console.scene import PROFILE, send_requests
from tests.server import PAGE_TOKEN, subscription


@pytest.fixture
def visited(console: Console) -> Console:
    """A console after the scene."""
    send_requests(console.server, console.prefix)
    return console


def test_body_and_answer_stand_side_by_side_with_the_token_hidden(visited: Console) -> None:
    page = visited.go("/__console/requests/4")
    body, answer = (section.bounding_box() for section in page.locator(".pair section").all())
    assert body is not None
    assert answer is not None
    assert body["y"] == answer["y"]
    assert body["x"] < answer["x"]
    assert '"resource_token": "t…"' in page.inner_text("pre[aria-label=Body]")
    assert '"subscription_hash_id"' in page.inner_text("pre[aria-label=Answer]")
    assert page.locator("pre .jk").count() > 10


def test_it_says_why_rule_by_rule(visited: Console) -> None:
    page = visited.go("/__console/requests/4")

    rules = page.locator("#h-why + ol .rule").all_inner_texts()
    assert rules == ["B1", "M1", "M11", "S2", "A1"]
    page.click("#h-why + ol .rule >> nth=3")
    assert page.url.endswith("/__console/rules#S2")


def test_a_hundred_subscriptions_are_one_line_each_at_most(console: Console) -> None:
    console.push(*(subscription(f"many-{number}") for number in range(100)), token="two-databases")
    page = console.go("/__console/requests/1")

    added = page.locator("#h-why + ol > li", has_text="S1")
    assert added.count() == 1
    assert added.locator("summary").inner_text() == "Subscriptions: 100"
    assert page.locator("#h-why + ol").bounding_box()["height"] < 1000
    added.locator("summary").click()
    assert added.locator("li").count() == 100
    assert added.locator("li").nth(57).inner_text() == "[57] android-firebase many-57"
    assert added.locator(".chip").all_inner_texts() == ["database 34", "database 2"]


def test_it_shows_the_state_before_and_after(visited: Console) -> None:
    page = visited.go("/__console/requests/10")
    row = page.locator("#h-state + div tbody tr")
    assert "● subscribed" in row.locator("td").nth(1).inner_text()
    assert "○ unsubscribed" in row.locator("td").nth(2).inner_text()
    visited.go("/__console/requests/9")
    assert "did not exist" in row.first.inner_text()
    visited.go("/__console/requests/2")
    assert "The request changed nothing." in visited.text()


def test_lints_come_with_what_to_do(visited: Console) -> None:
    visited.go("/__console/requests/9")

    lints = visited.find("#h-lints + ul").inner_text()
    assert 'did you mean "field_name"?' in lints
    assert "Remove the parameter" in lints


def test_notes_and_rules_are_told_in_russian_too(open_console: Callable[..., Console]) -> None:
    console = open_console(language="ru")
    send_requests(console.server, console.prefix)
    console.go("/__console/requests/9")

    text = console.text()
    assert "ничего не найдено, создан профиль 42" in text
    assert "неизвестный параметр; возможно, «field_name»?" in text


def test_replay_sends_the_same_again(visited: Console) -> None:
    page = visited.go("/__console/requests/1")
    said = page.inner_text("#d-replay")
    assert "POST /w/" in said
    assert "App · CustomNumber1 = 100 · android-firebase dQw4" in said
    assert page.get_attribute("text=Replay >> nth=0", "aria-describedby") == "d-replay"
    page.click("button:text('Replay')")

    assert page.url.endswith("/__console/requests/11")
    assert "changed" in page.inner_text(".heading")  # it was unsubscribed meanwhile
    assert visited.admin("/requests/11")["headers"]["x-emulator-replay-of"] == "1"
    page.click("dl.facts >> text='Request 1'")
    assert page.url.endswith("/__console/requests/1")


def test_body_and_answer_are_copied_whole(visited: Console) -> None:
    page = visited.go("/__console/requests/1")
    for part in ("body", "answer"):
        address = page.get_attribute(f"[data-copy={part}]", "data-copy-url")
        text = visited.server.get(address).body.decode()
        shown = visited.admin("/requests/1")[part]
        assert (text if part == "body" else json.loads(text)) == shown


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not there")
def test_the_copied_curl_sends_the_same_again(visited: Console) -> None:
    page = visited.go("/__console/requests/2")
    assert "3LXP…7f14" in page.inner_text("#curl")

    whole = visited.server.get(f"{visited.prefix}/__console/requests/2/curl.txt").body.decode()
    subprocess.run(whole, shell=True, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    again, first = visited.admin("/requests/11"), visited.admin("/requests/2")
    assert again["body"] == first["body"]
    assert again["request_id"] == first["request_id"]


def test_the_pytest_test_hides_the_token_that_its_copy_has(visited: Console) -> None:
    page = visited.go("/__console/requests/2")
    assert "'resource_token': '3LXP…7f14'" in page.inner_text("#pytest")

    address = page.get_attribute("button:text('Copy as pytest')", "data-copy-url")
    assert "'resource_token': '3LXP2FRcRxJ-7b14db88ec937f14'" in visited.server.get(address).body.decode()


def test_a_request_becomes_a_fixture(visited: Console) -> None:
    page = visited.go("/__console/requests/3")
    page.click("text=Make this a fixture")
    with page.expect_download() as download:
        page.click("text=Download")

    [entry] = json.loads(download.value.path().read_text())
    assert (entry["id"], entry["db_id"]) == (PROFILE, 17)
    assert entry["fields"]["tier"] == "gold"
    assert {one["provider"] for one in entry["subscriptions"]} > {"ios-apns"}
    assert json.loads(page.inner_text("#fixture-json")) == [entry]


def test_the_next_one_like_this_fails_once(visited: Console) -> None:
    page = visited.go("/__console/requests/1")
    page.select_option("[name=recipe]", "http-503")
    page.select_option("[name=like]", "token")
    page.click("button.primary")
    assert "Service unavailable" in page.inner_text("#h-armed + div")

    token = json.loads(visited.admin("/requests/1")["body"])["subscriptions"][0]["subscription_id"]
    assert visited.push(subscription("another"))["error"] == 0
    assert visited.push(subscription(token))["error"] == 503
    assert visited.push(subscription(token))["error"] != 503


def test_a_fault_of_one_s_own_starts_with_what_tells_the_request(visited: Console) -> None:
    page = visited.go("/__console/requests/8")
    page.click("#fail-next + form >> text=A fault of your own")

    sent = json.loads(visited.admin("/requests/8")["body"])
    assert page.input_value("[name=subscription_id]") == sent["subscriptions"][0]["subscription_id"]
    assert page.input_value("[name=provider]") == "android-firebase"
    assert page.input_value("[name=field_value]") == "12345"
    assert page.inner_text("[name=resource_id] option:checked").startswith("App in two databases")


def test_what_is_no_json_is_shown_as_it_came(visited: Console) -> None:
    visited.server.request("POST", f"{visited.prefix}/push_subscribe", b'{"a": <b>&lt;</b>')
    page = visited.go("/__console/requests/11")

    assert page.inner_text("pre[aria-label=Body]") == '{"a": <b>&lt;</b>'


def test_a_request_that_is_gone_has_a_page_that_says_so(visited: Console) -> None:
    visited.go("/__console/requests/999")

    assert "request 999 not found" in visited.text()
    visited.allow_complaint("404")


def test_attempts_of_one_client_are_marked_in_the_list_and_grouped_on_their_page(console: Console) -> None:
    page = console.go("live")
    page.wait_for_selector("#live-state.on")
    call = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("a-retry")]}
    console.server.post(
        f"{console.prefix}/__admin/faults", {"match": {}, "times": 2, "then": {"status": 503}, "delay_ms": 5}
    )
    for _ in range(3):
        console.server.post(f"{console.prefix}/push_subscribe", call, **{"Request-ID": "r-1"})
    for _ in range(2):
        console.push(subscription("same-body"))
    console.push(subscription("alone"))
    page.wait_for_selector("#rows > li:nth-child(6)")
    expected = ["", "attempt 2", "", "attempt 3", "attempt 2", ""]
    for _ in ("live", "reloaded"):
        marks = [" ".join(one.locator(".chip").all_inner_texts()) for one in console.find(".row").all()]
        assert marks == expected
        page.reload()

    console.find(".row >> nth=3").click()
    rows = console.find("[aria-labelledby=h-attempts] tbody tr").all_inner_texts()
    assert [row.split()[0] for row in rows] == ["1", "2", "3"]
    assert ["503" in row for row in rows] == [True, True, False]
    assert "delayed by 5 ms" in " ".join(rows[0].split())
    console.go("/__console/requests/6")
    assert console.find("#h-attempts").count() == 0


def test_a_long_list_of_changes_is_folded_a_short_one_is_not(console: Console) -> None:
    console.push(*(subscription(f"token-{number}") for number in range(40)))
    page = console.go("/__console/requests/1")
    changes = "[aria-labelledby=h-state] tbody tr"
    assert not page.is_visible(changes)
    page.click("text=Changes: 41")
    assert console.find(changes).count() == 41
    assert page.is_visible(changes)
    console.push(subscription("one-more"))
    console.go("/__console/requests/2")
    assert page.is_visible(changes)


def test_a_fault_after_the_rules_is_told_beside_them(console: Console) -> None:
    for token, told in (("emu!after!500", True), ("emu!truncated", True), ("emu!delay=1", False)):
        with suppress(Exception):
            console.push({"provider": "android-firebase", "subscription_id": token})
        console.go(f"/__console/requests/{console.admin('/requests')['total']}")
        note = console.find("#h-why ~ .note").all_inner_texts()
        assert note == [f"These rules decided. Then the fault {token} changed the answer."] * told
