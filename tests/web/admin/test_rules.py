"""``GET /__admin/rules``: the specification as data."""

from __future__ import annotations

import re

from emulator.rules.catalogue import DECIDING, RULES
from tests.in_process import InProcess
from tests.server import ROOT
from tests.web.admin.conftest import Admin


def test_every_rule_is_there_with_its_grade_its_text_and_no_decision_yet(admin: Admin) -> None:
    listed = admin.get("/rules")
    assert [one["id"] for one in listed["items"]] == list(RULES)
    assert listed["total"] == len(RULES)
    assert {one["grade"] for one in listed["items"]} == set(listed["grades"]) - {"V"} == {"D", "O", "I"}
    assert listed["platform"] is None
    assert not any(one["verified"] or one["differs"] for one in listed["items"])
    assert all(one["text"] and one["decided"] == 0 for one in listed["items"])


def test_decisions_are_counted_in_their_own_workspace(app: InProcess, admin: Admin) -> None:
    app.push("t")
    app.push("t")
    app.push("t", matching="email")
    counted = {one["id"]: one["decided"] for one in admin.get("/rules")["items"]}
    assert (counted["S1"], counted["S3"], counted["M10"], counted["M2"]) == (1, 1, 1, 0)
    other = app.client.get("/w/other/__admin/rules").get_json()
    assert not any(one["decided"] for one in other["items"])


def test_every_rule_that_the_journal_names_is_one_of_these(app: InProcess, admin: Admin) -> None:
    app.push("t", "t", "came-back-token", colour="blue", id="short", db_ids=[17, 99])
    app.push("t", resource_token="no-databases")
    app.push("t", resource_token="nobody")
    entries = admin.get("/requests")["items"]
    named = {one["rule"] for entry in entries for one in [*entry["decided"], *entry["lints"]]}
    assert named
    assert named <= set(RULES)


def test_lints_are_counted_as_often_as_they_are_reported(app: InProcess, admin: Admin) -> None:
    app.push("t", colour="blue", size=5)
    app.push("t", id="short")
    admin.send("PATCH", "/settings", {"lints": {"L6": "off"}})
    app.push("t", id="short")
    counted = {one["id"]: one["decided"] for one in admin.get("/rules")["items"]}
    assert (counted["L1"], counted["L6"], counted["L5"]) == (2, 1, 0)
    assert 'emulator_decisions_total{rule="L1",workspace="default"} 2.0' in admin.call("GET", "/metrics").text


def test_rules_that_can_decide_are_those_that_the_code_says_decided() -> None:
    files = [
        *(ROOT / "emulator/rules").rglob("*.py"),
        *(ROOT / "emulator/mobile").glob("*.py"),
        *(ROOT / "emulator/endpoint").glob("*.py"),
    ]
    said = {
        name
        for file in files
        if file.name != "catalogue.py"
        for name in re.findall(r'"([QBMSATKER]\d+)"', file.read_text(encoding="utf-8"))
    }
    assert said == set(DECIDING)
