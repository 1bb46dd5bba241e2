"""``/__admin/settings``: policies, strict mode, lints; each workspace its own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.in_process import InProcess
from tests.server import PAGE_TOKEN, subscription
from tests.web.admin.conftest import NOT_OBJECTS, Admin

ANNA = "59db33d269d426509e9c4bf9"
DEFAULTS = {
    "policies": {
        "duplicate_token": "error",
        "unknown_id": "keep",
        "sdk_retries": "replay",
        "sdk_unknown_profile": "null",
        "several_profiles": "oldest",
        "repeated_subscription": "error",
        "unchanged_database": "bare_item",
        "unchanged_error": "200",
        "no_databases": "error",
        "error_data": "empty",
        "http_status": "mirror",
    },
    "strict": False,
    "lints": {f"L{number}": "report" for number in range(1, 10)},
    "answers": {},
    "platform": None,
    "trust_platform": False,
}


def test_settings_start_as_the_server_was_told(admin: Admin) -> None:
    assert admin.get("/settings") == DEFAULTS
    with InProcess(strict=True) as strict:
        assert Admin(strict).get("/settings")["strict"] is True


def test_change_touches_what_it_names_only(admin: Admin) -> None:
    change = {"policies": {"unknown_id": "new"}, "strict": True, "lints": {"L3": "off"}}
    wanted = {
        **DEFAULTS,
        "policies": {**DEFAULTS["policies"], "unknown_id": "new"},  # type: ignore[dict-item]
        "strict": True,
        "lints": {**DEFAULTS["lints"], "L3": "off"},  # type: ignore[dict-item]
    }
    assert admin.send("PATCH", "/settings", change) == wanted
    assert admin.send("PATCH", "/settings", {}) == wanted
    assert admin.get("/settings") == wanted
    assert admin.send("PATCH", "/settings", {"lints": {"L3": "report"}})["lints"] == DEFAULTS["lints"]


def test_policies_decide_from_the_next_request_on(app: InProcess, admin: Admin) -> None:
    assert app.push("taken-token", id=ANNA)["data"][0]["description"] == "Duplicate push subscription"
    admin.send("PATCH", "/settings", {"policies": {"duplicate_token": "move"}})
    assert app.push("taken-token", id=ANNA)["error"] == 0
    admin.send("PATCH", "/settings", {"policies": {"http_status": "always_200"}})
    answer = app.post({"resource_token": "nobody", "subscriptions": [subscription("t")]})
    assert (answer.status_code, answer.get_json()["error"]) == (200, 404)


def test_strict_mode_refuses_from_the_next_request_on(app: InProcess, admin: Admin) -> None:
    request = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("t")], "colour": "blue"}
    assert app.post(request).status_code == 200
    admin.send("PATCH", "/settings", {"strict": True})
    assert app.post(request).status_code == 400


def test_lint_that_is_off_is_not_reported(app: InProcess, admin: Admin) -> None:
    app.push("t")
    admin.send("PATCH", "/settings", {"lints": {"L3": "off"}})
    app.push("t")
    assert [[lint["rule"] for lint in one["lints"]] for one in admin.get("/requests")["items"]] == [
        [],
        ["L3"],
    ]


def test_settings_are_each_workspaces_own_and_end_with_a_reset(app: InProcess, admin: Admin) -> None:
    admin.send("PATCH", "/settings", {"strict": True})
    assert app.client.get("/w/other/__admin/settings").get_json() == DEFAULTS
    admin.send("POST", "/reset", {"keep": ["settings"]})
    assert admin.get("/settings")["strict"] is True
    admin.send("POST", "/reset")
    assert admin.get("/settings") == DEFAULTS


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"stric": True}, 'stric: unknown key, did you mean "strict"?'),
        ({"strict": 1}, "strict: must be true or false"),
        ({"strict": None}, "strict: must be true or false"),
        ({"policies": None}, "policies: must be an object"),
        ({"policies": []}, "policies: must be an object"),
        (
            {"policies": {"duplicate_tokn": "move"}},
            'policies.duplicate_tokn: unknown key, did you mean "duplicate_token"?',
        ),
        ({"policies": {"duplicate_token": "mve"}}, "policies.duplicate_token: must be one of error, move"),
        ({"policies": {"duplicate_token": None}}, "policies.duplicate_token: must be a string"),
        ({"lints": {"L0": "off"}}, "lints.L0: unknown key"),
        ({"lints": {"L1": False}}, "lints.L1: must be a string"),
        ({"lints": {"L1": "on"}}, "lints.L1: must be one of report, off"),
        *NOT_OBJECTS,
    ],
)
def test_bad_settings_are_refused_and_change_nothing(admin: Admin, document: Any, text: str) -> None:
    assert admin.refused("PATCH", "/settings", document).startswith(text)
    assert admin.get("/settings") == DEFAULTS
