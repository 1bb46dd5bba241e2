"""A recorded request as a pytest test that sets up the workspace, sends it and asserts its answer."""

import json
import re
from collections.abc import Iterable, Mapping
from pprint import pformat
from textwrap import indent
from typing import Any

from msgspec import Struct, to_builtins

from emulator.faults.model import Fault, ItemFault
from emulator.faults.tokens import PREFIX, parse_token
from emulator.journal.entry import Entry
from emulator.rules.model import Database, Resource
from emulator.schemas.strict_json import read_unique_json
from emulator.web.console.presenters.reuse import sent_headers
from emulator.workspaces.answers import database_record, resource_record
from emulator.workspaces.clock import REAL_TIME
from emulator.workspaces.settings import WorkspaceSettings
from emulator.workspaces.workspace import Workspace

_CLIENT = "push_emulator.client"
_SAID = "# The workspace has now, unlike the fixtures:"


def _setup(found: Workspace, entry: Entry, show_secrets: bool) -> list[str]:
    """The calls that make a workspace of the fixtures like this one, as far as the request depends on it:
    its resource with the databases, the settings, the clock.
    """
    calls = [*_records(found, entry.resource_id, show_secrets), *_settings(found.settings)]
    if found.clock.setting != REAL_TIME:
        calls.append(_client_call("clock.freeze", {"now": entry.time}))
    return [_SAID, *calls] if calls else []


def _records(found: Workspace, resource_id: int | None, show_secrets: bool) -> list[str]:
    """The calls that change the resource and its databases to what they are now."""
    resources = [one for one in found.store.resources() if one.id == resource_id]
    databases = [one for one in found.store.databases() if any(one.id in its.db_ids for its in resources)]
    then = _by_id(found.fixtures.databases, found.fixtures.resources, show_secrets)
    now = _by_id(databases, resources, show_secrets)
    calls = [_changed(kind, one, then.get((kind, number), {})) for (kind, number), one in now.items()]
    return [call for call in calls if call]


def _by_id(
    databases: Iterable[Database], resources: Iterable[Resource], show_secrets: bool
) -> dict[tuple[str, int], dict[str, Any]]:
    """Records in the form of the API, by their kind and id."""
    known: dict[tuple[str, int], Struct] = {("databases", one.id): database_record(one) for one in databases}
    known |= {("resources", one.id): resource_record(one, show_secrets) for one in resources}
    return {key: to_builtins(record) for key, record in known.items()}


def _changed(kind: str, now: dict[str, Any], then: dict[str, Any]) -> str:
    """The call that changes a record of the fixtures (``then``; empty: there is none) to what it is now."""
    if not then:
        return _client_call(f"{kind}.create", {name: one for name, one in now.items() if one})
    changed = {name: one for name, one in now.items() if one != then.get(name)}
    if kind == "databases" and "fields" in changed:
        changed["fields"] = {**dict.fromkeys(then["fields"].keys() - now["fields"].keys()), **now["fields"]}
    return _client_call(f"{kind}.change", {"id": now["id"], **changed, "cascade": True}) if changed else ""


def _settings(settings: WorkspaceSettings) -> list[str]:
    usual = to_builtins(WorkspaceSettings().policies)
    given = to_builtins(settings.policies)
    policies = {name: one for name, one in given.items() if one != usual[name]}
    answers = {
        name: {member: one for member, one in to_builtins(answer).items() if one is not None}
        for name, answer in settings.answers.items()
    }
    changed = {"strict": settings.strict, "policies": policies, "answers": answers}
    arguments = {name: one for name, one in changed.items() if one}
    return [_client_call("settings.change", arguments)] if arguments else []


def _client_call(name: str, arguments: Mapping[str, Any]) -> str:
    """A call of the client, in several lines where one is too long."""
    written = [f"{key}={pformat(one, sort_dicts=False, width=80)}" for key, one in arguments.items()]
    line = f"{_CLIENT}.{name}({', '.join(written)})"
    if len(line) <= 88 and "\n" not in line:
        return line
    lines = indent("".join(one + ",\n" for one in written), "    ")
    return f"{_CLIENT}.{name}(\n{lines})"


_IN_WORKSPACE = re.compile(r"/+w/+[a-z0-9_\-]{1,64}(?=/)")
#: Members of an answer's items that differ in each run.
_MADE_UP = ("profile_id", "subscription_hash_id")
#: Faults after which a client has no whole answer.
_BROKEN = ("connection_reset", "empty_response", "truncated_body")
_WIDTH = 88


class _Any:
    def __repr__(self) -> str:
        return "ANY"


def pytest_of(found: Workspace, entry: Entry, show_secrets: bool) -> str:
    """The test, for a workspace that starts from the fixtures, of a request of the workspace ``found``.

    What was subscribed before the request is subscribed by requests of the same kind. ``show_secrets``: the
    resource's tokens and key stand whole in it.
    """
    name = entry.fault or ""
    fault = parse_token(name) if name.startswith(PREFIX) else found.faults.get(name)
    document, answered = _faithful(entry.body_bytes), entry.answered()
    before = [_post(one) for one in _requests_before(entry, document)] if document else []
    steps = [*_setup(found, entry, show_secrets), *before, *_arming(entry, fault)]
    call = _call(entry, document)
    effect = fault.then if fault else None
    if effect in _BROKEN or not (entry.answer_bytes or entry.method == "HEAD"):
        steps += [f"with pytest.raises(httpx.TransportError):\n{indent(call, '    ')}"]
    else:
        steps += [f"answer = {call}", f"assert answer.status_code == {entry.status}"]
        if answered and effect != "malformed_json":
            steps += [f"assert answer.json() == {_literal(_expected(entry, answered))}"]
    body = "\n".join(steps)
    imports = "from unittest.mock import ANY\n\n" if re.search(r"\bANY\b", steps[-1]) else ""
    imports += "import httpx\n" + ("import pytest\n" if "pytest.raises" in steps[-1] else "")
    return f"{imports}\n\ndef test_request_{entry.id}(push_emulator):\n{indent(body, '    ')}\n"


def _requests_before(entry: Entry, document: dict[str, Any]) -> list[dict[str, Any]]:
    """Bodies of requests that subscribe what the rules found subscribed (S2, S3, S4)."""
    sent = document.get("subscriptions")
    there: dict[int, dict[str, Any]] = {}
    others = []
    for one in entry.decided:
        at = one.subscription
        if at is None or not isinstance(sent, list) or at >= len(sent):
            continue
        if one.code == "already":
            there[at] = sent[at]
        elif one.code == "changed":
            there[at] = {**sent[at], "unsubscribe": not sent[at].get("unsubscribe")}
        elif one.code in ("active_on", "moved"):
            own = {"resource_token": document["resource_token"], "id": one.parameters[0]}
            others.append({**own, "db_ids": [one.db_id], "subscriptions": [sent[at]]})
    return others + ([{**document, "subscriptions": list(there.values())}] if there else [])


def _arming(entry: Entry, fault: Fault | None) -> list[str]:
    """The call that arms a fault with the same effect; none where the request itself asks for it."""
    if not entry.fault or entry.fault.startswith(PREFIX):
        return []
    after = ", after=True" if entry.outcomes else ""
    if fault and fault.then is None:
        return [f"# The fault {entry.fault} delayed the answer by {entry.delay_ms} ms."]
    if fault and isinstance(fault.then, ItemFault):
        then = f'item_error="{fault.then.item_error}"'
    elif fault and isinstance(fault.then, str):
        then = f'"{fault.then}"{after}'
    elif not entry.answer_bytes:
        then = f'"connection_reset"{after}'
    elif entry.answered().get("data") == [] and entry.error:
        then = f"status={entry.status}, error={entry.error}, error_text={entry.error_text!r}{after}"
    else:
        return []
    return [f"push_emulator.fault({then}, times=1)"]


def _post(document: dict[str, Any]) -> str:
    return f'httpx.post(\n    push_emulator.url + "/push_subscribe",\n    json={_argument(document)},\n)'


def _call(entry: Entry, document: dict[str, Any] | None) -> str:
    path = _IN_WORKSPACE.sub("", entry.path, count=1) + (f"?{entry.query}" if entry.query else "")
    headers: dict[str, Any] = {}
    for name, value in sent_headers(entry):
        if name != "x-emulator-workspace":
            headers[name] = value if value.isascii() else value.encode("utf-8", "surrogateescape")
    arguments = [repr(entry.method), f"push_emulator.url + {path!r}"]
    if document is not None and headers.get("content-type") == "application/json":
        del headers["content-type"]  # httpx adds it
        arguments.append(f"json={_argument(document)}")
    elif entry.body_bytes:
        arguments.append(f"content={_argument(entry.body_bytes)}")
    if headers:
        arguments.append(f"headers={_argument(headers)}")
    if entry.fault:
        arguments.append("timeout=60")
    return "httpx.request(\n" + "".join(f"    {one},\n" for one in arguments) + ")"


def _faithful(body: bytes) -> dict[str, Any] | None:
    """The body's object, where a Python literal says all of it; ``None`` where it does not."""
    try:
        found = read_unique_json(body)
        json.dumps(found, allow_nan=False)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _expected(entry: Entry, answered: dict[str, Any]) -> dict[str, Any]:
    """The answer, with a mark for what differs in each run."""
    known, items = entry.document().get("id"), answered.get("data")
    if entry.path in entry.error_text and _IN_WORKSPACE.match(entry.path):  # another workspace's name
        answered = {**answered, "error_text": _Any()}
    if not isinstance(items, list):
        return answered
    return {**answered, "data": [_expected_item(one, known) for one in items]}


def _expected_item(item: Mapping[str, Any], known: Any) -> dict[str, Any]:
    return {name: _Any() if name in _MADE_UP and value != known else value for name, value in item.items()}


def _literal(value: Any) -> str:
    return pformat(value, sort_dicts=False, width=_WIDTH)


def _argument(value: Any) -> str:
    return _literal(value).replace("\n", "\n    ")
