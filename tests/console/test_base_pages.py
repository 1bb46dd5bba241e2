"""The Base pages: lists with filters and pages, one profile whole, changes by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from emulator.fake import write_fixture_set
from tests.console.pages import Console
from tests.console.scene import PROFILE, send_requests
from tests.server import Server, subscription

MANY = 100_000


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with 100,000 profiles."""
    folder = tmp_path_factory.mktemp("crowded")
    write_fixture_set(folder / "fixtures", MANY, "en_US", seed=1, one_each=True)
    server = Server(folder, "--durability", "none", fixtures=folder / "fixtures").start()
    yield server
    server.kill()


def test_profiles_are_found_by_a_field(console: Console) -> None:
    page = console.go("base")
    page.select_option("[name=field_name]", "CustomNumber1")
    page.fill("[name=field_value]", "777")
    page.click('form.filters >> text="Filter"')

    assert page.inner_text("#found").startswith("Found: 2")
    assert page.locator("tbody tr").count() == 2
    assert page.input_value("[name=field_value]") == "777"
    page.click("text=Clear the filters")
    assert page.inner_text("#found") == "Found: 6"


def test_a_filter_that_makes_no_sense_is_refused_with_the_reason(console: Console) -> None:
    console.go("/__console/base/profiles?field_name=CustomNumber1&field_value=many")

    assert "must be an integer" in console.find("#said-field_value").inner_text()
    console.allow_complaint("400")


def test_lists_are_in_russian_too(open_console: Callable[..., Console]) -> None:
    console = open_console(language="ru")
    console.go("subscriptions")

    assert "Найдено: 8" in console.text()
    assert "подписан" in console.text()


def test_a_profile_shows_its_subscriptions_and_its_history(console: Console) -> None:
    send_requests(console.server, console.prefix)
    page = console.go("base")
    page.click(f"text={PROFILE}")

    assert page.locator("#h-subscriptions + div tbody tr").count() == 3
    assert page.locator("#h-history + ol .row").count() == 4
    page.click("#h-history + ol .row >> nth=0")
    assert page.inner_text("h1") == "Request 10"


def test_a_profile_is_changed_by_hand(console: Console) -> None:
    page = console.go(f"/__console/base/profile?db_id=17&profile_id={PROFILE}")
    page.fill("[name='field.nickname']", "Ann <b>")
    page.fill("[name='field.email']", "")
    page.select_option("[name='field.vip']", "true")
    page.click('text="Save"')

    fields = console.admin(f"/profiles/17/{PROFILE}")["fields"]
    assert (fields["nickname"], fields["vip"]) == ("Ann <b>", True)
    assert "email" not in fields
    assert page.input_value("[name='field.nickname']") == "Ann <b>"
    page.fill("[name='field.CustomNumber1']", "many")
    page.click('text="Save"')
    assert "must be an integer" in console.text()
    console.allow_complaint("400")


def test_subscriptions_are_added_changed_and_deleted_by_hand(console: Console) -> None:
    page = console.go(f"/__console/base/profile?db_id=17&profile_id={PROFILE}")
    page.fill("[name=subscription_id]", "by-hand")
    page.click('form.inline >> text="Add"')
    assert console.admin("/subscriptions?subscription_id=by-hand")["items"][0]["status"] == "subscribed"

    page.click('text="Unsubscribe"')
    assert console.admin("/subscriptions?subscription_id=by-hand")["items"][0]["status"] == "unsubscribed"
    page.click('text="Delete"')
    assert console.admin("/subscriptions?subscription_id=by-hand")["total"] == 0


def test_a_profile_is_made_and_deleted_by_hand(console: Console) -> None:
    page = console.go("base")
    page.fill("[aria-labelledby=h-new] [name=profile_id]", "../odd id?&")
    page.click('text="Create"')
    assert page.inner_text("h1 code") == "../odd id?&"

    page.click('text="Delete this profile"')
    assert "odd id" not in page.inner_text("table")
    assert console.admin("/profiles")["total"] == 6


def test_a_database_and_a_resource_are_made_changed_and_deleted_by_hand(console: Console) -> None:
    page = console.go("databases")
    page.click("text=Create a database")
    page.fill("[name=id]", "99")
    page.fill("[name=name]", "By hand")
    page.fill("[name=fields]", '{"level": "int"}')
    page.click('text="Create"')
    page.goto(console.server.url + console.prefix + "/__console/base/resource")
    page.fill("[name=id]", "98")
    page.fill("[name=name]", "Site by hand")
    page.fill("[name=token]", "token-by-hand")
    page.fill("[name=db_ids]", "99, 17")
    page.fill("[name=providers]", "chrome-firebase")
    page.click('text="Create"')
    assert console.push(subscription("t", "chrome-firebase"), token="token-by-hand")["error"] == 0

    page.click("[aria-label='Edit: Site by hand']")
    page.fill("[name=db_ids]", "17")
    page.check("label:has-text('removed databases') input")
    page.click('text="Save"')
    assert console.admin("/resources?id=98")["items"][0]["db_ids"] == [17]
    assert console.push(subscription("t", "chrome-firebase"), token="token-by-hand")["error"] == 200

    console.go("/__console/base/database/99")
    page.check("label:has-text('its profiles too') input")
    page.click('text="Delete this database"')
    assert console.admin("/databases")["total"] == 4


def test_100000_profiles_are_listed_and_found_page_by_page(
    open_console: Callable[..., Console], crowded: Server
) -> None:
    console = open_console(server=crowded, workspace="default")
    page = console.go("base")
    assert page.inner_text("#found") == "Found: 100,000"
    first = page.locator("tbody tr code").all_inner_texts()
    page.click("text=Next page")
    second = page.locator("tbody tr code").all_inner_texts()
    assert len(first) == len(second) == 50
    assert not set(first) & set(second)

    token = console.admin("/subscriptions?limit=1&provider=ios-apns")["items"][0]["subscription_id"]
    console.go(f"/__console/base/subscriptions?provider=ios-apns&subscription_id={token}")
    assert page.inner_text("#found").startswith("Found: 1")
    console.go("/__console/base/profiles?status=subscribed&provider=android-firebase")
    page.click("text=Next page")
    assert page.locator("tbody tr").count() == 50


def test_the_overview_counts_100000_profiles_while_requests_are_answered(
    open_console: Callable[..., Console], crowded: Server
) -> None:
    console = open_console(server=crowded, workspace="default")
    page = console.go("overview")

    cards = page.locator(".databases .card")
    counted = [int(card.locator("p b").inner_text().replace(",", "")) for card in cards.all()]
    assert sum(counted) == MANY
    assert len(counted) == 2
    assert "android-firebase" in cards.first.inner_text()


def test_a_resources_token_is_shown_and_copied_whole(console: Console) -> None:
    page = console.go("/__console/base/resource/5")
    assert "3LXP2FRcRxJ-7b14db88ec937f14" not in page.content()
    address = page.get_attribute("text=Show the token", "href")
    assert page.get_attribute("[data-copy=token]", "data-copy-url") == address
    assert console.server.get(address).body.decode() == "3LXP2FRcRxJ-7b14db88ec937f14"
