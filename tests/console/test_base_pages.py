"""The Base pages: lists with filters and pages, one profile whole, changes by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html import unescape

import pytest

from emulator.fake import write_fixture_set
from tests.console.pages import Console
from tests.console.scene import PROFILE, send_requests
from tests.in_process import InProcess
from tests.server import Server, subscription

MANY = 30_000


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with 30,000 profiles."""
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
    assert page.inner_text("#found") == "Found: 10"


def test_a_filter_that_makes_no_sense_is_refused_with_the_reason(console: Console) -> None:
    console.go("/__console/base/profiles?field_name=CustomNumber1&field_value=many")

    assert "must be an integer" in console.find("#said-field_value").inner_text()
    console.allow_complaint("400")


def test_lists_are_in_russian_too(open_console: Callable[..., Console]) -> None:
    console = open_console(language="ru")
    console.go("subscriptions")

    assert "Найдено: 15" in console.text()
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
    assert console.admin("/profiles")["total"] == 10


def test_what_a_resource_has_for_mobile_sdks_is_shown_masked_and_changed(console: Console) -> None:
    page = console.go("/__console/base/resource/60")
    roles = page.input_value("[name=role_tokens]")
    assert "mobi…oken" in roles
    assert "mobile-role-token" not in page.content()
    assert "mobile-sdk-secret" not in page.content()
    page.fill("[name=role_tokens]", roles.replace("Staging app", "Renamed"))
    page.fill("[name=categories]", '[{"name": "news", "title": "Headlines"}]')
    page.fill("[name=subscription_fields]", '{"coins": "int"}')
    page.click('text="Save"')
    found = console.admin("/snapshot")["resources"][-1]
    assert [one["name"] for one in found["role_tokens"]] == ["Renamed", "Old app"]
    assert found["role_tokens"][0]["token"] == "mobile-role-token"
    assert [one["title"] for one in found["categories"]] == ["Headlines"]
    assert found["subscription_fields"] == {"coins": "int"}
    assert found["jwt_key"] == "mobile-sdk-secret-of-the-default-fixtures"


def test_the_overview_counts_suspended_subscriptions(console: Console) -> None:
    page = console.go("overview")
    row = page.locator(".card", has_text="Mobile").locator("tr", has_text="android-firebase")
    assert row.locator("td.num").all_inner_texts() == ["3", "2", "1"]


def test_a_profile_shows_its_subscriptions_fields_and_categories(console: Console) -> None:
    console.go("/__console/base/profile?db_id=60&profile_id=66a1c0de0000000000000001")
    for text in ("_os_ver: 17.5", "points: 120", "offers: false"):
        assert text in console.text()


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
    assert console.admin("/databases")["total"] == 5


def test_30000_profiles_are_listed_and_found_page_by_page(
    open_console: Callable[..., Console], crowded: Server
) -> None:
    console = open_console(server=crowded, workspace="default")
    page = console.go("base")
    assert page.inner_text("#found") == "Found: 30,000"
    first = page.locator("tbody tr code").all_inner_texts()
    with page.expect_navigation():
        page.click("text=Next page")
    second = page.locator("tbody tr code").all_inner_texts()
    assert len(first) == len(second) == 50
    assert not set(first) & set(second)

    token = console.admin("/subscriptions?limit=1&provider=ios-apns")["items"][0]["subscription_id"]
    console.go(f"/__console/base/subscriptions?provider=ios-apns&subscription_id={token}")
    assert page.inner_text("#found").startswith("Found: 1")
    console.go("/__console/base/profiles?limit=1000")
    assert page.locator("tbody tr").count() == 100  # a page is made in one step
    console.go("/__console/base/profiles?status=subscribed&provider=android-firebase")
    with page.expect_navigation():
        page.click("text=Next page")
    assert page.locator("tbody tr").count() == 50


def test_the_overview_counts_30000_profiles_while_requests_are_answered(
    open_console: Callable[..., Console], crowded: Server
) -> None:
    console = open_console(server=crowded, workspace="default")
    page = console.go("overview")

    cards = page.locator(".databases .card")
    counted = [int(card.locator("p b").inner_text().replace(",", "")) for card in cards.all()]
    assert sum(counted) == MANY
    assert len(counted) == 2
    assert "android-firebase" in cards.first.inner_text()


def test_a_resource_s_token_is_masked_and_copied_whole(console: Console) -> None:
    page = console.go("/__console/base/resource/5")
    assert page.inner_text("#d-token code") == "3LXP…7f14"
    assert "3LXP2FRcRxJ-7b14db88ec937f14" not in page.content()
    address = page.get_attribute("[data-copy=token]", "data-copy-url")
    assert console.server.get(address).body == b"3LXP2FRcRxJ-7b14db88ec937f14"


def test_the_secrets_of_a_resource_are_shown_and_copied_on_demand(console: Console) -> None:
    page = console.go("/__console/base/resource/60")
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text }")
    page.evaluate("document.execCommand = () => { window.copied = document.activeElement.value }")
    secrets = {
        "token": "mobile-sdk",
        "role-0": "mobile-role-token",
        "role-1": "expired-role-token",
        "jwt-key": "mobile-sdk-secret-of-the-default-fixtures",
    }
    for name, secret in secrets.items():
        assert secret != page.inner_text(f"#{name}")
        page.click(f"[data-copy={name}]")
        page.wait_for_function("secret => window.copied === secret", arg=secret)
        page.click(f"[data-show={name}]")
        page.wait_for_function(
            "([name, secret]) => document.getElementById(name).textContent === secret", arg=[name, secret]
        )


def test_role_tokens_that_look_alike_masked_are_not_mixed_up(console: Console) -> None:
    tokens = ["look-1-alike", "look-2-alike", "look-3-alike"]
    roles = [{"token": one, "name": f"App {one[5]}", "db_id": 60} for one in tokens]
    document = {"role_tokens": roles}
    path = f"{console.prefix}/__admin/resources/60"
    console.server.request("PATCH", path, json.dumps(document).encode(), {"Content-Type": "application/json"})
    page = console.go("/__console/base/resource/60")
    typed = json.loads(page.input_value("[name=role_tokens]"))
    assert len({one["token"] for one in typed}) == 1
    page.fill("[name=role_tokens]", json.dumps([typed[2], typed[0]]))
    page.click('text="Save"')

    kept = console.admin("/snapshot")["resources"][-1]["role_tokens"]
    assert [one["token"] for one in kept] == [tokens[2], tokens[0]]


def test_a_resource_s_token_is_shown_where_the_server_shows_secrets() -> None:
    with InProcess(show_secrets=True) as app:
        page = app.client.get("/__console/base/resource/5").text
    assert "3LXP2FRcRxJ-7b14db88ec937f14" in page
    assert "data-show" not in page


def test_ids_and_push_tokens_are_copied_whole(console: Console) -> None:
    token = "long " * 100 + '"<end>'
    console.push(subscription(token), id=PROFILE)
    page = console.go(f"/__console/base/profile?db_id=17&profile_id={PROFILE}")
    page.evaluate("document.execCommand = () => { window.copied = document.activeElement.value }")
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text }")
    [record] = console.admin("/subscriptions?provider=android-firebase&profile_id=" + PROFILE)["items"]

    row = page.locator("#h-subscriptions + div tr", has_text="long")
    wanted = {"Push token": token, "Hash id": record["hash_id"]}
    for what, value in wanted.items():
        row.get_by_label(f"Copy: {what}").click()
        assert page.evaluate("window.copied") == value
    page.locator(".heading").get_by_label("Copy: Profile id").click()
    assert page.evaluate("window.copied") == PROFILE


def test_many_subscriptions_of_a_profile_come_in_pages(console: Console) -> None:
    for start in (0, 60):
        console.push(*(subscription(f"t{start + n:03}") for n in range(60)), id="crowded")
    page = console.go("/__console/base/profile?db_id=17&profile_id=crowded")
    rows = page.locator("#h-subscriptions + div tbody tr")
    assert page.inner_text("#h-subscriptions .count") == "120"
    assert rows.count() == 50

    seen = set(rows.locator("td:nth-child(3)").all_inner_texts())
    for _ in range(2):
        with page.expect_navigation():
            page.click("text=Next page")
        seen |= set(rows.locator("td:nth-child(3)").all_inner_texts())
    assert len(seen) == 120
    assert not page.locator("text=Next page").count()
    assert "101–120 of 120" in console.text()
    rows.last.locator("text=Delete").click()
    assert "101–119 of 119" in console.text()
    console.go("/__console/base/profile?db_id=17&profile_id=crowded&first=9999")
    assert rows.count() == 1
    page.click("text=Previous page")
    assert rows.count() == 50


def test_on_a_phone_filters_fold_charts_show_now_and_actions_are_in_sight(
    open_console: Callable[..., Console],
) -> None:
    phone = open_console(width=360)
    phone.push(subscription("now"), id=PROFILE)
    page = phone.go("/__console/base?provider=ios-apns")
    assert not page.locator("[name=profile_id]").first.is_visible()
    assert page.inner_text(".fold summary") == "Filters 1"
    page.click(".fold summary")
    assert page.input_value("[name=provider]") == "ios-apns"
    assert page.locator("form.filters button").is_visible()

    phone.go("overview")
    bar, frame = page.locator(".chart g").last.bounding_box(), page.locator(".newest").bounding_box()
    assert bar is not None
    assert frame is not None
    assert frame["x"] <= bar["x"]
    assert bar["x"] + bar["width"] <= frame["x"] + frame["width"]
    for path in (f"/__console/base/profile?db_id=17&profile_id={PROFILE}", "/__console/base/resources"):
        phone.go(path)
        for button in page.locator("td.act button, td.act a").all():
            box = button.bounding_box()
            assert box is not None
            assert box["x"] + box["width"] <= 360

    wide = open_console()
    assert wide.go("base").locator("form.filters button").is_visible()


@pytest.mark.parametrize(
    ("kind", "form", "said"),
    [
        (
            "resource/5",
            {"name": "App", "db_ids": "17", "providers": "ios-apn"},
            "providers[0]: «ios-apn» неизвестен; возможно, «ios-apns»?",
        ),
        (
            "database/17",
            {"name": "Main", "fields": '{"vip": "boool"}'},
            'ip или {"type": "enum", "options": ["…"]}; возможно, «bool»?',
        ),
        (
            "database/17",
            {"name": "Main", "fields": '{"a": "int", "a": "ip"}'},
            "fields.a: ключ повторяется",
        ),
        (
            "database/17",
            {"name": "Main", "fields": '{"a" "int"}'},
            "fields: это не JSON: ошибка в строке 1, столбце 6",
        ),
    ],
)
def test_slips_in_a_form_are_named_in_the_pages_language(kind: str, form: dict[str, str], said: str) -> None:
    with InProcess() as app:
        page = app.client.get(f"/__console/base/{kind}?lang=ru").get_data(as_text=True)
        token = re.findall(r'name="form_token" value="([^"]+)"', page)[0]
        answer = app.client.post(f"/__console/base/{kind}", data={"form_token": token, **form})
        assert answer.status_code == 400
        assert said in unescape(answer.get_data(as_text=True))
