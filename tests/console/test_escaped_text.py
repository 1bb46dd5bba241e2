"""A name that a program escaped: found at every door, and shown as text."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from tests.console.pages import Console
from tests.server import PAGE_TOKEN, Server, subscription

NAME, RIGHT_TO_LEFT = "Владлена", "דנה"
BODY = {
    "resource_token": PAGE_TOKEN,
    "subscriptions": [subscription(f"t-{RIGHT_TO_LEFT}")],
    "matching": "custom",
    "field_name": "nickname",
    "field_value": f"{NAME}\u202e\x07",
}


@pytest.mark.parametrize("escaped", [True, False])
def test_a_name_is_found_at_every_door_however_it_was_sent(shared: Server, escaped: bool) -> None:
    base = f"/w/name-{escaped}".lower()
    body = json.dumps(BODY, ensure_ascii=escaped).encode()
    shared.request("POST", f"{base}/push_subscribe?from=%D0%B4%D0%BE%D0%BC", body)
    for q, count in ((NAME, 1), ("владЛЕНА ДОМ", 1), (RIGHT_TO_LEFT, 1), ("Владлен0", 0)):
        assert shared.request("GET", f"{base}/__admin/requests?q={quote(q)}").json["total"] == count
        counted = shared.post(f"{base}/__admin/requests/count", {"match": {"q": q}}).json
        assert counted == {"count": count}
        expect = {"match": {"q": q}, "expect": {"exactly": count}}
        assert shared.post(f"{base}/__admin/requests/verify", expect).status == 200
        page = shared.get(f"{base}/?q={quote(q)}").body.decode()
        assert page.count('class="row-item"') == count
    missed = shared.post(f"{base}/__admin/requests/verify", {"match": {"q": "никто"}})
    assert NAME in missed.json["nearest"][0]["request"]


def test_pages_isolate_what_reads_from_right_to_left_and_mark_what_nobody_sees(console: Console) -> None:
    console.server.request("POST", f"{console.prefix}/push_subscribe", json.dumps(BODY).encode())
    page = console.go("/")
    assert page.inner_text(".token code bdi") == f"t-{RIGHT_TO_LEFT}"
    assert f"nickname = {NAME}‹U+202E›␇" in page.inner_text(".c-who bdi >> nth=1")
    page = console.go("/__console/requests/1")
    shown = page.inner_text("pre[aria-label=Body]")
    assert f'"{NAME}\\u202e\\u0007"' in shown
    assert f'"t-{RIGHT_TO_LEFT}"' in page.locator("pre[aria-label=Body] bdi.js").all_inner_texts()
