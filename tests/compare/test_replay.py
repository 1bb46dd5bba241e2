"""Recorded answers held against the emulator's: what is equal, what differs, by which rule."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from emulator.compare.inference import infer_fixtures
from emulator.compare.learning import learn
from emulator.compare.recorded import NotCompared, read_record
from emulator.compare.replay import Compared, replay
from emulator.fixtures.platform import PlatformFileSchema
from emulator.rules.model import Policies
from emulator.rules.overrides import DUPLICATE, INVALID_VALUE, UNKNOWN_FIELD
from emulator.settings import Settings
from emulator.store.fixture_set import FixtureSet, ProfileEntry, SubscriptionEntry
from emulator.store.state_on_disk import MOST_AT_ONCE
from tests.compare import added, answer, bare, body, calls, pair, refused_item
from tests.server import subscription

P, Q = "59db33d269d426509e9c4bf9", "5fb62e815ae47a4aa04dfadd"
CARD = {"matching": "custom", "field_name": "card"}


def compared(*pairs: dict[str, Any], **policies: Any) -> list[Compared]:
    recorded = calls(*pairs)
    own = Settings(durability="none", policies=Policies(**policies), journal_count=1)
    return list(replay(recorded, infer_fixtures(recorded, FixtureSet()), own))


def differing(*pairs: dict[str, Any], **policies: Any) -> list[list[str]]:
    return [list(one.differing) for one in compared(*pairs, **policies)]


TRAFFIC = {
    "pushes, then the same again, then unsubscribed and back": [
        pair(body("a"), answer(added("a", P))),
        pair(body("a"), answer(bare(P), error=200)),
        pair(
            body(subscriptions=[subscription("a", unsubscribe=True)]),
            answer(added("a", P, unsubscribe=True)),
        ),
        pair(body("a"), answer(added("a", P))),
    ],
    "a profile's id is sent back to the platform that made it": [
        pair(body("a"), answer(added("a", P))),
        pair(body("b", id=P), answer(added("b", P))),
    ],
    "it was subscribed before": [pair(body("a"), answer(bare(P), error=200))],
    "it was subscribed before, and is unsubscribed": [
        pair(
            body(subscriptions=[subscription("a", unsubscribe=True)]), answer(added("a", P, unsubscribe=True))
        )
    ],
    "it is active on a profile that no answer shows": [
        pair(body("a", id=P), answer(refused_item("a", P, DUPLICATE), error=200))
    ],
    "fields of three types, in one of two databases": [
        pair(body("a", **CARD, field_value=7), answer(added("a", P), added("a", Q, 34))),
        pair(
            body("a", **CARD, field_value="x"),
            answer(
                {"db_id": 17, "description": INVALID_VALUE, "resource_id": 5, "status": "error"},
                {"db_id": 34, "description": INVALID_VALUE, "resource_id": 5, "status": "error"},
                error=200,
            ),
        ),
        pair(
            body("a", matching="custom", field_name="vip", field_value=True),
            answer(
                {"db_id": 17, "description": UNKNOWN_FIELD, "resource_id": 5, "status": "error"},
                added("a", "a" * 24, 34) | {"status": "ok"},
                error=200,
            ),
        ),
    ],
    "a profile that pushes find is later found by its field": [
        pair(body("a"), answer(added("a", P))),
        pair(body("b", **CARD, field_value="c-1"), answer(added("b", P))),
        pair(body("a", **CARD, field_value="c-1"), answer(bare(P), error=200)),
    ],
    "no such resource": [pair(body("a"), answer(error=404, text="Resource not found"), 404)],
    "no such resource, whatever else is wrong": [
        pair(
            body("a", matching="?"),
            answer(error=400, text='matching: must be "custom" or "profile_id", not "?"'),
            400,
        ),
        pair(body("a"), answer(error=404, text="Resource not found"), 404),
    ],
    "no databases": [pair(body("a"), answer(error=400, text="Resource has no databases"), 400)],
}


@pytest.mark.parametrize("name", [name for name in TRAFFIC if "three types" not in name])
def test_what_the_documented_rules_answer_agrees_without_fixtures(name: str) -> None:
    pairs = TRAFFIC[name]
    assert differing(*pairs) == [[] for _ in pairs]


def test_fields_are_inferred_with_the_type_that_takes_and_refuses_as_the_platform() -> None:
    recorded = calls(*TRAFFIC["fields of three types, in one of two databases"])
    databases = {one.id: one for one in infer_fixtures(recorded, FixtureSet()).databases}
    assert databases[17].fields["card"].kind == databases[34].fields["card"].kind == "int"
    assert "vip" not in databases[17].fields
    assert databases[34].fields["vip"].kind == "bool"


DIFFERENT = {
    "S4": [
        pair(body("a", id=P), answer(added("a", P))),
        pair(body("a", id=Q), answer(added("a", Q))),
    ],
    "M8": [pair(body("a", id="mine"), answer(added("a", P)))],
    "S7": [pair(body("a"), answer(added("a", P))), pair(body("a"), answer(error=200))],
    "A2": [pair(body("a"), answer(added("a", P))), pair(body("a"), answer(bare(P)))],
    "B4": [pair(body("a"), answer(error=404, text="no such resource"), 404)],
    "A3": [pair(body("a"), answer(error=404, text="Resource not found"), 200)],
    "S5": [pair(body("a", "a"), answer(added("a", P)))],
    "M10": [
        pair(body("a"), answer(added("a", P))),
        pair(body("a", matching="email"), answer(error=1, text="bad matching"), 400),
    ],
    "Q5": [
        pair(body("a", extra=1), answer(error=400, text="unknown parameter"), 400),
        pair(body("b"), answer(added("b", P))),
    ],
    "A5": [
        pair(body("a"), answer(added("a", P, subscription_hash_id="1"))),
        pair(
            body(subscriptions=[subscription("a", unsubscribe=True)]),
            answer(added("a", P, unsubscribe=True, subscription_hash_id="2")),
        ),
    ],
    "S1": [pair(body("a"), answer(added("a", P, unsubscribe=0)))],
}


@pytest.mark.parametrize("rule", DIFFERENT)
def test_a_difference_is_found_and_attributed_to_its_rule(rule: str) -> None:
    found = differing(*DIFFERENT[rule])
    assert {name for names in found for name in names} == {rule}


@pytest.mark.parametrize(
    ("rule", "policies"),
    [
        ("S4", {"duplicate_token": "move"}),
        ("M8", {"unknown_id": "new"}),
        ("A3", {"http_status": "always_200"}),
    ],
)
def test_the_policy_of_the_platform_leaves_no_difference(rule: str, policies: dict[str, Any]) -> None:
    pairs = DIFFERENT[rule]
    assert differing(*pairs, **policies) == [[] for _ in pairs]


def test_items_in_another_order_differ() -> None:
    twice = pair(body("a"), answer(added("a", P), added("a", Q, 34)))
    turned = pair(body("b", id="x"), answer(added("b", "y" * 24, 34), added("b", "z" * 24)))
    assert "B1" in differing(twice, turned)[1]


def test_databases_and_resources_of_other_numbers_agree_by_their_pattern() -> None:
    given = infer_fixtures(calls(pair(body("a"), answer(added("a", P), added("a", Q, 34)))), FixtureSet())

    def renumbered(item: dict[str, Any]) -> dict[str, Any]:
        return item | {"db_id": item["db_id"] + 1000, "resource_id": 99}

    recorded = calls(
        pair(body("a"), answer(renumbered(added("a", P)), renumbered(added("a", Q, 34)))),
        pair(body("b", db_ids=[1034]), answer(renumbered(added("b", "f" * 24, 34)))),
    )
    found = list(replay(recorded, given, Settings(durability="none", journal_count=1)))
    assert [list(one.differing) for one in found] == [[], []]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


def _odd(usual: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The usual document, some of whose members are of any form or absent."""
    return st.fixed_dictionaries({}, optional={name: st.just(it) | _JSON for name, it in usual.items()})


_ODD_CALLS = st.lists(
    st.builds(
        lambda request, answered, status: pair(request, answered, status),
        _odd(body("a", id=P, db_ids=[17], matching="custom", field_name="x", field_value=1, other=1)),
        _odd(answer(added("a", P))) | st.builds(lambda item: answer(item), _odd(added("a", P))),
        st.sampled_from((200, 400, 404)),
    ).filter(lambda one: one["answer"]),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(pairs=_ODD_CALLS)
@example(pairs=[pair(body("a"), {"error": [], "error_text": {}})])
@example(pairs=[pair({}, {"error": 1 << 64, "error_text": "x" * 100_000}, 204)])
def test_odd_requests_and_answers_are_compared_and_never_fail(pairs: list[dict[str, Any]]) -> None:
    recorded = []
    for at, one in enumerate(pairs):
        with suppress(NotCompared):
            recorded.append(read_record(json.loads(json.dumps(one)), f"line {at}"))
    fixtures = infer_fixtures(recorded, FixtureSet())
    assert len(list(replay(recorded, fixtures, Settings(durability="none")))) == len(recorded)
    learned = msgspec.to_builtins(learn(recorded, fixtures, False, "host", "2026-01-31"))
    assert PlatformFileSchema().validate(learned) == {}


def test_a_call_about_a_token_that_very_many_profiles_have_left_is_answered() -> None:
    recorded = calls(pair(body("a"), answer(added("a", P))))
    fixtures = infer_fixtures(recorded, FixtureSet())
    (resource,) = fixtures.resources
    left = [SubscriptionEntry(resource.id, "android-firebase", "a", "unsubscribed")]
    ids = (f"p{number}" for number in range(MOST_AT_ONCE + 1))
    fixtures.profiles = [ProfileEntry(resource.db_ids[0], one, {}, left) for one in ids]
    (one,) = replay(recorded, fixtures, Settings(durability="none"))
    assert one.answer["data"][0]["profile_id"] == "p0"
