"""What answers of the platform teach: policies, codes and texts, and what nothing explains."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from emulator.compare.attribution import carried_out, rule_of_item
from emulator.compare.differences import ABSENT, Row
from emulator.compare.recorded import RecordedCall
from emulator.compare.replay import Compared, replay
from emulator.rules.catalogue import POLICY_RULES, SDK_RULES
from emulator.rules.overrides import ANSWERS, AnswerOverride
from emulator.rules.platform import Platform
from emulator.settings import POLICY_CHOICES, Settings
from emulator.store.fixture_set import FixtureSet

#: The policies of the endpoint: the mobile SDKs' calls are not compared.
CHOICES = {
    name: choices for name, choices in POLICY_CHOICES.items() if POLICY_RULES[name][0] not in SDK_RULES
}
#: Rounds of the search: a code or text that is known can show what a policy is, and the other way round.
_ROUNDS = 3
_OF_REFUSALS = {"status": "status", "error": "error", "error_text": "error_text"}

Answers = dict[str, AnswerOverride]


def learn(
    calls: Sequence[RecordedCall], fixtures: FixtureSet, strict: bool, host: str, date: str
) -> Platform:
    """The platform that these calls show; a policy is named if the calls would look different without it.

    ``fixtures``: what existed before; a platform file among them counts for nothing here.
    """
    search = _Search(
        calls, FixtureSet(fixtures.databases, fixtures.resources, list(fixtures.profiles)), strict
    )
    policies = {name: choices[0] for name, choices in CHOICES.items()}
    answers: Answers = {}
    own = search.compared(policies, answers)
    for _ in range(_ROUNDS):
        before = (dict(policies), dict(answers))
        policies = search.best_policies(policies, answers)
        answers = _answers(search.compared(policies, {}))
        if (policies, answers) == before:
            break
    final = search.compared(policies, answers)
    differs = _unexplained(final)
    wrong = {rule for one in own for rule in one.differing} | set(differs)
    agrees = sorted({rule for one in own for rule in one.seen} - wrong)
    seen = {name: value for name, value in policies.items() if search.shows(name, policies, answers)}
    return Platform(host, date, seen, answers, agrees, differs)


class _Search:
    def __init__(self, calls: Sequence[RecordedCall], fixtures: FixtureSet, strict: bool) -> None:
        self._calls, self._fixtures, self._strict = calls, fixtures, strict

    def compared(self, policies: Mapping[str, str], answers: Answers) -> list[Compared]:
        settings = Settings(
            durability="none", policies=policies, answers=answers, strict=self._strict, journal_count=1
        )
        return list(replay(self._calls, self._fixtures, settings))

    def cost(self, policies: Mapping[str, str], answers: Answers) -> int:
        """The number of members that differ."""
        return sum(row.differs for one in self.compared(policies, answers) for row in one.rows)

    def best_policies(self, policies: Mapping[str, str], answers: Answers) -> dict[str, str]:
        """The policies that leave the fewest differences, one after the other."""
        best, least = dict(policies), self.cost(policies, answers)
        for name, choices in CHOICES.items():
            for choice in choices:
                cost = self.cost(best | {name: choice}, answers)
                if cost < least:
                    best, least = best | {name: choice}, cost
        return best

    def shows(self, name: str, policies: Mapping[str, str], answers: Answers) -> bool:
        """Whether each other value of this policy would differ more."""
        least = self.cost(policies, answers)
        others = [one for one in CHOICES[name] if one != policies[name]]
        return all(self.cost({**policies, name: one}, answers) > least for one in others)


def _answers(compared: Sequence[Compared]) -> Answers:
    """The codes and texts that the platform gave in place of our own, where it gave the same each time."""
    found: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    own: dict[tuple[str, str], set[Any]] = defaultdict(set)
    for one in compared:
        for name, member, row in _said(one):
            found[name][member].append(row.there)
            own[name, member].add(row.here)
    answers: Answers = {}
    for name, members in found.items():
        changed = {
            member: values[0]
            for member, values in members.items()
            if all(value == values[0] for value in values) and own[name, member] != {values[0]}
        }
        if changed:
            answers[name] = AnswerOverride(**changed)
    return answers


def _said(one: Compared) -> list[tuple[str, str, Row]]:
    """The codes and texts of a call's refusals on both sides, each with the name of the answer."""
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
    return [
        (rule, "description", row) for row in texts if (rule := notes[row.path]) in ANSWERS and _is_text(row)
    ]


def _is_text(row: Row) -> bool:
    return isinstance(row.there, str)


def _name(one: Compared) -> str | None:
    """The name of the answer with which the emulator refused the request."""
    rule = one.entry.decided[-1].rule if one.entry.decided else "A3"
    code = one.answer.get("error")
    if rule == "B3":
        return "B3/filter" if "filter" in str(one.answer.get("error_text")) else "B3"
    named = [name for name, own in ANSWERS.items() if own.rule == rule and own.code == code]
    return named[0] if named else None


def _unexplained(compared: Sequence[Compared]) -> dict[str, str]:
    """By rule, in words, the first difference that is left."""
    found: dict[str, str] = {}
    for one in compared:
        for rule, rows in one.differing.items():
            row = rows[0]
            found.setdefault(rule, f"{row.path}: {row.there!r}, not {row.here!r} ({one.call.place})"[:500])
    return found
