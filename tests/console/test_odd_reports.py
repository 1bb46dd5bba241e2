"""Reports of a comparison that this version did not write: shown or refused, and the page stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest

from tests.console.test_forms import message, send
from tests.in_process import InProcess

PAGE = "/__console/comparison"
#: What the version before ``texts`` wrote.
OLD = {
    "sources": ["app.har"],
    "host": "api.example.com",
    "left_out": {"to another host, 100% %(host)s": 1},
    "first_left_out": {"to another host, 100% %(host)s": "app.har, entry 1"},
    "notes": ["a note"],
    "differences": [
        {
            "place": "app.har, entry 2",
            "request": {"id": "%(id)s"},
            "rules": ["S4"],
            "members": [{"path": "header X", "platform": 1, "emulator": "(absent)", "differs": True}],
        }
    ],
}


@pytest.fixture
def app() -> Iterator[InProcess]:
    with InProcess() as made:
        yield made


def opened(app: InProcess, content: str, language: str = "en") -> tuple[int, str, str]:
    """The status of the form that opens a report, what it says at its field, and the page afterwards."""
    file = (BytesIO(content.encode()), "report.json")
    answer = send(app, PAGE, PAGE, language, file=file)
    shown = app.client.get(PAGE)
    assert shown.status_code == 200
    return answer.status_code, message(answer.text, "file"), shown.text


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_report_of_the_version_before_is_shown_in_english(app: InProcess, language: str) -> None:
    status, _, shown = opened(app, json.dumps(OLD), language)

    assert status == 303
    for part in ("to another host, 100% %(host)s", "app.har, entry 2", "header X", "a note"):
        assert part in shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ({"code": "x %(a)s %(b)s 100% %s", "values": {"a": "%(b)s"}}, "x %(b)s %(b)s 100% %s"),
        ({"code": "%(a)s", "values": {"a": {"code": "%(a)s", "values": {"a": 5}}}}, "5"),
        ({"code": "<b>%(a)s", "values": {"a": "<script>"}}, "&lt;b&gt;&lt;script&gt;"),
        ({"code": "", "values": {"a": 1}}, '<p class="muted"></p>'),
        ({"code": "no_column", "values": {"named": "n"}}, "n"),
    ],
)
def test_odd_texts_of_a_report_are_shown_as_they_are(app: InProcess, text: dict[str, Any], said: str) -> None:
    for language in ("en", "ru"):
        status, _, shown = opened(app, json.dumps(OLD | {"texts": {"a note": text}}), language)
        assert status == 303
        assert said in shown


@pytest.mark.parametrize(
    "wrong",
    [
        '"texts": null',
        '"texts": {"a note": "text"}',
        '"texts": {"a note": {"values": {}}}',
        '"texts": {"a note": {"code": 5}}',
        '"texts": {"a note": {"code": "x", "values": {"a": null}}}',
        '"texts": {"a note": {"code": "x", "values": {"a": [1]}}}',
        f'"texts": {{"a note": {{"code": "%(a)s", "values": {{"a": {"9" * 5000}}}}}}}',
        f'"compared": {"9" * 400}',
        f'"left_out": {{"a": {"9" * 400}}}',
    ],
)
def test_what_cannot_be_shown_is_refused_and_the_report_before_stays(app: InProcess, wrong: str) -> None:
    assert opened(app, json.dumps(OLD))[0] == 303

    status, said, shown = opened(app, f"{json.dumps(OLD)[:-1]}, {wrong}}}")

    assert (status, said) == (400, "must be a report that compare --report FILE wrote")
    assert "app.har, entry 2" in shown


def test_a_text_that_is_nested_too_deep_leaves_the_page_as_it_was(app: InProcess) -> None:
    refused = set()
    for depth in range(300, 600, 5):
        nested = '{"code": "%(a)s", "values": {"a": ' * depth + "1" + "}}" * depth
        status, _, _ = opened(app, f'{json.dumps(OLD)[:-1]}, "texts": {{"a note": {nested}}}}}')
        refused.add(status)
    assert refused == {303, 400}
