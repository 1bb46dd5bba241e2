"""``/__admin/clock``: freeze, advance, run; what the time drives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.in_process import InProcess
from tests.server import Server
from tests.web.admin.conftest import NOT_OBJECTS, Admin

NEW_YEAR = "2026-01-01T00:00:00.000Z"


def test_clock_runs_with_real_time_at_first(admin: Admin) -> None:
    shown = admin.get("/clock")
    assert (shown["frozen"], shown["offset_ms"]) == (False, 0)
    now = datetime.fromisoformat(shown["now"].replace("Z", "+00:00"))
    assert abs(now - datetime.now(timezone.utc)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "now",
    ["2026-01-01T00:00Z", "2026-01-01T00:00:00Z", "2026-01-01T03:00:00+03:00", "2025-12-31T23:59:59.999999Z"],
)
def test_freezing_holds_the_time_still(admin: Admin, now: str) -> None:
    wanted = {"now": NEW_YEAR, "frozen": True, "offset_ms": 0}
    assert admin.send("PUT", "/clock", {"now": now}) == wanted
    assert admin.get("/clock") == wanted


@pytest.mark.parametrize(
    ("by", "now"),
    [
        ("3h", "2026-01-01T03:00:00.000Z"),
        ("1d12h", "2026-01-02T12:00:00.000Z"),
        ("1d2h3m4.5s", "2026-01-02T02:03:04.500Z"),
        ("-90s", "2025-12-31T23:58:30.000Z"),
    ],
)
def test_advancing_moves_a_frozen_clock(admin: Admin, by: str, now: str) -> None:
    admin.send("PUT", "/clock", {"now": NEW_YEAR})
    assert admin.send("PUT", "/clock", {"advance": by}) == {"now": now, "frozen": True, "offset_ms": 0}


def test_advancing_moves_a_running_clock_and_adds_up(admin: Admin) -> None:
    admin.send("PUT", "/clock", {"advance": "1h"})
    shown = admin.send("PUT", "/clock", {"advance": "-30m"})
    assert (shown["frozen"], shown["offset_ms"]) == (False, 1_800_000)
    assert admin.send("PUT", "/clock", {})["offset_ms"] == 0


def test_freezing_and_advancing_at_once(admin: Admin) -> None:
    assert (
        admin.send("PUT", "/clock", {"now": NEW_YEAR, "advance": "1h"})["now"] == "2026-01-01T01:00:00.000Z"
    )


def test_time_drives_every_timestamp_and_the_time_part_of_ids(app: InProcess, admin: Admin) -> None:
    admin.send("PUT", "/clock", {"now": NEW_YEAR})
    item = app.push("t")["data"][0]
    (entry,) = admin.get("/requests")["items"]
    assert (entry["time"], entry["at_ms"]) == (NEW_YEAR, 1767225600000)
    profile = admin.get(f"/profiles/17/{item['profile_id']}")
    assert profile["created"] == NEW_YEAR
    assert int(item["profile_id"][:8], 16) == 1767225600
    admin.send("PUT", "/clock", {"advance": "1d"})
    app.push("t", id=item["profile_id"])
    app.post(
        {
            "resource_token": "3LXP2FRcRxJ-7b14db88ec937f14",
            "subscriptions": [{"provider": "android-firebase", "subscription_id": "t", "unsubscribe": True}],
        }
    )
    changed = admin.get(f"/subscriptions/{item['subscription_hash_id']}")
    assert (changed["created"], changed["updated"]) == (NEW_YEAR, "2026-01-02T00:00:00.000Z")


def test_clock_is_each_workspaces_own_and_survives_a_restart(start_server: Callable[..., Server]) -> None:
    first = start_server()
    first.request("PUT", "/w/frozen/__admin/clock", b'{"now": "2026-01-01T00:00Z"}')
    assert first.get("/__admin/clock").json["frozen"] is False
    assert first.stop() == 0
    second = start_server()
    assert second.get("/w/frozen/__admin/clock").json["now"] == NEW_YEAR
    assert second.get("/__admin/clock").json["frozen"] is False


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"nov": NEW_YEAR}, 'nov: unknown key, did you mean "now"?'),
        *(
            ({"now": now}, "now: must be a time from 1970 to 9998 as 2026-01-31T12:00:00Z")
            for now in (
                None,
                "",
                "tomorrow",
                5,
                20260101,
                "2026-01-01",
                "2026-01-01T00:00",
                "2026-02-30T00:00Z",
                "1969-12-31T23:59Z",
                "9999-01-01T00:00Z",
            )
        ),
        *(
            ({"advance": by}, 'advance: must be a duration as "3h", "1d12h", "-90s"')
            for by in (None, 5, "", "-", "3", "3 h", "h3", "3h1d", "1e3s")
        ),
        ({"advance": "99999999d"}, "advance: leads out of the years 1970 to 9998"),
        *(
            ({"advance": by}, "advance: leads out of the years 1970 to 9998")
            for by in ("-99999999d", "9" * 400 + "d", "-" + "9" * 5000 + "s")
        ),
        *NOT_OBJECTS,
    ],
)
def test_bad_time_is_refused_and_moves_nothing(admin: Admin, document: Any, text: str) -> None:
    admin.send("PUT", "/clock", {"now": NEW_YEAR})
    assert admin.refused("PUT", "/clock", document).startswith(text)
    assert admin.get("/clock") == {"now": NEW_YEAR, "frozen": True, "offset_ms": 0}
