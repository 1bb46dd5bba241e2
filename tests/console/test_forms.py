"""Forms that are refused keep what was typed; the message stands at its field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from io import BytesIO
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.console.pages import PAGES, Console
from tests.in_process import InProcess

PROFILE = "5fb62e815ae47a4aa04dfadd"


@pytest.fixture(scope="module")
def app() -> Iterator[InProcess]:
    """One application: what is refused changes nothing."""
    with InProcess() as made:
        yield made


def send(app: InProcess, page: str, action: str, language: str = "en", **typed: Any) -> TestResponse:
    """Send a form as the page has it, filled in."""
    shown = app.client.get(page).text
    token = re.search(r'name="form_token" value="([^"]*)"', shown)
    assert token is not None
    own = {"form_token": token[1], "form_page": page}
    app.client.set_cookie("emulator_language", language)
    return app.client.post(action, data=own | typed)


def field(html: str, name: str) -> str:
    """The tag of a field with its value or content."""
    return next(
        one
        for one in re.findall(r"<(?:input|textarea)[^>]*>[^<]*", html)
        if f'name="{name}"' in one and "aria-invalid" in one
    )


def message(html: str, name: str) -> str:
    """What is said at a field."""
    found = re.search(rf'<p class="said" role="alert" id="said-{re.escape(name)}">([^<]*)</p>', html)
    return unescape(found[1]) if found else ""


@pytest.mark.parametrize(
    ("language", "said"), [("en", "must be an integer"), ("ru", "целое число до 64 бит")]
)
def test_a_wrong_field_of_a_profile_keeps_all_that_was_typed(
    app: InProcess, language: str, said: str
) -> None:
    page = f"/__console/base/profile?db_id=17&profile_id={PROFILE}"
    which = {"db_id": "17", "profile_id": PROFILE}
    typed = {"field.CustomNumber1": 'a "lot"', "field.tier": "gold"}
    answer = send(app, page, "/__console/base/profile/fields", language, **which, **typed)

    assert answer.status_code == 400
    assert "a &quot;lot&quot;" in field(answer.text, "field.CustomNumber1")
    assert said in message(answer.text, "field.CustomNumber1")


def test_a_database_that_exists_keeps_its_form(app: InProcess) -> None:
    page = "/__console/base/database"
    answer = send(app, page, page, id="17", name="Mine <b>", fields='{"a":\r\n "int"}')

    assert answer.status_code == 400
    assert 'value="17"' in field(answer.text, "id")
    assert message(answer.text, "id")
    assert 'value="Mine &lt;b&gt;"' in answer.text
    assert '>\n{"a":\n "int"}</textarea>' in answer.text


@pytest.mark.parametrize(("name", "value"), [("now", "noon"), ("advance", "soon")])
def test_each_of_the_clock_s_forms_keeps_its_own(app: InProcess, name: str, value: str) -> None:
    answer = send(app, "/__console/overview", "/__console/overview/clock", **{name: value})

    assert answer.status_code == 400
    assert f'value="{value}"' in field(answer.text, name)
    assert message(answer.text, name)
    assert answer.text.count("aria-invalid") == 1


def test_a_page_elsewhere_is_not_shown(app: InProcess) -> None:
    page = "/__console/base/database"
    answer = send(app, page, page, id="x", name="y", fields="{}", form_page="//example.com/")

    assert answer.status_code == 400
    assert "<form" not in answer.text.partition("<main")[2]


@pytest.mark.parametrize(
    ("action", "typed"),
    [
        ("/__console/overview/settings", {"duplicate_token": "move"}),
        ("/__console/overview/clock", {}),
        ("/__console/overview/reset", {}),
    ],
)
def test_a_change_says_once_that_it_happened(app: InProcess, action: str, typed: dict[str, str]) -> None:
    assert send(app, "/__console/overview", action, **typed).status_code == 303

    shown = app.client.get("/__console/overview").text
    assert len(re.findall('<p class="done" role="status">[^<]+</p>', shown)) == 1
    assert 'class="done"' not in app.client.get("/__console/overview").text


@pytest.mark.parametrize(("file", "said"), [(None, "выберите файл"), (b"", "пуст")])
def test_an_import_that_is_refused_keeps_its_choices(app: InProcess, file: bytes | None, said: str) -> None:
    page = "/__console/import"
    sent = {} if file is None else {"file": (BytesIO(file), "t.csv")}
    answer = send(app, page, page, "ru", resource_id="40", provider="ios-apns", **sent)

    assert answer.status_code == 400
    assert message(answer.text, "file") == said
    assert re.search('<option value="40" selected', answer.text)
    assert re.search('<option value="ios-apns" selected', answer.text)


def test_columns_that_are_refused_keep_what_was_chosen(app: InProcess) -> None:
    page = "/__console/import"
    table = {"file": (BytesIO(b"number;token;other\n1;t:1;x\n"), "t.csv")}
    mapping = send(app, page, page, resource_id="5", provider="ios-apns", **table).headers["Location"]
    typed = {"token_column": "other", "by": "field", "value_column": "other", "field": "CustomNumber1"}
    answer = send(app, mapping, mapping, **typed)

    assert answer.status_code == 400
    assert message(answer.text, "value_column")
    assert re.search('<option value="other" selected', answer.text)
    assert re.search('value="field" checked', answer.text)


@pytest.mark.parametrize(("language", "said"), [("en", "must be an integer"), ("ru", "нужно целое число")])
def test_a_filter_that_is_refused_keeps_the_others(app: InProcess, language: str, said: str) -> None:
    app.client.set_cookie("emulator_language", language)
    answer = app.client.get("/__console/base/subscriptions?db_id=x&provider=ios-apns&subscription_id=a%22b")

    assert answer.status_code == 400
    assert said in message(answer.text, "db_id")
    assert 'value="a&quot;b"' in answer.text
    assert re.search('<option value="ios-apns" selected', answer.text)
    assert "<tbody>" not in answer.text


@pytest.mark.parametrize("form", ["", "/delete"])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_form_never_asks_for_a_parameter_of_the_api(app: InProcess, language: str, form: str) -> None:
    page = "/__console/base/database/17"
    typed = {} if form else {"name": "Main", "fields": "{}"}
    answer = send(app, page, page + form, language, **typed)

    assert answer.status_code in (400, 409)
    assert "cascade=true" not in answer.text
    assert ("tick" if language == "en" else "отметьте") in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/__console/base/profile?db_id=17&profile_id=nobody",
        "/__console/base/database/999",
        "/__console/base/resource/999",
        "/__console/import/nothing",
        "/__console/requests/999",
        "/__console/nothing-here",
    ],
)
def test_what_is_missing_is_said_in_the_language_of_the_page(app: InProcess, path: str) -> None:
    app.client.set_cookie("emulator_language", "ru")
    answer = app.client.get(path)

    assert answer.status_code == 404
    said = unescape(re.findall('<p class="said">([^<]*)</p>', answer.text)[0])
    assert "не найден" in said
    assert "not found" not in said


@pytest.mark.parametrize(
    ("kind", "name", "text", "said"),
    [
        ("resource/40", "role_tokens", '[{"token": "a", "name": "b", "db_id": 17}, {}]', "[1].token: "),
        ("resource/40", "role_tokens", "17", "must be an array"),
        ("resource/40", "role_tokens", "null", "must be an array"),
        ("resource/40", "categories", '[{"name": "a", "title": 1}]', "[0].title: "),
        ("resource/40", "providers", "ios-apns\nios-apn", '[1]: "ios-apn" is not known'),
        ("database/17", "fields", '{"CustomNumber1": "int", "size": "integer"}', "size: must be one of"),
    ],
)
def test_a_mistake_inside_a_field_says_where_it_is(
    app: InProcess, kind: str, name: str, text: str, said: str
) -> None:
    page = f"/__console/base/{kind}"
    typed = {"name": "Any", "db_ids": "17"} | {name: text}
    answer = send(app, page, page, **typed)

    assert answer.status_code == 400
    assert message(answer.text, name).startswith(said)


@pytest.mark.parametrize("page", ["/__console/base/database/17", "/__console/base/resource"])
def test_a_record_without_a_name_is_refused(app: InProcess, page: str) -> None:
    answer = send(app, page, page, id="7", name=" ", token="t", fields="{}")

    assert message(answer.text, "name") == "must not be empty"


@pytest.mark.parametrize("name", ["now", "advance"])
def test_an_empty_field_of_the_clock_sets_no_clock(app: InProcess, name: str) -> None:
    answer = send(app, "/__console/overview", "/__console/overview/clock", **{name: ""})

    assert answer.status_code == 400
    assert message(answer.text, name)


@pytest.mark.parametrize(("given", "missing"), [("field_name=email", "value"), ("field_value=1", "name")])
def test_half_a_filter_by_a_field_is_refused(app: InProcess, given: str, missing: str) -> None:
    app.client.set_cookie("emulator_language", "en")
    answer = app.client.get(f"/__console/base/profiles?{given}")

    assert answer.status_code == 400
    assert f'id="said-field_{missing}">must have a value' in answer.text


def test_whatever_deletes_asks_before(app: InProcess) -> None:
    app.client.post("/push_subscribe", json={})
    deletes = re.compile(r'action="[^"]*(?:/delete|overview/reset|/__console/requests)"|value="deleted"')
    found = 0
    for path in PAGES.values():
        for form in re.findall(r"<form.*?</form>", app.client.get(path).text, re.DOTALL):
            if deletes.search(form):
                found += 1
                assert "data-confirm=" in form, form
    assert found >= 6


def test_in_a_browser_a_mistake_is_corrected_where_it_was_made(console: Console) -> None:
    page = console.go("/__console/base/profiles")
    page.select_option("form.inline [name=db_id]", "17")
    page.fill("form.inline [name=profile_id]", "5fb62e815ae47a4aa04dfadd")
    page.click("form.inline button")

    field = page.locator("[aria-invalid=true]")
    assert field.input_value() == "5fb62e815ae47a4aa04dfadd"
    assert page.evaluate("document.activeElement.name") == "profile_id"
    assert page.input_value("form.inline [name=db_id]") == "17"
    said = page.locator("#" + (field.get_attribute("aria-describedby") or ""))
    assert said.inner_text() == '"5fb62e815ae47a4aa04dfadd" is in database 17 already'
    console.allow_complaint("400")
    field.fill("5fb62e815ae47a4aa04dfade")
    page.click("form.inline button")
    assert page.inner_text(".done") == "Created."


def test_every_page_says_what_is_set(app: InProcess) -> None:
    app.client.set_cookie("emulator_language", "en")
    pages = ("/", "/__console/rules", "/__console/base/databases")
    app.client.post("/__admin/faults", json={"then": {"status": 503}, "times": 1})
    assert app.push("t")["error"] == 503  # this fault is used up
    assert not any("chip set" in app.client.get(page).text for page in pages)
    app.client.post("/__admin/faults", json={"then": {"status": 503}})
    app.client.put("/__admin/clock", json={"now": "2027-01-31T12:00:00Z"})
    app.client.patch("/__admin/settings", json={"strict": True})

    for page in pages:
        shown = re.findall('class="chip set"[^>]*>([^<]*)<', app.client.get(page).text)
        assert shown == ["armed faults: 1", "the clock is frozen", "Strict mode"]
