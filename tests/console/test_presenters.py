"""What pages show, worked out: searches, highlighting, commands, the chart, translations."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.app import create_app
from emulator.journal.entry import OUTCOMES, Entry
from emulator.rules.fields import FIELD_KINDS, InvalidFieldValue, read_value
from emulator.rules.model import FieldType
from emulator.rules.providers import AROUND, DOCUMENTED, token_complaint
from emulator.settings import Settings
from emulator.web.console.live import with_outcome
from emulator.web.console.presenters.counts import MINUTES, Minute, round_up
from emulator.web.console.presenters.filters import MOST_SHOWN, highlight, visible
from emulator.web.console.presenters.reuse import curl_of, likenesses
from emulator.web.console.shown import row_of
from tests.console import catalogs


def entry(body: Any = None, **more: Any) -> Entry:
    """An entry of the journal with this body."""
    text = body if isinstance(body, str) else json.dumps(body or {})
    fields: dict[str, Any] = {
        "id": 1, "at_ms": 1769860800000, "method": "POST", "path": "/push_subscribe",
        "query": "", "client": "127.0.0.1:1", "headers": {}, "body_bytes": text.encode(),
        "status": 200, "error": 0, "error_text": "", "answer_bytes": b"", "duration_ms": 0.1,
    }  # fmt: skip
    return Entry(**(fields | more))


def test_an_outcome_is_put_into_a_search_and_taken_out() -> None:
    assert with_outcome("rule:M4 outcome:added x", "fault") == "rule:M4 x outcome:fault"
    assert with_outcome("Outcome:added", None) == ""
    assert with_outcome("-outcome:fault", "added") == "-outcome:fault outcome:added"


@settings(max_examples=40, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
def test_highlighting_keeps_every_character_of_json_but_white_space(value: Any) -> None:
    shown = str(highlight(json.dumps(value)))

    assert json.loads(_plain(shown)) == value
    assert "<script" not in shown


def _plain(markup: str) -> str:
    markup = re.sub(r'<(span|bdi)( class="j[sknw]")?>|</(span|bdi)>', "", markup)
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&#34;", '"'), ("&#39;", "'"), ("&amp;", "&")):
        markup = markup.replace(entity, character)
    return markup


@given(st.text())
def test_highlighting_escapes_what_is_no_json(text: str) -> None:
    assert "<script" not in str(highlight("<script>" + text))


def test_numbers_are_shown_digit_for_digit() -> None:
    assert "1.50e3" in str(highlight('{"a": 1.50e3}'))
    assert "9" * 5000 in str(highlight('{"a": ' + "9" * 5000 + "}"))


def test_numbers_that_json_lacks_are_shown_as_they_were_sent() -> None:
    assert _plain(str(highlight('{"a": NaN, "b": [-Infinity, Infinity]}'))).split() == [
        *("{", '"a":', "NaN,", '"b":', "[", "-Infinity,", "Infinity", "]", "}")
    ]


def test_deep_and_long_bodies_are_shown_all_the_same() -> None:
    assert highlight("[" * 5000 + "]" * 5000)
    assert len(_plain(str(highlight("x" * (MOST_SHOWN * 2))))) == MOST_SHOWN


@given(st.text(st.characters(exclude_categories=["C", "Z"])))
def test_a_commands_body_survives_the_shell(body: str) -> None:
    command = curl_of(entry("'\n$(rm)`" + body, headers={"request-id": "a'b", "host": "h"}), "http://h:1")

    words = shlex.split(command)
    assert words[words.index("--data-raw") + 1] == "'\n$(rm)`" + body
    assert "request-id: a'b" in words
    assert "host: h" not in words


def test_escaped_letters_are_shown_as_letters_and_what_nobody_sees_as_marks() -> None:
    sent = r'{"\u0438\u043c\u044f": "\u0410\u043d\u043d\u0430 \ud83d\ude00 \u0000 \u202e \" \\u0410 a\/b"}'
    shown = _plain(str(highlight(sent)))
    assert json.loads(shown) == json.loads(sent)
    words = r'"Анна 😀 \u0000 \u202e \" \\u0410 a/b"'
    assert shown.split() == ["{", '"имя":', *words.split(), "}"]
    assert str(highlight("a\0b\u202ec")) == "<bdi>a␀b‹U+202E›c</bdi>"
    assert '<bdi class="js">&#34;שלום&#34;</bdi>' in str(highlight('["שלום"]'))
    assert (visible("\u200bt1\ufeff\u200d"), visible("👩\u200d🚀")) == (
        "‹U+200B›t1‹U+FEFF›‹U+200D›",
        "👩\u200d🚀",
    )


@pytest.mark.parametrize(
    "body", ["", "[]", '"text"', '{"subscriptions": 5}', '{"subscriptions": [1, {}]}', "{"]
)
def test_a_row_is_made_of_any_body(body: str) -> None:
    assert row_of(entry(body)).tokens in ([], [("", "")])
    assert likenesses(entry(body)) == {"any": {}}


def test_a_chart_is_drawn_of_nothing_and_of_much() -> None:
    none = [Minute("12:00", Counter())] * MINUTES
    much = [*none[1:], Minute("12:30", Counter(added=70_000, refused=1))]
    app = create_app(Settings(durability="none"))
    with app.test_request_context():
        chart = app.jinja_env.get_template("console/chart.html").module.chart  # type: ignore[attr-defined]
        assert "<rect" not in chart(none, round_up(0), OUTCOMES, "title")
        drawn = chart(much, round_up(70_001), OUTCOMES, "<title>")
    assert drawn.count("<rect") == 2
    assert 'aria-label="&lt;title&gt;"' in drawn
    assert ">100000</text>" in drawn


def test_the_words_in_the_notes_of_rules_and_lints_are_known_to_the_translations() -> None:
    words = {token_complaint(provider, "?") for provider in DOCUMENTED} - {None}
    words |= set(AROUND)
    for kind, value in product(FIELD_KINDS, ("", "1e999", True)):
        try:
            read_value(FieldType(kind, ("gold",)), value)
        except InvalidFieldValue as error:
            words.add(error.wanted)

    assert words <= {message.id for message in catalogs.collect()}


@pytest.mark.parametrize("language", catalogs.TRANSLATED)
def test_every_text_is_translated_and_compiled(language: str) -> None:
    """If this fails: ``python -m tests.console.catalogs``, then translate what it names."""
    wanted = {message.id for message in catalogs.collect() if message.id}
    catalog = catalogs.read(language)
    translated = {message.id for message in catalog if message.id and message.string}

    assert wanted - translated == set()
    assert translated - wanted == set()
    assert catalogs.texts(catalogs.read_compiled(language)) == catalogs.texts(catalog)
    assert [list(message.check()) for message in catalog if list(message.check())] == []


#: What Russian pages call otherwise: the body, the HTTP status, a workspace, fixtures, a database.
_OTHER_WORDS = re.compile(
    r"\bтел(о|а|е|ом)\b|[Сс]татус\w* HTTP|(?<![Рр]абоч.. )(?<![Рр]абоче.. )пространств|[Фф]икстур(?!а pytest)"
    r"|\bбаз(а|ы|е|у|ой|ам|ах)?\b(?! данных)|\d\.\d{2}|\d (ms|KiB|MiB)\b"
)


def test_russian_texts_have_one_word_for_one_thing() -> None:
    texts = catalogs.texts(catalogs.read("ru")).values()
    assert [text for text in texts if _OTHER_WORDS.search(str(text))] == []
