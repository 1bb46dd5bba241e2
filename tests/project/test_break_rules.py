"""The tests of the rules notice a broken rule: ten of the breaks of :mod:`tests.break_rules`."""

from __future__ import annotations

from emulator.rules.catalogue import RULES
from tests.break_rules import BREAKS, Break, judge_all

CHOSEN = ("Q5", "B1", "M4", "M6", "M9", "S2", "S4", "S7", "A5", "L3", "K11", "K30")


def first_of(rule: str) -> Break:
    return next(one for one in BREAKS if one.rule == rule)


def test_a_broken_rule_fails_a_test_of_its_name() -> None:
    missed = [verdict for verdict in judge_all(map(first_of, CHOSEN)) if not verdict.noticed]
    assert missed == []


def test_there_is_a_break_for_every_rule() -> None:
    assert {one.rule for one in BREAKS} == set(RULES)
