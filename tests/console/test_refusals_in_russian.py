"""Whatever a form refuses, a Russian page says in Russian, at the right field."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from html import unescape
from io import BytesIO
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.console.test_forms import PROFILE, message, send
from tests.in_process import InProcess

BASE, RULES, OVERVIEW = "/__console/base", "/__console/rules", "/__console/overview"
OWN_FAULT, IMPORT, COMPARISON = "/__console/faults/own", "/__console/import", "/__console/comparison"
RECIPE = "/__console/faults/item-duplicate"
PROFILE_PAGE = f"{BASE}/profile?db_id=17&profile_id={PROFILE}"
OF_PROFILE = {"db_id": "17", "profile_id": PROFILE}
#: English words that no name and no value of the table below has.
_ENGLISH = re.compile(r"\b(?:an|be|did|has|have|is|it|must|never|not|or|the|there|was)\b")
#: Texts that are no JSON, or not what is asked for.
TEXTS = (
    "[", '{"a": 1, "a": 2}', '{"a": NaN}', "\ufeff{}", "a\0b", r'{"\u0000": 1}', r'{"a": "\ud800"}',
    "[" * 80 + "]" * 80, "5", '{"a": 5}', '[{"a": 5}]', '{"%(id)s": "int", "{0}: ": "<b>"}',
)  # fmt: skip
PLATFORM = {"host": "h", "date": "2026-01-31"}
MAIN = {"name": "Main", "db_ids": "17"}
FAULT = {"effect": "status", "status": "503", "times": "1"}

#: Each form: its page, its action, and what is typed.
FORMS: tuple[tuple[str, str, tuple[dict[str, str], ...]], ...] = (
    (f"{BASE}/database", f"{BASE}/database", (
        {"name": ""}, {"name": "x", "id": "x"}, {"name": "x", "id": "17"}, {"name": "x", "id": "9" * 19},
    )),
    (f"{BASE}/database/17", f"{BASE}/database/17", (
        *({"name": "Main", "fields": text} for text in TEXTS),
        *({"name": "Main", "fields": f'{{"a": {one}}}'} for one in ('"integer"', '{"type": "enum"}')),
        {"name": "Main", "fields": '{"": "int"}'}, {"name": "Main", "fields": "{}"},
        {"name": "Main", "fields": '{"CustomNumber1": "date"}', "cascade": "on"},
    )),
    (f"{BASE}/database/17", f"{BASE}/database/17/delete", ({},)),
    (f"{BASE}/database/17", f"{BASE}/database/99/delete", ({},)),
    (f"{BASE}/resource", f"{BASE}/resource", (
        {"name": "x", "db_ids": "x"}, {"name": "x", "id": "", "db_ids": "17"},
        {"name": "x", "id": "5", "token": "t", "db_ids": "17 17 99"},
    )),
    (f"{BASE}/resource/40", f"{BASE}/resource/40", (
        *(MAIN | {name: text} for text in TEXTS for name in ("categories", "role_tokens")),
        *(MAIN | {"subscription_fields": text} for text in (*TEXTS, '{"_os_tz": "date"}')),
        MAIN | {"providers": "ios-apn"}, MAIN | {"token": "x…"}, {"name": "x", "db_ids": "99"},
        *(MAIN | {"jwt_key": text} for text in ("x…", "-----BEGIN PUBLIC KEY-----")),
        *(MAIN | {"role_tokens": json.dumps([{"name": "r", "db_id": 17, "token": "a"} | one] * 2)}
          for one in ({}, {"db_id": 99}, {"db_id": "17"}, {"token": "я"}, {"token": ""}, {"tokn": "a"})),
        *(MAIN | {"categories": json.dumps([{"name": "c", "title": "C"} | one] * 2)}
          for one in ({}, {"name": 1}, {"x": 1}, {"name": ""})),
    )),
    (f"{BASE}/resource/5", f"{BASE}/resource/5", ({"name": "x", "db_ids": ""},)),
    (f"{BASE}/profiles", f"{BASE}/profile/new", (
        {"db_id": "x"}, {"db_id": "99"}, {"db_id": "17", "profile_id": PROFILE},
        {"db_id": "17", "profile_id": "x" * 70},
    )),
    (PROFILE_PAGE, f"{BASE}/profile/fields", (
        *(OF_PROFILE | {f"field.{name}": "%(x)s"} for name in (
            "CustomNumber1", "score", "vip", "birthday", "last_visit", "last_ip", "tier", "CustomNumber",
        )),
        {"db_id": "17", "profile_id": "nobody"}, {"db_id": "x"},
    )),
    (PROFILE_PAGE, f"{BASE}/profile/subscribe", tuple(
        OF_PROFILE | {"resource_id": "40", "provider": "ios-firebase", "subscription_id": "t"} | one
        for one in ({"subscription_id": ""}, {"provider": "zz"}, {"resource_id": "x"}, {"resource_id": "99"},
                    {"db_id": "99"}, {"profile_id": "nobody"})
    )),
    (PROFILE_PAGE, f"{BASE}/profile/subscription", ({**OF_PROFILE, "hash_id": "ffffffff"},)),
    (PROFILE_PAGE, f"{BASE}/profile/delete", ({"db_id": "17", "profile_id": "nobody"},)),
    (OWN_FAULT, OWN_FAULT, (
        {"effect": "delay"}, {"effect": "delay", "delay_ms": "9", "longest_ms": "1"}, {"effect": "zz"},
        {"effect": "delay", "delay_ms": "-1"}, {"effect": "rate_limit"}, {"effect": "item_error.zz"},
        {"effect": "rate_limit", "per_second": "0"}, {"effect": "item_error.duplicate", "apply": "after"},
        *(FAULT | one for one in (
            {"status": "200"}, {"status": "x"}, {"error": "9" * 19}, {"error_text": "я" * 2000},
            {"times": "0"}, {"times": "1.5"}, {"probability": "2"}, {"probability": "50%"}, {"apply": "zz"},
            {"provider": "%(provider)s"}, {"resource_id": "99"}, {"call": "zz"},
        )),
    )),
    (RECIPE, RECIPE, ({"times": "x"}, {"call": "zz"})),
    (RECIPE, "/__console/faults/no-json", ({},)),
    (RECIPE, "/__console/faults/%25(id)s", ({},)),
    ("/__console/requests/1", "/__console/requests/1/fail", ({"like": "zz"}, {"like": "token"})),
    ("/__console/requests/1", "/__console/requests/99/fail", ({},)),
    (OVERVIEW, f"{OVERVIEW}/clock", (
        {"now": "noon"}, {"advance": "soon"}, {"advance": "99999999999d"}, {"now": ""},
    )),
    (OVERVIEW, f"{OVERVIEW}/settings", ({"http_status": "zz"},)),
    (OVERVIEW, f"{OVERVIEW}/workspaces", ({"name": ""}, {"name": "Имя"})),
    (OVERVIEW, f"{OVERVIEW}/workspaces/delete", ({"name": "default"}, {"name": "nobody"}, {"name": "%"})),
    (RULES, f"{RULES}/platform", (
        *({"platform": text} for text in TEXTS),
        *({"platform": json.dumps(PLATFORM | one)} for one in (
            {"host": "https://x/"}, {"host": 5}, {"date": "31.01.2026"}, {"policies": {"unknown_id": "kep"}},
            {"policies": {"unknown_d": "new"}}, {"answers": {"A3": {}}}, {"answers": {"A3": {"status": 204}}},
            {"answers": {"A3": {"stat": 1}}}, {"answers": {"A3": {"error_text": "x" * 2000}}},
            {"answers": {"A3": None}}, {"agrees": "A3"}, {"agrees": ["A33"]}, {"differs": {"A33": "x"}},
            {"differs": []}, {"strict": "yes"}, {"hosst": "x"},
        )),
    )),
    (RULES, f"{RULES}/answers", (
        *({"answers": text} for text in TEXTS),
        *({"answers": json.dumps(one)} for one in ({"M4": {}}, {"M4": {"description": 5}}, {"a3": {}})),
    )),
    (COMPARISON, COMPARISON, ({},)),
    (IMPORT, IMPORT, ({},)),
)  # fmt: skip
#: Pages whose query is wrong.
QUERIES = (
    f"{BASE}/profiles?limit=0", f"{BASE}/profiles?cursor=x", f"{BASE}/profiles?db=17",
    f"{BASE}/profiles?db_id=x&status=y", f"{BASE}/profiles?field_name=emial&field_value=x",
    f"{BASE}/profiles?field_name=CustomNumber1&field_value=x", f"{BASE}/profiles?field_name=x",
    f"{BASE}/profiles?db_id=17&field_name=x&field_value=y", f"{BASE}/subscriptions?resource_id=x",
    *(f"/?q={text}" for text in (
        "status:abc", "status:600", "took:x", "provider:ios-apn", "resource_id:99", "rule:L1", "rule:ZZ",
        "lint:L99", "statu:400", "foo:bar", "since:x", "unsubscribe:x", "fault:zzz", "path:push",
        "subscription_hash_id:XYZ", "provider:", "rule:ZZ outcome:%25(id)s took:x",
    )),
    "/__console/events?kind=opn", "/__console/requests/99", f"{BASE}/database/99", f"{IMPORT}/nothing",
    f"{IMPORT}/file/nothing", "/__console/nothing", "/w/UPPER/__console/overview",
)  # fmt: skip
TABLE = b"number;token;token\n1;t;u\n"
FILES = (b"", b"a;b\n", b"<html>", b"\n\n", b"x" * 2_000_000, b"\x1f\x8b\x08")
COLUMNS: tuple[dict[str, str], ...] = (
    {"token_column": ""}, {"token_column": "toke"}, {"token_column": "token"},
    {"by": "id", "value_column": "zz"},
    {"by": "id", "value_column": "#2"}, {"by": "field", "value_column": "number", "field": "CustomNumber"},
    {"status_column": "zz"}, {"status_column": "#2"}, {"encoding": "zz"}, {"encoding": "base64"},
    {"delimiter": "zz"}, {"quote": "zz"}, {"header": "no", "token_column": "token"},
)  # fmt: skip


@pytest.fixture(scope="module")
def app() -> Iterator[InProcess]:
    """One application: what is refused changes nothing."""
    with InProcess() as made:
        made.push("t")
        yield made


def said_in_russian(answer: TestResponse) -> list[str]:
    """What a page says is wrong, which must be Russian."""
    said = [unescape(one) for one in re.findall(r'<p class="said"[^>]*>([^<]*)</p>', answer.text)]
    assert answer.status_code in (400, 401, 404, 409, 413), answer.status_code
    assert said
    for text in said:
        assert re.search("[а-я]", text), text
        assert not re.search(r"%\((?!id\)s|x\)s|provider\)s)", text), text
        assert not _ENGLISH.search(text), text
    return said


@pytest.mark.parametrize(("page", "action", "typed"), FORMS, ids=[one[1] for one in FORMS])
def test_a_form_refuses_in_russian(
    app: InProcess, page: str, action: str, typed: tuple[dict[str, str], ...]
) -> None:
    for one in typed:
        said_in_russian(send(app, page, action, "ru", **one))


def test_a_query_is_refused_in_russian(app: InProcess) -> None:
    app.client.set_cookie("emulator_language", "ru")
    for path in QUERIES:
        said_in_russian(app.client.get(path))


def test_an_import_is_refused_in_russian(app: InProcess) -> None:
    chosen = {"resource_id": "5", "provider": "ios-apns"}
    for content in FILES:
        said_in_russian(send(app, IMPORT, IMPORT, "ru", file=(BytesIO(content), "t.csv"), **chosen))
    for wrong in ({"resource_id": "99"}, {"provider": "x" * 600_000}):
        said_in_russian(
            send(app, IMPORT, IMPORT, "ru", file=(BytesIO(b"a;b\n1;2\n"), "t.csv"), **chosen | wrong)
        )
    table = BytesIO(b"number;token;token\n1;t;u\n")
    page = send(app, IMPORT, IMPORT, file=(table, "t.csv"), **chosen).headers["Location"]
    for typed in COLUMNS:
        said_in_russian(send(app, page, page, "ru", **{"token_column": "#2", "by": "push"} | typed))


def test_a_row_is_refused_in_russian_with_its_numbers(app: InProcess) -> None:
    content = b'number;token\n1;"' + b"x\n" * 100_000
    typed: dict[str, Any] = {"resource_id": "5", "provider": "ios-apns", "file": (BytesIO(content), "t.csv")}
    page = send(app, IMPORT, IMPORT, **typed).headers["Location"]
    job = send(app, page, page, "ru", token_column="#2", by="push", dry_run="1").headers["Location"]

    assert "<td>в ячейке больше 131\xa0072 символов: не закрыта кавычка?" in app.client.get(job).text


@pytest.mark.parametrize(
    ("page", "typed", "name"),
    [
        (OWN_FAULT, {"effect": "delay", "delay_ms": "1", "longest_ms": "-1"}, "longest_ms"),
        (OWN_FAULT, {"effect": "delay", "delay_ms": "-1", "longest_ms": "1"}, "delay_ms"),
        (f"{BASE}/database/17", {"name": "Main", "fields": '{"a[1]": 5}'}, "fields"),
    ],
)
def test_a_refusal_stands_at_the_field_that_it_is_about(
    app: InProcess, page: str, typed: dict[str, Any], name: str
) -> None:
    answer = send(app, page, page, "ru", **typed)

    assert said_in_russian(answer) == [message(answer.text, name)]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("field_name=emial&field_value=x", "field_name"),
        ("db_id=17&field_name=x&field_value=y", "field_name"),
        ("field_name=CustomNumber1&field_value=x", "field_value"),
    ],
)
def test_a_filter_by_a_field_says_which_half_is_wrong(app: InProcess, query: str, name: str) -> None:
    app.client.set_cookie("emulator_language", "ru")
    answer = app.client.get(f"{BASE}/profiles?{query}")

    assert said_in_russian(answer) == [message(answer.text, name)]


def test_a_field_says_all_that_is_wrong_in_it(app: InProcess) -> None:
    page, wrong = f"{BASE}/database/17", {f"field{number}": 5 for number in range(30)}
    answer = send(app, page, page, "ru", name="Main", fields=json.dumps(wrong))

    lines = message(answer.text, "fields").split("\n")
    assert [one.partition(":")[0] for one in lines] == [*list(wrong)[:20], "и ещё 10"]
    assert len(said_in_russian(answer)) == 1


def test_what_is_wrong_with_no_field_of_the_form_says_its_name(app: InProcess) -> None:
    typed = {**OF_PROFILE, "field.unheard_of": "1", "field.vip": "true"}
    said = said_in_russian(send(app, PROFILE_PAGE, f"{BASE}/profile/fields", "ru", **typed))
    assert said == ["fields.unheard_of: в базе данных 17 нет такого поля"]

    app.client.set_cookie("emulator_language", "ru")
    assert said_in_russian(app.client.get(f"{BASE}/profiles?db=17")) == ["db: неизвестный ключ"]


def test_a_form_that_is_too_large_is_refused(app: InProcess) -> None:
    page = f"{BASE}/database"
    answer = send(app, page, page, "ru", id="9", name="x" * 2_000_000)

    assert answer.status_code == 413
    assert said_in_russian(answer) == ["body: не больше 1 МиБ"]
    report = BytesIO(b"x" * ((32 << 20) + 1))
    answer = send(app, COMPARISON, COMPARISON, "ru", file=(report, "report.json"))
    assert said_in_russian(answer) == ["file: не больше 32 МиБ"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"x" * 2_000_000, "содержит строку длиннее 1\xa0048\xa0576 байт: это не таблица"),
        (gzip.compress(b"", mtime=0)[:10] + b"\xff" * 9, "не читается: сжатый файл повреждён"),
    ],
)
def test_a_file_with_too_much_or_damage_is_refused(app: InProcess, content: bytes, said: str) -> None:
    typed: dict[str, Any] = {"resource_id": "5", "provider": "ios-apns", "file": (BytesIO(content), "t.csv")}

    assert said_in_russian(send(app, IMPORT, IMPORT, "ru", **typed)) == [said]


def test_a_form_of_somebody_who_is_not_signed_in_says_so() -> None:
    with InProcess(admin_token="secret") as guarded:
        guarded.client.set_cookie("emulator_language", "ru")
        answer = guarded.client.post(f"{OVERVIEW}/reset")

    assert answer.status_code == 401
    assert said_in_russian(answer) == [
        "вход больше не действует: обновите страницу, войдите и отправьте форму снова"
    ]
