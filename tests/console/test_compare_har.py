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
    page.goto(f"http://localhost:{shared.port}/__console/")  # another origin: with preflights
    workspace = f"har{len(fixtures)}"
    page.evaluate(_CALL, [f"{shared.url}/w/{workspace}/push_subscribe", BODIES])
    context.close()
    finished = run_here("compare", recorded, *fixtures, "--json")
    report = json.loads(finished.stdout)
    assert report["differences"] == []
    assert report["compared"] == len(BODIES)
    assert finished.returncode == 0
    assert report["left_out"]["another call"] >= 1
