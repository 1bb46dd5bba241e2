"""The closed loop: an emulator of other policies, codes and texts is learned from its answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.compare.learning import CHOICES
from emulator.rules.overrides import ANSWERS
from tests.command_line import run_here
from tests.server import PAGE_TOKEN, Server

OTHER = [(name, choice) for name, choices in CHOICES.items() for choice in choices[1:]]
#: The answers that a probe can show over this resource; Q5 in strict mode alone.
SHOWN = ("B3/filter", "B4", "M2", "M3", "M4", "M5", "M10", "S4", "S5", "S6", "A3", "A4")


def settle(server: Server, workspace: str, policies: Mapping[str, str], answers: Mapping[str, Any]) -> None:
    body = json.dumps({"policies": policies, "answers": answers}).encode()
    path = f"/w/{workspace}/__admin/settings"
    assert server.request("PATCH", path, body, {"Content-Type": "application/json"}).status == 200


def learned(server: Server, workspace: str, folder: Path, token: str = PAGE_TOKEN) -> dict[str, Any]:
    """The platform file, once an emulator that follows it was found to have no difference."""
    arguments = (
        "--to",
        f"{server.url}/w/{workspace}",
        "--resource-token",
        token,
        "--rate",
        "0",
        "--yes",
    )
    file, report = folder / "p.json", ("--report", folder / "report.json")
    first = run_here("compare", *arguments, *report, "--field", "CustomNumber1=900001", "--learn", file)
    assert first.returncode in (0, 1), first.stderr
    follows = ("--platform", file, "--trust-platform", "--field", "CustomNumber1=900002")
    again = run_here("compare", *arguments, *report, *follows)
    assert again.returncode == 0, again.stdout
    found: dict[str, Any] = json.loads(file.read_text())
    assert "differs" not in found
    return found


def changed(policies: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in policies.items() if value != CHOICES[name][0]}


@pytest.mark.parametrize(("name", "choice"), OTHER, ids=lambda one: one)
def test_each_policy_is_learned_and_nothing_else(
    fresh: Server, tmp_path: Path, name: str, choice: str
) -> None:
    settle(fresh, "b", {name: choice}, {})
    found = learned(fresh, "b", tmp_path)
    assert changed(found["policies"]) == {name: choice}
    assert "answers" not in found


@pytest.mark.parametrize("name", SHOWN)
def test_each_answer_is_learned_and_nothing_else(fresh: Server, tmp_path: Path, name: str) -> None:
    own = ANSWERS[name]
    answer: dict[str, Any] = (
        {"status": 418, "error": 77, "error_text": "other words"}
        if own.code
        else {"description": "other words"}
    )
    settle(fresh, "b", {}, {name: answer})
    found = learned(fresh, "b", tmp_path)
    assert changed(found["policies"]) == {}
    assert found["answers"] == {name: answer}


def test_the_answer_of_a_resource_without_databases_is_learned(fresh: Server, tmp_path: Path) -> None:
    answer = {"status": 409, "error": 7, "error_text": "nothing there"}
    settle(fresh, "b", {}, {"B3": answer})
    assert learned(fresh, "b", tmp_path, "no-databases")["answers"] == {"B3": answer}


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    policies=st.fixed_dictionaries({name: st.sampled_from(choices) for name, choices in CHOICES.items()}),
    texts=st.sets(st.sampled_from(("B4", "M2", "M10", "A4")), max_size=3),
)
def test_combinations_are_learned_so_that_no_difference_is_left(
    fresh: Server, tmp_path: Path, policies: dict[str, str], texts: set[str]
) -> None:
    fresh.clear()
    settle(fresh, "b", policies, {name: {"error_text": f"words of {name}"} for name in texts})
    learned(fresh, "b", tmp_path)
