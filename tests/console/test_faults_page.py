"""The Faults page: what is armed, and a catalogue in which each entry does what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from http.client import HTTPException

import pytest

from emulator.faults.catalogue import CATALOGUE
from tests.console.pages import Console
from tests.console.test_forms import message, send
from tests.in_process import InProcess
from tests.server import PAGE_TOKEN, Server, subscription

_ARMED = [
    one
    for one in CATALOGUE.values()
    if one.fault and one.id not in ("delay", "timeout", "slow", "rate-limit")
]


def _seen(server: Server, prefix: str, token: str) -> str:
    """The HTTP status that a client sees; empty for none."""
    document = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription(token)]}
    try:
        return str(server.post(f"{prefix}/push_subscribe", document).status)
    except HTTPException as broken:
        return "200" if "IncompleteRead" in repr(broken) else ""
    except OSError:
        return ""


def test_arm_once_from_the_catalogue_and_disarm(console: Console) -> None:
    page = console.go("faults")
    page.click("[aria-label='Arm once: Service unavailable']")
    page.click("[aria-label='Arm once: Bad gateway']")

    assert console.find("#h-armed .count").inner_text() == "2"
    assert console.push(subscription("any"))["error"] == 503
    console.go("faults")
    row = console.find("#h-armed + div tbody tr").first
    assert [cell.strip() for cell in row.locator("td.num").all_inner_texts()[:2]] == ["1", "0"]

    page.click("[aria-label='Disarm f1']")
    page.click("text=Disarm all")
    assert "No fault is armed" in console.text()
    assert console.push(subscription("any"))["error"] == 0


def test_arm_for_some_requests_only(console: Console) -> None:
    page = console.go("/__console/faults/http-500")
    page.select_option("[name=provider]", "ios-apns")
    page.select_option("[name=resource_id]", "5")
    page.fill("[name=times]", "")
    page.click("button.primary")

    armed = console.find("#h-armed + div tbody").inner_text()
    assert "provider ios-apns" in armed
    assert "resource App" in armed
    assert "unlimited" in armed
    assert PAGE_TOKEN not in page.content()
    assert console.push(subscription("a"))["error"] == 0
    assert console.push(subscription("a", "ios-apns"))["error"] == 500


def test_a_fault_that_can_never_be_is_refused_with_the_reason(console: Console) -> None:
    page = console.go("/__console/faults/http-500")
    page.fill("[name=times]", "0")
    page.click("button.primary")

    assert page.inner_text("#said-times") == "must be 1 or more, or empty"
    assert page.input_value("[name=times]") == "0"
    console.allow_complaint("400")


def test_any_fault_of_the_api_can_be_armed_with_a_form(shared: Server, console: Console) -> None:
    page = console.go("/__console/faults/own")
    page.fill("[name=status]", "418")
    page.fill("[name=error]", "7")
    page.fill("[name=error_text]", "Чайник")
    page.fill("[name=delay_ms]", "1")
    page.fill("[name=longest_ms]", "3")
    page.select_option("[name=apply]", "after")
    page.fill("[name=probability]", "0,999999999999")
    page.fill("[name=times]", "2")
    page.select_option("[name=provider]", "ios-apns")
    page.select_option("[name=resource_id]", "5")
    page.fill("[name=subscription_id]", "t1")
    page.fill("[name=field_value]", "100")
    page.click("button.primary")
    assert "HTTP 418, error 7: Чайник" in console.find("#h-armed + div tbody").inner_text()

    [armed] = console.admin("/faults")["items"]
    assert armed.pop("match") == {
        "provider": "ios-apns",
        "subscription_id": "t1",
        "field_value": "100",
        "resource_token": PAGE_TOKEN,
    }
    assert armed == {
        "id": "f1",
        "fired": 0,
        "times": 2,
        "probability": 0.999999999999,
        "delay_ms": {"uniform": [1, 3]},
        "then": {"status": 418, "error": 7, "error_text": "Чайник"},
        "apply": "after",
    }
    field = {"matching": "custom", "field_name": "CustomNumber1"}
    assert console.push(subscription("t1", "ios-apns"), **field, field_value=100)["error"] == 7
    assert console.admin("/subscriptions?subscription_id=t1")["total"] == 1


@pytest.mark.parametrize(
    ("typed", "then", "delay_ms"),
    [
        ({"effect": "delay", "delay_ms": "250"}, None, 250),
        ({"effect": "rate_limit", "per_second": "0,5"}, {"rate_limit": {"per_second": 0.5}}, 0),
        ({"effect": "item_error.provider"}, {"item_error": "provider"}, 0),
        ({"effect": "truncated_body", "longest_ms": "9"}, "truncated_body", {"uniform": [0, 9]}),
        (
            {"effect": "status", "status": "500"},
            {"status": 500, "error": 500, "error_text": "Fault: Internal Server Error"},
            0,
        ),
    ],
)
def test_each_effect_has_its_own_fields(console: Console, typed, then, delay_ms) -> None:
    page = console.go("/__console/faults/own")
    page.select_option("[name=effect]", typed["effect"])
    assert page.locator("[name=status]").is_visible() == (typed["effect"] == "status")
    assert page.locator("[name=per_second]").is_visible() == (typed["effect"] == "rate_limit")
    for name in typed.keys() - {"effect"}:
        page.fill(f"[name={name}]", typed[name])
    page.click("button.primary")

    [armed] = console.admin("/faults")["items"]
    assert (armed["then"], armed["delay_ms"], armed["times"]) == (then, delay_ms, 1)
    assert armed["apply"] == ("after" if then == "truncated_body" else "before")


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("status", {"status": "200"}, "нужно от 400 до 599"),
        ("probability", {"probability": "1,5"}, "нужно больше 0 и не больше 1"),
        ("delay_ms", {"delay_ms": "5", "longest_ms": "4"}, "первое число не должно быть больше второго"),
        ("effect", {"effect": "delay"}, "укажите другой ответ, задержку или и то и другое"),
        ("apply", {"effect": "item_error.duplicate", "apply": "after"}, "запрос ничего не меняет"),
        ("per_second", {"effect": "rate_limit", "per_second": "много"}, "нужно число"),
    ],
)
def test_what_a_fault_cannot_be_is_said_at_its_field(name, typed, said) -> None:
    page = "/__console/faults/own"
    filled = {"effect": "status", "status": "503"} | typed | {"subscription_id": "kept"}
    with InProcess() as app:
        answer = send(app, page, page, "ru", **filled)
        assert app.client.get("/__admin/faults").get_json()["items"] == []

    assert said in message(answer.text, name)
    for kept, value in filled.items():
        assert re.search(
            rf'<input name="{kept}"[^>]* value="{value}"|'
            rf'<select name="{kept}".*?<option value="{value}" selected',
            answer.text,
        )


def test_a_recipe_shows_the_token_and_its_qr_code(console: Console) -> None:
    page = console.go("/__console/faults/lost-reset")

    assert page.inner_text("#token") == "emu!after!reset"
    assert page.locator(".qr svg title").text_content() == "emu!after!reset"
    box = page.locator(".qr svg").bounding_box()
    assert box is not None
    assert box["width"] > 100


def test_the_catalogue_is_in_russian_too(open_console: Callable[..., Console]) -> None:
    console = open_console(language="ru")
    console.go("faults")

    assert "Сервис недоступен" in console.text()
    assert "Ошибки сети" in console.text()


@pytest.mark.parametrize("recipe", _ARMED, ids=lambda recipe: recipe.id)
def test_every_recipe_gives_what_it_says_armed_and_by_token(shared: Server, recipe) -> None:
    prefix = f"/w/recipe-{recipe.id}"
    assert shared.post(f"{prefix}/__admin/faults", {**recipe.fault, "times": 1}).status == 201

    assert _seen(shared, prefix, "a-token") == recipe.status
    assert _seen(shared, prefix, "another-token") == "200"
    if recipe.token:
        assert _seen(shared, prefix, recipe.token) == recipe.status


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not there")
def test_every_request_of_the_catalogue_meets_its_error_and_rule(shared: Server) -> None:
    for recipe in CATALOGUE.values():
        if recipe.call is None:
            continue
        prefix = f"/w/call-{recipe.id}"
        command = shared.get(f"{prefix}/__console/faults/{recipe.id}/curl.txt").body.decode()
        answer = subprocess.run(command, shell=True, check=True, capture_output=True, text=True)

        assert answer.stdout.split()[1] == recipe.status, recipe.id
        [entry] = shared.get(f"{prefix}/__admin/requests").json["items"]
        assert entry["outcome"] == "refused"
        decided = [one["rule"] for one in entry["decided"]]
        assert recipe.rule in decided or (recipe.id == "item-duplicate" and "S5" in decided), recipe.id
