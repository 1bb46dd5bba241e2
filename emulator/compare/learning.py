"""Infers a platform file from answers: policies, codes and texts, and differences without an explanation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from emulator.compare.attribution import carried_out, rule_of_item
from emulator.compare.differences import ABSENT, ComparedMember
from emulator.compare.recorded import RecordedCall
from emulator.compare.replay import Compared, replay
from emulator.fixtures.platform import can_be_set
from emulator.rules.catalogue import POLICY_RULES, SDK_RULES
from emulator.rules.overrides import ANSWERS, AnswerOverride
from emulator.rules.platform import Platform
from emulator.rules.request import NO_DATABASES
from emulator.settings import POLICY_CHOICES, Settings
from emulator.store.fixture_set import FixtureSet

#: The policies of the endpoint: the mobile SDKs' calls are not compared.
CHOICES = {
    name: choices for name, choices in POLICY_CHOICES.items() if POLICY_RULES[name][0] not in SDK_RULES
}
#: The same with strict mode, and the rule of each.
_SETTINGS: dict[str, Sequence[str | bool]] = {**CHOICES, "strict": (False, True)}
_RULES = {name: POLICY_RULES[name] for name in CHOICES} | {"strict": "Q5"}
#: How many members a refusal on one side alone counts as.
_OTHER_KIND = 10
#: Rounds of the search: a code or text that is known can show what a policy is, and the other way round.
_ROUNDS = 3
#: What an override can say of a refusal.
_OF_REFUSALS = ("status", "error", "error_text")

Answers = dict[str, AnswerOverride]


def learn(
    calls: Sequence[RecordedCall], fixtures: FixtureSet, strict: bool, host: str, date: str
) -> Platform:
    """The platform that these calls show; a policy is named if the calls would look different without it.

    ``fixtures``: what existed before; a platform file among them counts for nothing here. ``strict``: begin
    with strict mode.
    """
    search = _Search(calls, FixtureSet(fixtures.databases, fixtures.resources, list(fixtures.profiles)))
    shown = _Shown({name: choices[0] for name, choices in CHOICES.items()} | {"strict": strict}, {})
    own = seen = search.seen(shown)
    for _ in range(_ROUNDS):
        better = search.better_choices(shown, seen)
        better = better._replace(answers=_answers(search.compared(better._replace(answers={}))))
        if better == shown:
            break
        shown, seen = better, search.seen(better)
    wrong = {*own.differing, *seen.differing}
    policies = {name: value for name, value in shown.settings.items() if search.shows(name, shown, seen)}
    refuses = policies.pop("strict", None)
    return Platform(host, date, policies, shown.answers, sorted(own.rules - wrong), seen.differing, refuses)


class _Shown(NamedTuple):
    """What a platform may be; ``settings``: its policies and strict mode."""

    settings: dict[str, Any]
    answers: Answers

    def others(self, name: str) -> Iterator[_Shown]:
        """The same with each other choice of a setting."""
        for choice in _SETTINGS[name]:
            if choice != self.settings[name]:
                yield self._replace(settings={**self.settings, name: choice})


class _Evidence(NamedTuple):
    """The rules that the calls show; the first difference of each, in words; the members that differ."""

    rules: set[str]
    differing: dict[str, str]
    cost: int


class _Search:
    """Answers the calls again and again, and keeps none of the answers: there may be very many calls."""

    def __init__(self, calls: Sequence[RecordedCall], fixtures: FixtureSet) -> None:
        self._calls, self._fixtures = calls, fixtures

    def compared(self, shown: _Shown) -> Iterator[Compared]:
        policies = {name: shown.settings[name] for name in CHOICES}
        settings = Settings(
            durability="none",
            policies=policies,
            answers=shown.answers,
            strict=shown.settings["strict"],
            journal_count=1,
        )
        return replay(self._calls, self._fixtures, settings)

    def seen(self, shown: _Shown) -> _Evidence:
        """What all calls show."""
        rules: set[str] = set()
        differing: dict[str, str] = {}
        cost = 0
        for one in self.compared(shown):
            rules.update(one.seen)
            cost += _differing(one)
            for rule, rows in one.differing.items():
                row = rows[0]
                differing.setdefault(
                    rule, f"{row.path}: {row.there!r}, not {row.here!r} ({one.call.place})"[:500]
                )
        return _Evidence(rules, differing, cost)

    def better_choices(self, shown: _Shown, seen: _Evidence) -> _Shown:
        """The policies and the strict mode that leave the fewest differences, one after the other."""
        rules, _, least = seen
        for name, rule in _RULES.items():
            if rule not in rules:
                continue  # nothing here depends on it
            for other in shown.others(name):
                cost = self._cost(other, least)
                if cost < least:
                    shown, least = other, cost
        return shown

    def shows(self, name: str, shown: _Shown, seen: _Evidence) -> bool:
        """Whether each other choice would differ more."""
        others = (self._cost(other, seen.cost + 1) > seen.cost for other in shown.others(name))
        return _RULES[name] in seen.rules and all(others)

    def _cost(self, shown: _Shown, limit: int) -> int:
        """The number of members that differ, counted up to a limit."""
        cost = 0
        for one in self.compared(shown):
            cost += _differing(one)
            if cost >= limit:
                break
        return cost


def _differing(one: Compared) -> int:
    """The members that differ; a refusal on one side alone counts more than its code and text."""
    other_kind = carried_out(one.call.answer) != carried_out(one.answer)
    return sum(row.differs for row in one.rows) + _OTHER_KIND * other_kind


def _answers(compared: Iterable[Compared]) -> Answers:
    """The codes and texts that the platform gave in place of our own, where it gave the same each time."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    varying, other = set(), set()
    for one in compared:
        for name, member, row in _said(one):
            if found[name].setdefault(member, row.there) != row.there:
                varying.add((name, member))
            if row.differs:
                other.add((name, member))
    changed = {
        name: {
            one: value
            for one, value in members.items()
            if (name, one) in other - varying and can_be_set(name, one, value)
        }
        for name, members in found.items()
    }
    return {name: AnswerOverride(**members) for name, members in changed.items() if members}


def _said(one: Compared) -> list[tuple[str, str, ComparedMember]]:
    """The codes and texts of a call's refusals on both sides, each with the name of the answer."""
    if one.call.said:
        return []
    rows = [row for row in one.rows if ABSENT not in (row.there, row.here)]
    if not carried_out(one.answer):
        name = _name(one)
        if carried_out(one.call.answer) or name is None:
            return []
        return [(name, row.path, row) for row in rows if row.path in _OF_REFUSALS]
    refused = {
        row.item
        for row in rows
        if row.member == "status" and row.item is not None and row.there == row.here == "error"
    }
    texts = [row for row in rows if row.member == "description" and row.item in refused]
    notes = {row.path: rule_of_item(one.entry, one.answer, row) for row in texts}
    return [(rule, "description", row) for row in texts if (rule := notes[row.path]) in ANSWERS]


def _name(one: Compared) -> str | None:
    """The name of the answer with which the emulator refused the request."""
    rule = one.entry.decided[-1].rule if one.entry.decided else "A3"
    code = one.answer.get("error")
    if rule == "B3":
        return "B3" if NO_DATABASES in one.entry.decided[-1].parameters else "B3/filter"
    named = [name for name, own in ANSWERS.items() if own.rule == rule and own.code == code]
    return named[0] if named else None
