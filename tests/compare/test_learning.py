"""The closed loop: an emulator of other policies, codes and texts is learned from its answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from emulator.compare.learning import CHOICES
from emulator.rules.overrides import ANSWERS
from tests.command_line import run_here
from tests.server import PAGE_TOKEN, Server

OTHER = [(name, choice) for name, choices in CHOICES.items() for choice in choices[1:]]
#: What must be so that an answer is given at all: settings of the workspace.
GIVEN_WITH: dict[str, dict[str, Any]] = {
    "Q5": {"strict": True},
    "M9": {"policies": {"several_profiles": "error"}},
}
#: The resource whose token shows an answer, where it is not the usual one.
RESOURCES = {"B3": "no-databases"}
#: Overrides by the members that an answer has.
OTHER_WORDS: dict[str, Any] = {"status": 418, "error": 77, "error_text": "other words", "description": "why"}


def settle(server: Server, workspace: str, asked: Mapping[str, Any]) -> None:
    path = f"/w/{workspace}/__admin"
    for method, changed, body in (
        ("PATCH", "/settings", asked),
        ("PATCH", "/resources/5", {"providers": ["android-firebase"]}),
    ):
        sent = json.dumps(body).encode()
        answer = server.request(method, path + changed, sent, {"Content-Type": "application/json"})
        assert answer.status == 200, answer.body


def learned(server: Server, workspace: str, folder: Path, token: str = PAGE_TOKEN) -> dict[str, Any]:
    """The platform file, once an emulator that follows it was found to have no difference."""
    to, providers = f"{server.url}/w/{workspace}", ("--other-provider", "ios-apns")
    arguments = ("--to", to, "--resource-token", token, "--rate", "0", "--yes", *providers)
    file, report = folder / "p.json", ("--report", folder / "report.json")
    first = run_here("compare", *arguments, *report, "--field", "CustomNumber1=900001", "--learn", file)
    assert first.returncode in (0, 1), first.stderr
    follows = ("--platform", file, "--trust-platform", "--field", "CustomNumber1=900002")
    again = run_here("compare", *arguments, *report, *follows)
    assert again.returncode == 0, again.stdout.partition(" calls compared")[2] + file.read_text()
    found: dict[str, Any] = json.loads(file.read_text())
    assert "differs" not in found
    return found


def changed(policies: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in policies.items() if value != CHOICES[name][0]}


@pytest.mark.parametrize(("name", "choice"), OTHER, ids=lambda one: one)
def test_each_policy_of_the_catalogue_is_learned_and_nothing_else(
    fresh: Server, tmp_path: Path, name: str, choice: str
) -> None:
    settle(fresh, "b", {"policies": {name: choice}})
    found = learned(fresh, "b", tmp_path)
    assert changed(found["policies"]) == {name: choice}
    assert "answers" not in found
    assert found["strict"] is False
    assert len(found["policies"]) == len(CHOICES)  # the default values were seen, too


@pytest.mark.parametrize("name", ANSWERS)
def test_each_answer_of_the_catalogue_is_learned_and_nothing_else(
    fresh: Server, tmp_path: Path, name: str
) -> None:
    answer = {member: OTHER_WORDS[member] for member in ANSWERS[name].members}
    around = GIVEN_WITH.get(name, {})
    settle(fresh, "b", {**around, "answers": {name: answer}})
    found = learned(fresh, "b", tmp_path, RESOURCES.get(name, PAGE_TOKEN))
    assert found["answers"] == {name: answer}
    assert changed(found.get("policies", {})) == around.get("policies", {})
    assert found.get("strict", False) is around.get("strict", False)


def test_a_refusal_with_the_code_of_a_success_is_learned(fresh: Server, tmp_path: Path) -> None:
    answer = {"status": 200, "error": 200, "error_text": "no such resource"}
    settle(fresh, "b", {"answers": {"B4": answer}})
    assert learned(fresh, "b", tmp_path)["answers"] == {"B4": answer}


def _override(name: str) -> st.SearchStrategy[dict[str, Any]]:
    values: dict[str, st.SearchStrategy[Any]] = {
        "status": st.sampled_from((200, 400, 404, 409, 422)),
        "error": st.integers(1, 190) | st.sampled_from((400, 404, 409, 10_000)),
        "error_text": st.text("abc äя!", min_size=1, max_size=12),
        "description": st.text("xyz äя!", min_size=1, max_size=12),
    }
    return st.fixed_dictionaries({}, optional={one: values[one] for one in ANSWERS[name].members}).filter(
        bool
    )


@settings(
    max_examples=4,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # without shrinking: each example takes seconds
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    policies=st.fixed_dictionaries({name: st.sampled_from(choices) for name, choices in CHOICES.items()}),
    strict=st.booleans(),
    answers=st.fixed_dictionaries({}, optional={name: _override(name) for name in ANSWERS}),
)
def test_combinations_are_learned_so_that_no_difference_is_left(
    fresh: Server, tmp_path: Path, policies: dict[str, str], strict: bool, answers: dict[str, Any]
) -> None:
    fresh.clear()
    settle(fresh, "b", {"policies": policies, "strict": strict, "answers": answers})
    learned(fresh, "b", tmp_path)
