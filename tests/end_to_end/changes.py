"""Every way to change by hand what a workspace holds or remembers, and what it then shows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.server import PAGE_TOKEN, Reply, Server, subscription

ANNA = "59db33d269d426509e9c4bf9"
_TABLE = b"x,token\n,new:1\n,new:2\n"
_PLAN = {"resource": PAGE_TOKEN, "provider": "android-firebase", "match": "push", "token_column": "token"}


class World:
    """One workspace of a server, as a person with a browser and a program has it."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name
        self.prefix = f"/w/{name}"
        self._cookies: dict[str, str] = {}
        self._form: dict[str, str] = {}

    def admin(self, method: str, path: str, document: Any = None) -> Reply:
        """A call of the admin API."""
        body = None if document is None else json.dumps(document).encode()
        return self.server.request(method, f"{self.prefix}/__admin{path}", body)

    def push(self, token: str) -> Reply:
        """A call of the documented endpoint, for a token that nobody has."""
        return self.server.post(
            f"{self.prefix}/push_subscribe",
            {"resource_token": PAGE_TOKEN, "subscriptions": [subscription(token)]},
        )

    def open_console(self) -> None:
        """Load a page with a form."""
        page = self.server.get(f"{self.prefix}/__console/base/database")
        assert page.status == 200, page.body
        name, _, value = page.headers["set-cookie"].partition(";")[0].partition("=")
        self._cookies[name] = value
        found = re.search(r'type="hidden" name="(\w*token)" value="([^"]+)"', page.body.decode())
        assert found is not None
        self._form = {found[1]: found[2]}

    def form(self, path: str, **values: Any) -> Reply:
        """Send a form of the console."""
        return self.server.request(
            "POST",
            f"{self.prefix}/__console{path}",
            urlencode(self._form | values).encode(),
            {
                "Content-Type": "application/x-www-form-urlencoded",
                "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
            },
        )

    def import_tokens(self) -> Reply:
        """Import a table by HTTP to its end; a job that failed as a reply with status 500."""
        parts = [
            ("file; filename=t.csv", _TABLE),
            ("plan", json.dumps(_PLAN).encode()),
        ]
        body = b"".join(
            b"--cut\r\nContent-Disposition: form-data; name=%s\r\n\r\n%s\r\n" % (name.encode(), content)
            for name, content in parts
        )
        headers = {"Content-Type": "multipart/form-data; boundary=cut"}
        started = self.server.request("POST", f"{self.prefix}/__admin/import", body + b"--cut--\r\n", headers)
        if started.status == 507:  # the file could not be kept
            return started
        assert started.status == 202, started.body
        job = self.server.finished_import(started.headers["location"])
        return job if job.json["state"] == "finished" else Reply(500, {}, job.body)

    def shown(self) -> Any:
        """Everything that the workspace holds and remembers."""
        document = self.admin("GET", "/snapshot").json
        if not document["clock"]["frozen"]:
            del document["clock"]["now"]
        return document


class Change(NamedTuple):
    """A change, and what has to be there before it.

    ``refusal``: a regular expression of what is said where the disk refuses.
    """

    make: Callable[[World], Reply]
    prepare: Callable[[World], object] = lambda world: None
    refusal: str = "nothing was changed"


def _arm(times: int | None = 1) -> Callable[[World], Reply]:
    fault = {"then": {"status": 503}, "times": times}
    return lambda world: world.admin("POST", "/faults", fault)


def _call(method: str, path: str, document: Any = None) -> Callable[[World], Reply]:
    return lambda world: world.admin(method, path, document)


def _form(path: str, **values: Any) -> Callable[[World], Reply]:
    return lambda world: world.form(path, **values)


_RESOURCE = {"id": 98, "name": "New", "token": "new", "db_ids": [17]}


def _set_status(world: World) -> Reply:
    one = world.admin("GET", "/subscriptions?limit=1&status=subscribed").json["items"][0]
    which = {name: one[name] for name in ("db_id", "profile_id", "hash_id")}
    return world.form("/base/profile/subscription", **which, to="unsubscribed")


def _fail_like(world: World) -> Reply:
    world.server.get(f"{world.prefix}/push_subscribe")
    entry = world.admin("GET", "/requests?limit=1").json["items"][0]
    return world.form(f"/requests/{entry['id']}/fail", recipe="item-duplicate", like="any")


def _subscription(method: str, document: Any = None) -> Callable[[World], Reply]:
    def call(world: World) -> Reply:
        first = world.admin("GET", "/subscriptions?limit=1&status=subscribed").json["items"][0]
        query = f"?profile_id={first['profile_id']}"
        return world.admin(method, f"/subscriptions/{first['hash_id']}{query}", document)

    return call


_PROFILE = {"db_id": 17, "profile_id": ANNA}
CHANGES = {
    "push": Change(lambda world: world.push("new-token")),
    "fired-fault": Change(lambda world: world.push("new-token"), _arm()),
    "fired-fault-after": Change(
        lambda world: world.push("new-token"),
        _call("POST", "/faults", {"then": {"status": 503}, "apply": "after", "times": 2}),
    ),
    "clock": Change(_call("PUT", "/clock", {"now": "2026-01-31T12:00:00Z"})),
    "running-clock": Change(_call("PUT", "/clock", {}), _call("PUT", "/clock", {"advance": "3h"})),
    "settings": Change(_call("PATCH", "/settings", {"strict": True, "lints": {"L1": "off"}})),
    "fault": Change(_arm()),
    "disarmed-fault": Change(_call("DELETE", "/faults/f1"), _arm()),
    "disarmed-faults": Change(_call("DELETE", "/faults"), _arm(None)),
    "database": Change(_call("POST", "/databases", {"id": 98, "name": "New"})),
    "changed-database": Change(_call("PATCH", "/databases/17", {"fields": {"fresh": "int"}})),
    "deleted-database": Change(_call("DELETE", "/databases/17?cascade=true")),
    "resource": Change(_call("POST", "/resources", _RESOURCE)),
    "changed-resource": Change(_call("PATCH", "/resources/5", {"name": "Renamed"})),
    "deleted-resource": Change(_call("DELETE", "/resources/22?cascade=true")),
    "profile": Change(_call("POST", "/profiles", {"db_id": 17, "fields": {"CustomNumber1": 4321}})),
    "changed-profile": Change(_call("PATCH", f"/profiles/17/{ANNA}", {"fields": {"CustomNumber1": 4321}})),
    "deleted-profile": Change(_call("DELETE", f"/profiles/17/{ANNA}")),
    "subscription": Change(
        _call(
            "POST",
            "/subscriptions",
            {"db_id": 17, "profile_id": ANNA, "resource_id": 5, **subscription("by-hand")},
        )
    ),
    "changed-subscription": Change(_subscription("PATCH", {"status": "unsubscribed"})),
    "deleted-subscription": Change(_subscription("DELETE")),
    "reset": Change(_call("POST", "/reset", {}), lambda world: world.push("gone-token")),
    "snapshot": Change(
        lambda world: world.admin(
            "PUT", "/snapshot", {**world.admin("GET", "/snapshot").json, "profiles": []}
        )
    ),
    "import": Change(World.import_tokens, refusal="were not stored|cannot be kept"),
    "form-clock": Change(_form("/overview/clock", now="2026-01-31T12:00:00Z")),
    "form-settings": Change(_form("/overview/settings", strict="on")),
    "form-reset": Change(_form("/overview/reset"), lambda world: world.push("gone-token")),
    "form-fault": Change(_form("/faults/item-duplicate", times="1")),
    "form-disarmed-faults": Change(_form("/faults/disarm"), _arm()),
    "form-like-fault": Change(_fail_like),
    "form-answers": Change(_form("/rules/answers", answers='{"B4": {"error_text": "no"}}')),
    "form-platform": Change(
        _form(
            "/rules/platform", platform='{"host": "h", "date": "2026-01-31", "policies": {}, "answers": {}}'
        )
    ),
    "form-own-fault": Change(_form("/faults/own", effect="status", status="503")),
    "form-database": Change(_form("/base/database", id=98, name="New", fields="{}")),
    "form-changed-database": Change(_form("/base/database/17", name="New", fields='{"a": "int"}', cascade=1)),
    "form-resource": Change(_form("/base/resource", **{**_RESOURCE, "db_ids": "17"})),
    "form-changed-resource": Change(_form("/base/resource/22/delete", cascade=1)),
    "form-profile": Change(_form("/base/profile/new", db_id=17)),
    "form-changed-profile": Change(
        _form("/base/profile/fields", **_PROFILE, **{"field.CustomNumber1": 4321})
    ),
    "form-deleted-profile": Change(_form("/base/profile/delete", **_PROFILE)),
    "form-subscription": Change(
        _form("/base/profile/subscribe", **_PROFILE, resource_id=5, **subscription("by-hand"))
    ),
    "form-changed-subscription": Change(_set_status),
}
