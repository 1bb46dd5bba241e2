"""Whatever one emulator has answered, every other one knows: nothing is per process but the metrics."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from statistics import median
from time import monotonic
from typing import Any

import httpx
import pytest

from tests.end_to_end.changes import CHANGES, World
from tests.mobile import FIXTURES as MOBILE_FIXTURES
from tests.mobile import ROLE, subscribe_body
from tests.server import PAGE_TOKEN, ROOT, Server, subscription
from tests.shared_state import Emulator, Line, Several, emulators
from tests.waiting import until

FROZEN = {"now": "2026-11-27T12:00:00Z"}
_TOKENS = ("mobile-resource", "keyed-resource")
_SUBSCRIBE = "/subscription/push/subscribe?provider=android-firebase&sync=true"


@pytest.mark.parametrize("kind", CHANGES)
def test_what_one_changes_all_show(three: list[Emulator], several: Several, kind: str) -> None:
    name = f"change-{kind}"
    worlds = [World(one, name) for one in three]
    assert worlds[0].admin("PUT", "/clock", FROZEN).status == 200
    anywhere = World(several, name)
    anywhere.open_console()
    CHANGES[kind].prepare(anywhere)
    done = CHANGES[kind].make(anywhere)
    assert done.status < 400 or "fault" in kind, done.body
    shown = [world.shown() for world in worlds]
    assert shown[1] == shown[0]
    assert shown[2] == shown[0]


def test_a_workspace_that_a_form_makes_or_deletes_is_made_or_deleted_everywhere(
    three: list[Emulator],
) -> None:
    page = World(three[0], "forms")
    page.open_console()
    for path, is_there in (("/overview/workspaces", True), ("/overview/workspaces/delete", False)):
        assert page.form(path, name="made-by-form").status == 303
        for one in three:
            names = [listed["name"] for listed in one.get("/__admin/workspaces").json["items"]]
            assert ("made-by-form" in names) is is_there


def test_workspaces_that_one_call_deletes_are_gone_everywhere(three: list[Emulator]) -> None:
    push = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("t1")]}
    for one, name in zip(three, ("several-a", "several-b", "several-c"), strict=True):
        assert one.post(f"/w/{name}/push_subscribe", push).status == 200
    # Also where the call itself is for one of them.
    for prefix, names, gone in (("", "a,d,b", ["a", "b"]), ("/w/several-c", "c", ["c"])):
        wanted = ",".join(f"several-{name}" for name in names.split(","))
        answer = three[0].request("DELETE", f"{prefix}/__admin/workspaces?names={wanted}")
        assert answer.json == {"deleted": [f"several-{name}" for name in gone]}
        for one in three:
            left = {listed["name"] for listed in one.get("/__admin/workspaces").json["items"]}
            assert left.isdisjoint(answer.json["deleted"])
            for name in answer.json["deleted"]:
                assert one.get(f"/w/{name}/__admin/requests").json["total"] == 0


def test_verify_sees_at_once_what_another_emulator_acknowledged(three: list[Emulator]) -> None:
    """Six clients push to one emulator and verify on another; the counts of one workspace are exact."""
    problems: list[object] = []

    def be_a_client(number: int) -> None:
        lines = [Line(f"{one.url}/w/verify-{number % 2}") for one in three]
        random = Random(number)
        for turn in range(25):
            first, second = random.sample(lines, 2)
            token = f"client{number}-{turn}"
            body = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription(token)]}
            pushed = first.call("POST", "/push_subscribe", body)
            assert pushed is not None
            assert pushed[0] == 200, pushed
            verified = second.call(
                "POST",
                "/__admin/requests/verify",
                {"match": {"subscription_id": token}, "expect": {"exactly": 1}},
            )
            if verified is None or verified[0] != 200:
                problems.append(verified)
        for line in lines:
            line.close()

    with ThreadPoolExecutor(6) as clients:
        list(clients.map(be_a_client, range(6)))
    assert problems == []
    for name in ("verify-0", "verify-1"):
        counts = [
            one.post(f"/w/{name}/__admin/requests/count", {"match": {"resource_token": PAGE_TOKEN}}).json
            for one in three
        ]
        assert counts == [{"count": 75}] * 3


def test_a_fault_fires_exactly_as_often_as_it_may_over_all_emulators(three: list[Emulator]) -> None:
    for name in ("times-1", "times-2"):
        fault = {"then": {"status": 503}, "times": 5}
        assert three[0].post(f"/w/{name}/__admin/faults", fault).status == 201
        with ThreadPoolExecutor(9) as clients:
            statuses = list(clients.map(lambda n, name=name: _push(three[n % 3], name, f"t{n}"), range(45)))
        assert sorted(statuses) == [200] * 40 + [503] * 5
        for one in three:
            (armed,) = one.get(f"/w/{name}/__admin/faults").json["items"]
            assert armed["fired"] == 5
            matched = one.post(f"/w/{name}/__admin/requests/count", {"match": {"status": 503}})
            assert matched.json == {"count": 5}


def test_a_rate_is_one_rate_over_all_emulators(three: list[Emulator]) -> None:
    fault = {"then": {"rate_limit": {"per_second": 5}}}
    assert three[0].post("/w/rate/__admin/faults", fault).status == 201
    began = monotonic()
    with ThreadPoolExecutor(6) as clients:
        statuses = list(clients.map(lambda n: _push(three[n % 3], "rate", f"r{n}"), range(90)))
    took = monotonic() - began
    assert set(statuses) == {200, 429}
    assert 5 <= statuses.count(200) <= 5 * (took + 1) + 1


def test_who_waits_on_one_emulator_is_told_of_what_comes_to_another(three: list[Emulator]) -> None:
    """Within 300 ms; here on a busy machine."""
    delays = []
    for turn in range(5):
        _push(three[0], "news", "first")
        match = {"subscription_id": f"news-{turn}"}
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(
                lambda match=match: (
                    three[1].post("/w/news/__admin/requests/verify", {"match": match, "within": 20}),
                    monotonic(),
                )
            )
            pushed = monotonic()
            _push(three[2], "news", f"news-{turn}")
            answer, told = waiting.result()
        assert answer.status == 200, answer.body
        delays.append(told - pushed)
    assert median(delays) < 1.5, delays


def test_verify_counts_what_another_emulator_acknowledged_before_its_deadline(three: list[Emulator]) -> None:
    _push(three[0], "deadline", "first")
    missed, in_time = [], 0
    with ThreadPoolExecutor(1) as pool:
        for turn in range(10):
            match = {"subscription_id": f"deadline-{turn}"}
            body = {"match": match, "within": 0.25}
            began = monotonic()
            waiting = pool.submit(three[1].post, "/w/deadline/__admin/requests/verify", body)
            until(lambda began=began: monotonic() > began + 0.225, every_s=0.002)
            _push(three[2], "deadline", f"deadline-{turn}")
            if monotonic() < began + 0.25:
                in_time += 1
                missed += [] if waiting.result().status == 200 else [turn]
            waiting.result()
    assert (missed, in_time > 0) == ([], True)


def test_the_live_page_of_one_emulator_shows_what_comes_to_another(three: list[Emulator]) -> None:
    _push(three[0], "live", "first")
    with httpx.Client(timeout=20, trust_env=False) as person:
        delays = []
        with person.stream("GET", f"{three[1].url}/w/live/__console/live") as stream:
            lines = stream.iter_lines()
            assert next(lines) == ": watching"
            for number in range(5):
                pushed = monotonic()
                _push(three[2], "live", f"live-{number}")
                next(line for line in lines if line.startswith("data: "))
                delays.append(monotonic() - pushed)
    assert median(delays) < 1.5, delays


def test_all_emulators_end_with_the_same_workspaces(postgres: Any, tmp_path: Path) -> None:
    """Random calls of every kind by many at once; then the snapshots are the same, byte by byte."""
    names = [f"random-{number}" for number in range(3)]
    with emulators(tmp_path, postgres.database(), fixtures=MOBILE_FIXTURES) as running:

        def be_a_client(number: int) -> None:
            random = Random(number)
            lines = [Line(one.url) for one in running]
            for turn in range(50):
                path, document, method = _any_call(random, f"c{number}-{turn}")
                answer = random.choice(lines).call(
                    method, f"/w/{random.choice(names)}{path}", document, Authorization=ROLE
                )
                assert answer is not None
                assert answer[0] < 500 or answer[1]["error_text"].startswith("Fault"), answer

        with ThreadPoolExecutor(6) as clients:
            list(clients.map(be_a_client, range(6)))
        for name in names:
            # A reset has let it run.
            assert World(running[0], name).admin("PUT", "/clock", FROZEN).status == 200
            replies = [one.get(f"/w/{name}/__admin/snapshot") for one in running]
            for other in replies[1:]:
                for section, members in replies[0].json.items():
                    assert other.json[section] == members, (name, section)
                assert other.body == replies[0].body
        before = {name: running[0].get(f"/w/{name}/__admin/snapshot").body for name in names}
        running[1].kill()
        running[1].start()
        for name in names:
            assert running[1].get(f"/w/{name}/__admin/snapshot").body == before[name]


def test_a_successor_is_the_same_everywhere_and_inherits_nothing(three: list[Emulator]) -> None:
    """It is deleted and made anew while another emulator has the one before in memory, and looks away."""
    call = f"/w/successor{_SUBSCRIBE}"
    sent = {"Authorization": "Bearer rtoken@mobile-role-token", "Request-ID": "the-same"}
    for token in ("first", "second"):
        assert _push(three[0], "successor", token) == 200
    assert three[0].post(call, subscribe_body("by-sdk"), **sent).status == 200
    assert len(_journal(three[1], "successor")) == 3
    assert three[0].request("DELETE", "/__admin/workspaces/successor").status == 200
    assert _push(three[0], "successor", "third") == 200
    assert [one["id"] for one in _journal(three[1], "successor")] == [1]
    assert three[1].post(call, subscribe_body("by-sdk"), **sent).status == 200  # not an answer of before
    found = three[2].get("/w/successor/__admin/subscriptions?subscription_id=by-sdk").json
    assert found["total"] == 1
    assert _journal(three[0], "successor") == _journal(three[1], "successor")


def test_journals_are_the_same_whatever_is_deleted_and_made_anew_meanwhile(three: list[Emulator]) -> None:
    def be_a_client(number: int) -> None:
        random, line = Random(number), Line(three[number % 8 // 6].url)
        for turn in range(8):
            body = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription(f"c{number}-{turn}")]}
            if random.random() < 0.7:
                answer = line.call("POST", "/w/anew/push_subscribe", body)
            else:
                answer = line.call("DELETE", "/__admin/workspaces/anew")
            assert answer is not None
            assert answer[0] in (200, 404), answer

    with ThreadPoolExecutor(8) as clients:
        for turn in range(40):
            list(clients.map(be_a_client, range(8 * turn, 8 * turn + 8)))
            assert _push(three[0], "anew", "last") == 200
            shown = [_journal(one, "anew") for one in three]
            assert [one["id"] for one in shown[0]] == list(range(len(shown[0]), 0, -1))
            assert shown[1] == shown[0]
            assert shown[2] == shown[0]


def _journal(server: Server, name: str) -> list[Any]:
    items: list[Any] = server.get(f"/w/{name}/__admin/requests?limit=1000").json["items"]
    return items


def test_a_name_without_a_workspace_shows_the_same_at_every_emulator(database: str, tmp_path: Path) -> None:
    """Profiles to which the fixtures give no id, and times; what is made of it keeps both."""
    folder = Path(shutil.copytree(ROOT / "fixtures/default", tmp_path / "fixtures"))
    profiles = json.loads((folder / "profiles.json").read_text())
    for one in profiles[:4]:
        del one["id"]
    (folder / "profiles.json").write_text(json.dumps(profiles))
    paths = ["/w/unmade/__admin/profiles?limit=1000", "/w/unmade/__admin/subscriptions?limit=1000"]
    with emulators(tmp_path, database, 2, fixtures=folder) as running:
        shown = [[one.get(path).json for path in paths] for one in running]
        assert shown[0] == shown[1]
        assert shown[0][0]["total"] == len(profiles)
        assert _push(running[1], "unmade", "makes-it") == 200
        made = running[0].get(paths[0]).json["items"]
        assert [one for one in shown[0][0]["items"] if one not in made] == []


def _any_call(random: Random, name: str) -> tuple[str, Any, str]:
    token = f"shared-{random.randrange(12)}"
    entry = {"provider": random.choice(["android-firebase", "ios-apns"]), "subscription_id": token}
    entry["unsubscribe"] = random.random() < 0.3
    push = {"resource_token": random.choice(_TOKENS), "subscriptions": [entry]}
    call: tuple[str, Any, str] = random.choices(
        [
            ("/push_subscribe", push, "POST"),
            ("/push_subscribe", {"resource_token": "nobody", "subscriptions": [entry]}, "POST"),
            (_SUBSCRIBE, subscribe_body(token, status=random.choice(["subscribed", "unsubscribed"])), "POST"),
            ("/__admin/profiles", {"db_id": 1, "fields": {}}, "POST"),
            ("/__admin/faults", {"then": {"status": 503}, "times": 2}, "POST"),
            ("/__admin/faults", {"then": {"status": 500}, "probability": 0.5, "times": 3}, "POST"),
            ("/__admin/settings", {"strict": random.random() < 0.5}, "PATCH"),
            ("/__admin/clock", {"advance": "1m"}, "PUT"),
            ("/__admin/reset", {"keep": random.sample(["faults", "requests"], random.randrange(3))}, "POST"),
            ("/__admin/requests", None, "DELETE"),
            ("/__admin/requests/count", {"match": {"subscription_id": token}}, "POST"),
            ("/__admin/subscriptions?limit=3", None, "GET"),
            ("/__admin/databases", {"id": 1000 + random.randrange(5), "name": name}, "POST"),
        ],
        [40, 3, 20, 8, 4, 4, 4, 4, 1, 1, 8, 8, 2],
    )[0]
    return call


def _push(server: Server, name: str, token: str) -> int:
    body = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription(token)]}
    return server.post(f"/w/{name}/push_subscribe", body).status
