"""The language of searches."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.app import create_app
from emulator.journal.matching import RequestCriteria
from emulator.journal.query import WORDS, BadCriteria, read_query
from emulator.rules.model import Decided
from emulator.settings import Settings
from tests.journal.test_matching import entry, reading

_UNKNOWN = "no search word has this name; put a text with a colon in quotes"


@pytest.mark.parametrize(
    ("found", "missed"),
    [
        ("status:5xx", "status:4xx"),
        ("status:5XX", "-status:5xx"),
        ("status:>=503", "status:>503"),
        ("status:500..599", "status:..499"),
        ("error:<504 error:>502", "error:<504 error:>503"),
        ("took:>100", "took:>120.5"),
        ("took:120,5..121", "took:<=120"),
        ("took:>0.1s", "took:>0.2s"),
        ("-status:200", "-status:503"),
        ("Rule:m4", "-rule:M4"),
        ("-rule:M1 -rule:M2", "-rule:M1 -rule:M4"),
        ("SUBSCRIPTION_ID:token-1", "subscription_id:token-2"),
        ("provider:ANDROID-Firebase unsubscribe:False", "provider:android-firebase unsubscribe:true"),
        ("TOKEN-1 -nothing", "token-1 -android"),
        ('"android-firebase"', '"firebase-android"'),
        ('-"no such phrase"', '-"android-firebase"'),
        ("rule:M4 status:503", "rule:M4 rule:M5"),
    ],
)
def test_a_search_finds_what_it_means_and_nothing_else(found: str, missed: str) -> None:
    made = entry("Token-1")
    made.status = made.error = 503
    made.duration_ms, made.decided = 120.5, [Decided("M4", 17, "added")]
    one = reading(made)
    assert RequestCriteria({"q": found}).meets(one)
    assert RequestCriteria({"q": found}).differences(one) == []
    assert not RequestCriteria({"q": missed}).meets(one)
    assert RequestCriteria({"q": missed}).differences(one)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("provder:ios-apns", f'provder: {_UNKNOWN}, did you mean "provider"?'),
        ("statuss=500", 'did you mean "status"?'),
        ("-outcom:fault", 'did you mean "outcome"?'),
        ("foo:bar", f"foo: {_UNKNOWN}"),
        ("provider:", "provider: must have a value"),
        ("status:often", "status: must be a number or a range: 5xx"),
        ("status:599..500", "status: must be a number or a range"),
        ("db_id:5xx", "db_id: must be a number or a range"),
        ("took:100", "took: must be a range of milliseconds"),
        ("unsubscribe:yes", "unsubscribe: must be true or false"),
        ("since:yesterday", "since: must be a time"),
    ],
)
def test_a_search_that_means_nothing_is_refused_with_the_nearest_word(text: str, said: str) -> None:
    with pytest.raises(BadCriteria) as refused:
        read_query(text)
    assert said in refused.value.text


@pytest.mark.parametrize(
    "text",
    [
        *("dQw4w9WgXcQ:APA91b", "-Qw4w9WgXcQ:APA91b", "https://a/b", '{"a":1}'),
        *("a=b", "12:30", '"foo:bar"', "-", "dGhpcyBpcw=="),
    ],
)
def test_a_text_that_only_looks_like_a_word_is_text(text: str) -> None:
    assert read_query(text) == ([text if text[0] != '"' else text[1:-1]], [], [], [])


@given(st.text())
def test_any_text_is_a_search_or_refused(text: str) -> None:
    try:
        match = RequestCriteria({"q": text})
    except BadCriteria:
        return
    assert match.meets(reading(entry())) == (not match.differences(reading(entry())))


def test_the_help_has_an_example_that_can_be_read_for_every_word() -> None:
    named = set()
    page = create_app(Settings(durability="none")).test_client().get("/", headers={"Host": "localhost"}).text
    for example in re.findall(r"<dt><a [^>]*><code>(.*?)</code>", page):
        query = read_query(unescape(example))
        named |= {key for one in (*query.asked, *query.excluded) for key in one}
    assert {"field" if one.startswith("field.") else one for one in named} == {*WORDS, "field"}
