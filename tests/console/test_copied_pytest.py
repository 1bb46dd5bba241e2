"""The copied pytest test, run by a real pytest against an emulator of its own: it passes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tests.console.scene import PROFILE, REQUESTS, send_requests
from tests.server import PAGE_TOKEN, Server, subscription

JSON = {"Content-Type": "application/json"}
FAULTS = (
    {"then": {"status": 503, "error": 7, "error_text": 'busy "now"'}},
    {"then": "connection_reset", "apply": "after"},
    {"then": "truncated_body"},
    {"then": "malformed_json"},
    {"then": {"item_error": "duplicate"}},
    {"then": None, "delay_ms": 1},
)
BODIES = (
    b'{"id": "1", "id": "2"}',
    b"\xff\x00",
    b'{"resource_token": "two-databases", "subscriptions": [], "field_value": 1.50}',
    '{"resource_token": "nobody", "subscriptions": "\'\'\' ключ \\ud83d"}'.encode(),
)


def send_everything(server: Server, prefix: str) -> None:
    """Requests of every kind: outcomes, faults, tokens of faults, bodies that are no JSON."""
    send_requests(server, prefix)
    by_id = {"resource_token": PAGE_TOKEN, "id": PROFILE}
    both = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("a"), subscription("b")]}
    server.post(f"{prefix}/push_subscribe", {**by_id, "subscriptions": [subscription("a")]})
    server.post(f"{prefix}/push_subscribe", {**by_id, **both})  # one unchanged, one added
    server.post(f"{prefix}/push_subscribe", {**both, "id": "someone-else"})  # two duplicates
    server.post(
        f"{prefix}/push_subscribe/", {**by_id, "subscriptions": [subscription("c", unsubscribe=True)]}
    )
    for token in ("emu!503", "emu!after!reset", "emu!truncated", "emu!malformed", "emu!delay=1"):
        exchange(server, prefix, {**by_id, "subscriptions": [subscription(token)]})
    for fault in FAULTS:
        assert server.post(f"{prefix}/__admin/faults", {**fault, "times": 1}).status == 201
        exchange(server, prefix, {**by_id, "subscriptions": [subscription("under-a-fault")]})
    for body in BODIES:
        server.request("POST", f"{prefix}/push_subscribe?x=1", body, JSON)
        server.request("POST", f"{prefix}/push_subscribe", body, {"X-App": "1"})
    server.get(f"{prefix}/push_subscribe")
    server.get(f"{prefix}/nothing-here")


def exchange(server: Server, prefix: str, document: dict[str, object]) -> None:
    """A push whose answer may be broken."""
    with suppress(Exception):
        server.post(f"{prefix}/push_subscribe", document)


def change_everything(server: Server) -> str:
    """A workspace in which the answer depends on all that the admin API changed; its prefix."""
    prefix = "/w/copied-changed"
    fields = {"size": {"type": "enum", "options": ["S", "XL"]}}
    server.post(f"{prefix}/__admin/databases", {"id": 90, "name": "Новая", "fields": fields})
    resource = {
        "id": 91,
        "name": "New",
        "token": "made-by-hand",
        "db_ids": [90, 17],
        "providers": ["own-one"],
    }
    server.post(f"{prefix}/__admin/resources", resource)
    changes = (
        ("PATCH", "databases/17", {"fields": {"size": "int", "vip": None}}),
        (
            "PATCH",
            "settings",
            {"policies": {"unchanged_error": "0"}, "answers": {"M4": {"description": "?"}}},
        ),
        ("PUT", "clock", {"now": "2031-05-06T07:08:09Z"}),
    )
    for method, path, change in changes:
        path = f"{prefix}/__admin/{path}?cascade=true" if method == "PATCH" else f"{prefix}/__admin/{path}"
        assert server.request(method, path, json.dumps(change).encode(), JSON).status == 200, path
    custom = {"matching": "custom", "field_name": "size", "field_value": "XL"}
    one = subscription("t", "own-one")
    document = {"resource_token": "made-by-hand", **custom, "subscriptions": [one]}
    server.post(f"{prefix}/push_subscribe", document)
    return prefix


def test_copied_tests_pass_in_an_emulator_that_starts_from_the_fixtures(
    shared: Server, tmp_path: Path
) -> None:
    prefix = "/w/copied"
    send_everything(shared, prefix)
    number = shared.get(f"{prefix}/__admin/requests").json["total"]
    assert number == len(REQUESTS) + 4 + 5 + len(FAULTS) + 2 * len(BODIES) + 2
    for one in range(1, number + 1):
        text = shared.get(f"{prefix}/__console/requests/{one}/test.py.txt").body
        (tmp_path / f"test_{one}.py").write_bytes(text)
    strict = "/w/copied-strict"
    shared.request("PATCH", f"{strict}/__admin/settings", b'{"strict": true}', JSON)
    shared.post(f"{strict}/push_subscribe", {"resource_token": PAGE_TOKEN, "colour": "red"})
    text = shared.get(f"{strict}/__console/requests/1/test.py.txt").body
    (tmp_path / "test_strict.py").write_bytes(text)

    changed = change_everything(shared)
    (tmp_path / "test_changed.py").write_bytes(shared.get(f"{changed}/__console/requests/1/test.py.txt").body)

    environment = {name: value for name, value in os.environ.items() if not name.startswith("EMULATOR_")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # no other is needed, some are slow to load
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "push_emulator.pytest_plugin",
            ".",
        ],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert f"{number + 2} passed" in done.stdout, done.stdout[-6000:] + done.stderr[-2000:]
