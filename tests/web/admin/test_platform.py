"""What was seen on the real platform: followed, graded, kept, and taken back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.fixtures.load import FixtureError, load_fixtures, load_platform
from emulator.settings import DEFAULT_FIXTURES
from tests.in_process import InProcess
from tests.server import Server
from tests.web.admin.conftest import Admin

SEEN: dict[str, Any] = {
    "host": "api.example.com:8443",
    "date": "2026-11-27",
    "policies": {"duplicate_token": "move", "unknown_id": "keep", "unchanged_database": "nothing"},
    "answers": {"B4": {"status": 200, "error_text": "No such resource"}, "M4": {"description": "no field"}},
    "agrees": ["M6", "M7"],
    "differs": {"M11": "the last known subscription decides"},
}


def graded(admin: Admin) -> dict[str, tuple[str, bool, str | None]]:
    listed = admin.get("/rules")["items"]
    return {one["id"]: (one["grade"], one["verified"], one["differs"]) for one in listed}


def written(folder: Path, document: Any, name: str = "platform.json") -> Path:
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def own_fixtures(folder: Path) -> Path:
    return Path(shutil.copytree(DEFAULT_FIXTURES, folder / "fixtures"))


def test_platform_is_followed_and_its_rules_are_verified(admin: Admin) -> None:
    before = admin.get("/settings")
    after = admin.send("PATCH", "/settings", {"platform": SEEN})
    assert after["platform"] == SEEN
    changed = {name: value for name, value in after["policies"].items() if before["policies"][name] != value}
    assert changed == {"duplicate_token": "move"}
    assert after["answers"] == {"B4": SEEN["answers"]["B4"]}
    listed = admin.get("/rules")
    assert listed["platform"] == {"host": "api.example.com:8443", "date": "2026-11-27"}
    grades = graded(admin)
    assert [grades[rule] for rule in ("S4", "M8", "B4", "M7")] == [("V", True, None)] * 4
    assert grades["M6"] == ("D", True, None)
    assert grades["M11"] == ("I", False, "the last known subscription decides")
    assert grades["M9"] == ("I", False, None)


def test_documented_rule_is_marked_and_followed_only_with_trust(app: InProcess, admin: Admin) -> None:
    unknown = {"matching": "custom", "field_name": "nothing", "field_value": 1}
    admin.send("PATCH", "/settings", {"platform": SEEN})
    assert graded(admin)["S7"] == ("D", False, "unchanged_database: nothing")
    assert graded(admin)["M4"] == ("D", False, 'M4: description "no field"')
    assert app.push("t", **unknown)["data"][0]["description"] == "matching error: unknown field"
    admin.send("PATCH", "/settings", {"trust_platform": True})
    assert graded(admin)["S7"] == ("V", True, "unchanged_database: nothing")
    assert graded(admin)["M4"] == ("V", True, 'M4: description "no field"')
    assert app.push("t", **unknown)["data"][0]["description"] == "no field"
    admin.send("PATCH", "/settings", {"trust_platform": False})
    assert graded(admin)["S7"] == ("D", False, "unchanged_database: nothing")
    assert app.push("t", **unknown)["data"][0]["description"] == "matching error: unknown field"


def test_what_is_set_by_hand_counts_more_and_is_not_verified(admin: Admin) -> None:
    by_hand = {
        "policies": {"duplicate_token": "error"},
        "answers": {"B4": {"error": 1}, "S5": {"description": ""}},
    }
    after = admin.send("PATCH", "/settings", {"platform": {**SEEN, "agrees": ["S5", "A3"]}, **by_hand})
    assert (after["policies"]["duplicate_token"], after["answers"]) == ("error", by_hand["answers"])
    grades = graded(admin)
    assert grades["S4"] == ("I", False, "duplicate_token: move")
    assert grades["B4"] == ("I", False, 'B4: status 200, error_text "No such resource"')
    assert (grades["S5"], grades["A3"]) == (("I", False, None), ("V", True, None))
    admin.send("PATCH", "/settings", {"policies": {"http_status": "always_200"}})
    assert graded(admin)["A3"] == ("I", False, None)


def test_platform_that_is_taken_away_leaves_what_was_before_and_what_was_set_by_hand(admin: Admin) -> None:
    before = admin.send("PATCH", "/settings", {"answers": {"S5": {"description": "twice"}}})
    admin.send("PATCH", "/settings", {"platform": SEEN, "trust_platform": True})
    admin.send("PATCH", "/settings", {"policies": {"unknown_id": "new"}})
    after = admin.send("PATCH", "/settings", {"platform": None, "trust_platform": False})
    assert after == {**before, "policies": {**before["policies"], "unknown_id": "new"}}
    assert {one[0] for one in graded(admin).values()} == {"D", "O", "I"}


def test_a_platform_that_refuses_unknown_parameters_is_followed_and_left_again(
    app: InProcess, admin: Admin
) -> None:
    for strict in (True, False):
        admin.send("PATCH", "/settings", {"platform": {**SEEN, "strict": strict}})
        assert admin.get("/settings")["strict"] is strict
        assert graded(admin)["Q5"] == ("V", True, None)
    admin.send("PATCH", "/settings", {"platform": {**SEEN, "strict": True}})
    assert app.push("t", unknown=1)["error"] == 400
    admin.send("PATCH", "/settings", {"strict": False})
    assert graded(admin)["Q5"] == ("I", False, "refuses unknown parameters")
    admin.send("PATCH", "/settings", {"strict": True})
    admin.send("PATCH", "/settings", {"platform": None})
    assert admin.get("/settings")["strict"] is False
    with InProcess(strict=True) as other:
        Admin(other).send("PATCH", "/settings", {"platform": SEEN})
        assert Admin(other).get("/settings")["strict"] is True


@pytest.mark.parametrize("trust", [False, True])
def test_snapshot_carries_platform_and_answers(admin: Admin, trust: bool) -> None:
    settings = {"platform": SEEN, "trust_platform": trust, "answers": {"S4": {"description": "taken"}}}
    admin.send("PATCH", "/settings", settings)
    state = admin.send(
        "PATCH", "/settings", {"answers": {"B4": None}, "policies": {"duplicate_token": "error"}}
    )
    snapshot = admin.get("/snapshot")
    with InProcess() as other:
        restored = Admin(other)
        restored.send("PUT", "/snapshot", snapshot)
        assert restored.get("/settings") == state
        assert graded(restored) == graded(admin)


def test_platform_of_the_fixtures_is_what_new_workspaces_start_with(tmp_path: Path) -> None:
    fixtures = own_fixtures(tmp_path)
    written(fixtures, SEEN)
    with InProcess(fixtures=fixtures, answers={}, policies={"unknown_id": "new"}) as app:
        for path in ("/__admin", "/w/other/__admin"):
            settings = app.client.get(f"{path}/settings").get_json()
            assert settings["platform"] == SEEN
            assert (settings["policies"]["duplicate_token"], settings["policies"]["unknown_id"]) == (
                "move",
                "new",
            )
        Admin(app).send("PATCH", "/settings", {"platform": None})
        Admin(app).send("POST", "/reset")
        assert app.client.get("/__admin/settings").get_json()["platform"] == SEEN
    other = written(tmp_path, {**SEEN, "host": "other", "policies": {}}, "other.json")
    with InProcess(fixtures=fixtures, platform=other) as app:
        assert app.client.get("/__admin/settings").get_json()["platform"]["host"] == "other"


def test_serve_follows_a_platform_file_but_for_what_its_other_options_say(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    path = written(tmp_path, SEEN)
    options = ["--platform", str(path), "--trust-platform", "--policy", "duplicate_token=error"]
    server = start_server(*options, "--answer", 'S4={"description": "a b"}')
    entry = {"provider": "android-firebase", "subscription_id": "taken-token"}
    found = server.post("/push_subscribe", {"resource_token": "nobody", "subscriptions": [entry]})
    assert (found.status, found.json["error_text"]) == (200, "No such resource")
    settings = server.get("/__admin/settings").json
    assert settings["policies"]["duplicate_token"] == "error"
    assert settings["policies"]["unchanged_database"] == "nothing"
    assert settings["answers"] == {**SEEN["answers"], "S4": {"description": "a b"}}


BAD: list[tuple[Any, list[str]]] = [
    ("{", ["is not JSON"]),
    ([], ["must be an object"]),
    ({"date": "2026-01-31"}, ["host: is required"]),
    ({**SEEN, "host": "https://api.example.com"}, ["host: must be the name of a host"]),
    ({**SEEN, "date": "2026-02-30"}, ["date: must be a date as 2026-01-31"]),
    (
        {**SEEN, "policies": {"unknown_id": "no", "x": "y"}},
        ["policies.unknown_id: must be one", "policies.x: unknown"],
    ),
    ({**SEEN, "polices": {}}, ['polices: unknown key, did you mean "policies"?']),
    (
        {**SEEN, "policies": {"unknown_ids": "new"}},
        ['policies.unknown_ids: unknown key, did you mean "unknown_id"?'],
    ),
    (
        {**SEEN, "answers": {"B4": {"eror_text": "x"}}},
        ['answers.B4.eror_text: unknown key, did you mean "error_text"?'],
    ),
    ({**SEEN, "answers": {"A3/sise": {}}}, ['answers.A3/sise: unknown key, did you mean "A3/size"?']),
    ({**SEEN, "strict": "yes"}, ["strict: must be true or false"]),
    ({**SEEN, "answers": {"Z9": {}}}, ["answers.Z9: unknown key"]),
    ({**SEEN, "answers": {"B4": {}}}, ["answers.B4: must have status or error or error_text"]),
    ({**SEEN, "answers": {"B4": None}}, ["answers.B4: must be an object"]),
    ({**SEEN, "answers": {"B4": {"description": "x"}}}, ["answers.B4.description: unknown key"]),
    ({**SEEN, "answers": {"S4": {"status": 200}}}, ["answers.S4.status: unknown key"]),
    ({**SEEN, "answers": {"B4": {"status": 204}}}, ["answers.B4.status: must be 200 to 599"]),
    ({**SEEN, "answers": {"B4": {"status": "200"}}}, ["answers.B4.status: must be an integer"]),
    ({**SEEN, "answers": {"B4": {"error": 2**63}}}, ["answers.B4.error: must be an integer of 64 bits"]),
    ({**SEEN, "answers": {"B4": {"error_text": "x" * 2000}}}, ["answers.B4.error_text: must have at most"]),
    ({**SEEN, "agrees": ["M6", "Z"]}, ["agrees[1]: must be the id of a rule"]),
    ({**SEEN, "differs": {"Z": "x"}}, ["differs.Z: must be the id of a rule"]),
]


@pytest.mark.parametrize(("document", "expected"), BAD)
def test_bad_platform_file_is_refused_with_its_path(
    tmp_path: Path, document: Any, expected: list[str], admin: Admin
) -> None:
    path = written(tmp_path, document)
    with pytest.raises(FixtureError) as problem:
        load_platform(path)
    lines = str(problem.value).splitlines()
    assert all(line.startswith(f"{path}: {text}") for line, text in zip(lines, expected, strict=True)), lines
    if document != "{":
        before = admin.get("/settings")
        refused = admin.refused("PATCH", "/settings", {"platform": document})
        assert all(text.rpartition(": ")[2] in refused for text in expected)
        assert admin.get("/settings") == before


def test_bad_platform_file_of_the_fixtures_stands_among_the_others_problems(tmp_path: Path) -> None:
    fixtures = own_fixtures(tmp_path)
    written(fixtures, {})
    written(fixtures, "[1]", "databases.json")
    with pytest.raises(FixtureError) as problem:
        load_fixtures(fixtures)
    files = {one.file.name for one in problem.value.problems}
    assert {"platform.json", "databases.json"} <= files
