"""A HAR that a real Chromium records of a page that calls the emulator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import run_here
from tests.server import PAGE_TOKEN, ROOT, Server, subscription

_CALL = """async ([url, bodies]) => {
    for (const body of bodies) {
        const headers = {"Content-Type": "application/json"};
        await (await fetch(url, {method: "POST", headers, body: JSON.stringify(body)})).text();
    }
}"""


def body(token: str = PAGE_TOKEN, *entries: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    return {"resource_token": token, "subscriptions": [*entries], **parameters}


NEW, GONE = subscription("from-a-page"), subscription("from-a-page", unsubscribe=True)
BODIES = [
    body(PAGE_TOKEN, NEW),
    body(PAGE_TOKEN, NEW),
    body(PAGE_TOKEN, GONE),
    body(PAGE_TOKEN, NEW, subscription("second", "ios-firebase"), id="my-own-id"),
    body(PAGE_TOKEN, NEW, NEW, matching="custom", field_name="CustomNumber1", field_value="321"),
    body(PAGE_TOKEN, NEW, matching="custom", field_name="CustomNumber1", field_value=321),
    body("two-databases", NEW, matching="custom", field_name="card", field_value="c"),
    body("two-databases", NEW, db_ids=[2]),
    body(PAGE_TOKEN, NEW, matching="profile_id"),
    body("unknown-token-of-nobody", NEW),
    body("no-databases", NEW),
]


@pytest.mark.parametrize("fixtures", [(), ("--fixtures", ROOT / "fixtures" / "default")])
def test_a_har_of_chromium_against_the_emulator_has_no_difference(
    browser: Any, shared: Server, tmp_path: Path, fixtures: tuple[object, ...]
) -> None:
    recorded = tmp_path / "page.har"
    context = browser.new_context(record_har_path=recorded, record_har_content="embed")
    page = context.new_page()
    page.goto(f"http://localhost:{shared.port}/__admin/health")  # another origin: with preflights
    workspace = f"har{len(fixtures)}"
    page.evaluate(_CALL, [f"{shared.url}/w/{workspace}/push_subscribe", BODIES])
    context.close()
    finished = run_here("compare", recorded, *fixtures, "--json")
    report = json.loads(finished.stdout)
    assert report["differences"] == []
    assert report["compared"] == len(BODIES)
    assert finished.returncode == 0
    assert report["left_out"]["another call"] >= 1


#: How the other emulator differs from the usual one.
OTHER: dict[str, Any] = {
    "policies": {"duplicate_token": "move", "unknown_id": "new", "unchanged_database": "nothing"},
    "answers": {"B4": {"status": 200, "error": 77, "error_text": "кто это?"}, "M2": {"error_text": "no id"}},
}
TO_OTHER = [
    *BODIES,
    body(PAGE_TOKEN, subscription("moves"), id="first-user"),
    body(PAGE_TOKEN, subscription("moves"), id="second-user"),
    body("two-databases", subscription("in-both"), id="a-user-of-both"),
    body("two-databases", subscription("in-both"), subscription("in-one"), db_ids=[34]),
    body("two-databases", subscription("in-one")),
]


@pytest.fixture(scope="module")
def recorded_at_other(browser: Any, shared: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A HAR of Chromium, from a page that calls an emulator of other policies and texts."""
    path = "/w/other/__admin/settings"
    sent = json.dumps(OTHER).encode()
    assert shared.request("PATCH", path, sent, {"Content-Type": "application/json"}).status == 200
    recorded = tmp_path_factory.mktemp("other") / "page.har"
    context = browser.new_context(record_har_path=recorded, record_har_content="embed")
    page = context.new_page()
    page.goto(f"http://localhost:{shared.port}/__admin/health")
    page.evaluate(_CALL, [f"{shared.url}/w/other/push_subscribe", TO_OTHER])
    context.close()
    return recorded


def other_ids(folder: Path) -> Path:
    """The default fixtures with other ids of databases and resources."""
    folder.mkdir()
    for name in ("databases", "resources", "profiles"):
        text = (ROOT / "fixtures" / "default" / f"{name}.json").read_text()
        entries = json.loads(text)
        for one in entries:
            if name != "profiles":
                one["id"] += 1000
            if "db_ids" in one:
                one["db_ids"] = [db_id + 1000 for db_id in one["db_ids"]]
            if "db_id" in one:
                one["db_id"] += 1000
            for part in (*one.get("subscriptions", ()), *one.get("role_tokens", ())):
                for key in {"resource_id", "db_id"} & part.keys():
                    part[key] += 1000
        (folder / f"{name}.json").write_text(json.dumps(entries))
    return folder


@pytest.mark.parametrize("existed", ["inferred", "the same", "other ids"])
def test_what_a_page_recorded_of_another_emulator_teaches_how_that_answers(
    recorded_at_other: Path, tmp_path: Path, existed: str
) -> None:
    sets = {"the same": ROOT / "fixtures" / "default", "other ids": tmp_path / "ids"}
    if existed == "other ids":
        other_ids(sets[existed])
    fixtures = ("--fixtures", sets[existed]) if existed in sets else ()
    finished = run_here("compare", recorded_at_other, *fixtures, "--learn", tmp_path / "p.json")
    assert finished.returncode == 1, finished.stdout
    seen = json.loads((tmp_path / "p.json").read_text())
    assert {name: seen["policies"][name] for name in OTHER["policies"]} == OTHER["policies"]
    assert seen["answers"] == OTHER["answers"]
    assert "differs" not in seen
    follows = ("--platform", tmp_path / "p.json", "--trust-platform")
    again = run_here("compare", recorded_at_other, *fixtures, *follows)
    assert again.returncode == 0, again.stdout
