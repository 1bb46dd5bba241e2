"""The Live page: requests as they come, the search through them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException

import pytest

from tests.console.pages import Console
from tests.console.scene import REQUESTS, send_requests
from tests.server import PAGE_TOKEN, PATIENCE_S, subscription

HOSTILE = "<script>alert(1)</script>"
CALL = json.dumps({"resource_token": PAGE_TOKEN, "subscriptions": [subscription("by-curl", "ios-apns")]})


def test_requests_are_listed_newest_first_with_a_word_for_their_outcome(console: Console) -> None:
    send_requests(console.server, console.prefix)
    console.go("live")

    badges = [text.split()[-1] for text in console.find(".row .badge").all_inner_texts()]

    assert badges == [
        *("changed", "added", "refused", "fault", "refused"),
        *("refused", "changed", "added", "unchanged", "added"),
    ]
    assert "CustomNumber1 = 100" in console.find(".row").first.inner_text()


@pytest.mark.parametrize(("language", "word"), [("en", "changed"), ("ru", "изменено")])
def test_it_speaks_both_languages(open_console: Callable[..., Console], language: str, word: str) -> None:
    console = open_console(language=language)
    send_requests(console.server, console.prefix)
    page = console.go("live")

    assert word in console.find(".row").first.inner_text()
    assert page.get_attribute("html", "lang") == language


def test_a_chosen_language_is_remembered(console: Console) -> None:
    page = console.go("live")
    page.click("a[hreflang=ru]")
    page.click("nav.pages a >> nth=3")

    assert page.inner_text("h1") == "Сбои"
    console.go("rules")
    assert page.inner_text("h1") == "Правила"


def test_an_empty_console_shows_a_first_request_that_works(console: Console) -> None:
    page = console.go("live")
    assert "No requests yet" in console.text()

    whole = page.evaluate(
        "fetch(document.querySelector('[data-copy-url]').dataset.copyUrl).then(r => r.text())"
    )
    assert whole.startswith("curl")
    assert console.prefix in whole

    if shutil.which("curl"):
        subprocess.run(whole, shell=True, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        console.find(".row").wait_for()
        assert "added" in console.find(".row").inner_text()
        assert not console.find("#empty").is_visible()


def test_the_search_knows_the_words_of_the_journal(console: Console) -> None:
    send_requests(console.server, console.prefix)
    page = console.go("live")
    page.press("body", "/")
    page.keyboard.type("outcome:refused rule:S4")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=*")

    assert console.find(".row").count() == 1
    assert "taken-token" in console.find(".row").inner_text()

    page.click('.chips >> text="fault"')
    assert page.input_value("#q") == "rule:S4 outcome:fault"
    assert "Nothing found" in console.text()
    page.fill("#q", "")
    page.click(".search button")
    page.click('.chips >> text="fault"')
    assert "emu!503" in console.find(".row").inner_text()


def test_words_without_a_criterion_are_looked_for_everywhere(console: Console) -> None:
    send_requests(console.server, console.prefix)
    console.go("/?q=both-databases-token")
    assert console.find(".row").count() == 1
    console.go("/?q=dQw4w9WgXcQ:APA91b")  # a colon does not make a criterion
    assert console.find(".row").count() == 3
    console.go("/?q=nothing-has-this")
    assert "Nothing found" in console.text()


def test_a_mistake_in_a_search_stays_in_its_field_and_results_are_counted(console: Console) -> None:
    send_requests(console.server, console.prefix)
    page = console.go("/?q=provder:ios-apns rule:M4")
    assert 'did you mean "provider"?' in page.inner_text("#q-problem")
    assert page.input_value("#q") == "provder:ios-apns rule:M4"
    assert console.find(".row").count() == 0
    console.allow_complaint("400")
    console.go("/?q=-Outcome:FAULT status:2xx took:<10s")
    assert console.find("#total").inner_text() == f"Found: {console.find('.row').count()}"
    console.go("/?q=outcome:refusd&lang=ru")
    assert "возможно" in page.inner_text("#q-problem")
    console.allow_complaint("400")
    items = console.admin("/requests?q=status:5xx")["items"]
    assert [one["status"] for one in items] == [503]


def test_a_time_is_searched_for_and_one_that_is_none_is_refused(console: Console) -> None:
    send_requests(console.server, console.prefix)
    console.go("/?q=since:2000-01-01T00:00:00Z outcome:fault")
    assert console.find(".row").count() == 1
    console.go("/?q=since:2999-01-01T00:00:00%2B03:00")
    assert "Nothing found" in console.text()
    console.go("/?q=since:yesterday")
    assert "since: must be a time" in console.text()
    console.allow_complaint("400")


def test_a_row_says_why_the_request_was_refused_and_what_came_to_a_wrong_path(console: Console) -> None:
    console.push(subscription("a", "pigeon"))
    console.push(subscription("taken-token"), matching="custom", field_name="CustomNumber9", field_value=1)
    document = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("b")]}
    console.server.post(f"{console.prefix}/push_subscrib", document)
    console.go("live")

    wrong_path, unknown_field, unknown_provider = console.find(".row").all_inner_texts()
    assert f"POST {console.prefix}/push_subscrib" in wrong_path
    assert "not found" in wrong_path
    assert "matching error: unknown field" in unknown_field
    assert "pigeon" in unknown_provider.partition("subscriptions[0]")[2]


def test_older_requests_are_a_page_away(console: Console) -> None:
    for number in range(60):
        console.push(subscription(f"token-{number}"))
    page = console.go("live")
    assert console.find(".row").count() == 50

    page.click("text=Older")
    assert console.find(".row").count() == 10
    page.click("text=Newest")
    assert console.find(".row").count() == 50


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not there")
def test_a_request_by_curl_appears_at_once_in_five_open_pages(
    console: Console, record_property: Callable[[str, object], None]
) -> None:
    address = console.server.url + console.prefix
    pages = [console.page, *(console.new_page() for _ in range(4))]
    for page in pages:
        page.goto(address + "/")
        page.wait_for_selector("#live-state.on")

    since = time.monotonic()
    subprocess.run(["curl", "-s", "-o", "/dev/null", f"{address}/push_subscribe", "-d", CALL], check=True)
    for page in pages:
        page.wait_for_selector(".row >> text=by-curl")
    record_property("seconds_until_in_five_pages", time.monotonic() - since)


def test_only_what_the_search_means_appears_live(console: Console) -> None:
    page = console.go("/?q=provider:ios-apns")
    page.wait_for_selector("#live-state.on")
    console.push(subscription("not-this-one"))
    console.push(subscription("this-one", "ios-apns"))
    page.wait_for_selector(".row >> text=this-one")

    assert console.find(".row").count() == 1


def test_a_paused_page_stands_still_and_catches_up(console: Console) -> None:
    page = console.go("live")
    page.wait_for_selector("#live-state.on")
    page.click("#pause")
    console.push(subscription("while-paused"))
    assert console.find(".row").count() == 0

    page.click("#pause")
    page.wait_for_selector(".row >> text=while-paused")


def test_a_burst_fills_its_gap_by_itself_and_leads_on_to_what_does_not_fit(console: Console) -> None:
    console.push(subscription("before"))
    page = console.go("/?q=android-firebase")
    page.wait_for_selector("#live-state.on")
    page.click("#pause")
    for number in range(170):
        console.push(subscription(f"token-{number}"))
    page.click("#pause")
    page.wait_for_selector("#rows > li:nth-child(171)")
    ids = page.eval_on_selector_all("#rows > li", "rows => rows.map(row => Number(row.id.slice(1)))")
    assert ids == list(range(171, 0, -1))
    assert not page.is_visible("#missed")

    for number in range(140):
        console.push(subscription(f"more-{number}"))
    page.wait_for_selector("#rows > li:nth-child(300):last-child")
    page.wait_for_selector("#missed", state="hidden")
    page.click("#older")
    assert console.find(".row").count() == 11


def test_a_burst_that_the_journal_forgets_leaves_no_note(console: Console) -> None:
    page = console.go("live")
    page.wait_for_selector("#live-state.on")
    page.click("#pause")
    for number in range(60):
        console.push(subscription(f"token-{number}"))
    console.server.request("DELETE", f"{console.prefix}/__admin/requests")
    console.push(subscription("after"))
    page.click("#pause")

    page.wait_for_selector(".row >> text=after")
    assert console.find(".row").count() == 1
    assert not page.is_visible("#missed")


def test_times_are_local_with_their_zone_and_a_date_that_is_not_today(console: Console) -> None:
    console.push(subscription("now"))
    console.server.request("PUT", f"{console.prefix}/__admin/clock", b'{"now": "2024-02-29T21:15:07.250Z"}')
    console.push(subscription("then"))
    browser = console.page.context.browser
    assert browser is not None
    with closing(browser.new_context(timezone_id="Asia/Kolkata")) as elsewhere:
        page = elsewhere.new_page()
        page.goto(f"{console.server.url}{console.prefix}/")
        then, now = page.locator(".c-time").all_inner_texts()
        assert then == "2024-03-01 02:45:07.250"
        assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", now)
        assert "UTC+05:30 · 2024-02-29T21:15:07.250Z" in str(page.get_attribute("time", "title"))
        console.push(subscription("live"))
        page.wait_for_selector("#rows > li >> nth=2")
        assert page.inner_text("time") == then
        page.goto(f"{console.server.url}{console.prefix}/__console/base/subscriptions")
        assert "2024-03-01 02:45:07" in page.locator("time").all_inner_texts()
        page.goto(f"{console.server.url}{console.prefix}/__console/requests/2")
        assert page.inner_text("time") == then
    with closing(browser.new_context(java_script_enabled=False)) as plain:
        page = plain.new_page()
        page.goto(f"{console.server.url}{console.prefix}/")
        assert page.inner_text("time") == "21:15:07.250"


#: A fault's token, and what its row shows and does not show.
SEEN = [
    ("emu!reset", "connection reset", "500"),
    ("emu!after!reset", "connection reset", "200"),
    ("emu!empty", "connection closed without an answer", "500"),
    ("emu!malformed", "200 error 0 broken JSON", "reset"),
    ("emu!truncated", "200 error 0 body cut off", "reset"),
    ("emu!delay=40", "200 error 0 delayed by 40", "reset"),
    ("emu!504", "504 error 504", "delayed"),
]


def test_a_row_says_what_really_went_out_for_a_fault(console: Console) -> None:
    for fault, _, _ in SEEN:
        with suppress(OSError, HTTPException, ValueError):  # what the fault is for
            console.push(subscription(fault))
    console.go("live")
    answers = [" ".join(text.split()) for text in console.find(".c-answer").all_inner_texts()]
    for number, (answer, (_, shown, hidden)) in enumerate(zip(answers[::-1], SEEN, strict=True), 1):
        assert shown in answer
        assert hidden not in answer
        console.go(f"/__console/requests/{number}")
        facts = " ".join(console.find(".facts >> nth=0").inner_text().split())
        assert shown.split(" error 0 ")[-1].removeprefix("delayed by ").split(" error")[0] in facts


def test_clearing_empties_every_open_page(console: Console) -> None:
    send_requests(console.server, console.prefix)
    other = console.new_page()
    other.goto(console.server.url + console.prefix + "/")
    other.wait_for_selector("#live-state.on")
    assert other.locator(".row").count() == len(REQUESTS)

    console.go("live").click("text=Clear")

    other.locator(".row").first.wait_for(state="detached")
    assert console.admin("/requests")["total"] == 0


def test_a_hostile_token_is_only_text_also_when_it_comes_live(console: Console) -> None:
    page = console.go("live")
    page.wait_for_selector("#live-state.on")
    console.push(
        subscription(HOSTILE, HOSTILE), id=HOSTILE, matching=HOSTILE, field_name=HOSTILE, field_value=HOSTILE
    )
    console.push(subscription(HOSTILE), matching="custom", field_name=HOSTILE, field_value='"><img src=x>')
    page.wait_for_selector(".row >> nth=1")

    assert HOSTILE in console.find(".row").first.inner_text()
    assert page.locator("main script, main img").count() == 0
    page.click(".row >> nth=0")
    assert HOSTILE in console.text()
    assert page.locator("main script, main img").count() == 0
    console.go(f"/?q={HOSTILE}&outcome={HOSTILE}")
    assert page.input_value("#q") == HOSTILE


def test_watching_makes_no_workspace(console: Console) -> None:
    with closing(HTTPConnection("127.0.0.1", console.server.port, timeout=PATIENCE_S)) as connection:
        connection.request("GET", "/w/never-made/__console/live")
        answer = connection.getresponse()
        assert (answer.status, answer.readline()) == (200, b": watching\n")

        assert "never-made" not in [one["name"] for one in console.admin("/workspaces")["items"]]


def test_an_open_page_follows_the_name_of_its_workspace(console: Console) -> None:
    console.push(subscription("of-the-first"))
    page = console.go("live")
    page.wait_for_selector("#live-state.on")
    name = console.prefix.removeprefix("/w/")

    assert console.server.request("DELETE", f"/__admin/workspaces/{name}").status == 200
    console.find(".row").first.wait_for(state="detached")
    console.push(subscription("of-its-successor"))

    page.wait_for_selector(".row >> text=of-its-successor")
    assert console.find(".row").count() == 1


def test_a_page_that_was_away_shows_nothing_of_a_predecessor(console: Console) -> None:
    console.push(subscription("of-the-first"))
    page = console.go("live")
    page.wait_for_selector("#live-state.on")
    page.click("#pause")
    name = console.prefix.removeprefix("/w/")
    console.server.request("DELETE", f"/__admin/workspaces/{name}")
    console.push(subscription("of-its-successor"))
    page.click("#pause")

    page.wait_for_selector(".row >> text=of-its-successor")
    assert console.find(".row").count() == 1


def test_the_keys_j_and_k_go_through_the_list(console: Console) -> None:
    send_requests(console.server, console.prefix)
    page = console.go("live")
    page.press("body", "j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/__console/requests/9", timeout=PATIENCE_S * 1000)


def test_the_outcome_that_is_searched_for_is_the_only_one_marked(console: Console) -> None:
    for search, marked in (("", "all"), ("?q=outcome:fault", "fault"), ("?q=a+outcome:added", "added")):
        console.go(f"/{search}")
        assert console.find(".chips > a[aria-current]").all_inner_texts() == [marked]
    console.go("/?q=provider:ios-apns")
    assert console.find(".chips > a[aria-current]").all_inner_texts() == ["all"]


def test_a_long_reason_is_shown_from_its_beginning(console: Console) -> None:
    console.push({"provider": "android-firebase", "subscription_id": "emu!boo"})
    console.go("live")

    assert (
        console.find(".reason")
        .inner_text()
        .startswith('subscriptions[0].subscription_id: unknown fault "boo"')
    )
    assert '"emu!boo"' in console.find(".reason").inner_text()


def test_what_went_out_for_a_fault_can_be_searched(console: Console) -> None:
    sent = {
        "emu!reset": "reset",
        "emu!after!empty": "empty",
        "emu!truncated": "truncated",
        "emu!malformed": "malformed",
        "emu!delay=1": "delay",
        "emu!delay=1!503": "delay error",
        "emu!after!500": "error",
        "emu!duplicate": "error",
        "no fault": "",
    }
    for token in sent:
        with suppress(Exception):
            console.push({"provider": "android-firebase", "subscription_id": token})
    for effect in {word for words in sent.values() for word in words.split()}:
        console.go(f"/?q=effect:{effect}")
        found = {one.split(" ", 1)[1] for one in console.find(".row .token").all_inner_texts()}
        assert found == {token for token, words in sent.items() if effect in words.split()}
