"""The tests of the rules notice a broken rule: three of the breaks of :mod:`tests.break_rules`."""

from __future__ import annotations

import pytest

from emulator.rules.catalogue import RULES
from tests.break_rules import BREAKS, Break, judge_all
from tests.server import ROOT

CHOSEN = ("M9", "S4", "K11")


def first_of(rule: str) -> Break:
    return next(one for one in BREAKS if one.rule == rule)


def test_a_broken_rule_fails_a_test_of_its_name() -> None:
    missed = [verdict for verdict in judge_all(map(first_of, CHOSEN)) if not verdict.noticed]
    assert missed == []


@pytest.mark.parametrize("broken", BREAKS, ids=lambda one: one.rule)
def test_the_text_that_a_break_changes_stands_there_once(broken: Break) -> None:
    source = (ROOT / "emulator" / broken.file).read_text("utf-8")
    assert source.count(broken.right) == 1


def test_there_is_a_break_for_every_rule() -> None:
    assert {one.rule for one in BREAKS} == set(RULES)
