"""What a copied pytest test sets up first: what the workspace has that the fixtures do not."""

from __future__ import annotations

from collections.abc import Mapping
from pprint import pformat
from textwrap import indent
from typing import Any

from msgspec import to_builtins

from emulator.journal.entry import Entry
from emulator.rules.model import Database, Resource
from emulator.workspaces.answers import database_record, resource_record
from emulator.workspaces.clock import REAL_TIME
from emulator.workspaces.settings import WorkspaceSettings
from emulator.workspaces.workspace import Workspace

_CLIENT = "push_emulator.client"
_SAID = "# The workspace has now, unlike the fixtures:"


def setup_of(found: Workspace, entry: Entry, show_secrets: bool) -> list[str]:
    """The calls that make a workspace of the fixtures like this one, as far as the request depends on it:
    its resource with the databases, the settings, the clock.

    ``show_secrets``: the resource's tokens and key stand whole in it.
    """
    calls = [*_records(found, entry.resource_id, show_secrets), *_settings(found.settings)]
    if found.clock.setting != REAL_TIME:
        calls.append(_call("clock.freeze", {"now": entry.time}))
    return [_SAID, *calls] if calls else []


def _records(found: Workspace, resource_id: int | None, show_secrets: bool) -> list[str]:
    resource = next((one for one in found.store.resources() if one.id == resource_id), None)
    if resource is None:
        return []
    databases = {one.id: one for one in found.fixtures.databases}
    own = [one for one in found.store.databases() if one.id in resource.db_ids]
    calls = [_changed("databases", _database(one), _database(databases.get(one.id))) for one in own]
    before = next((one for one in found.fixtures.resources if one.id == resource_id), None)
    now, then = (_resource(one, show_secrets) for one in (resource, before))
    return [call for call in (*calls, _changed("resources", now, then)) if call]


def _database(one: Database | None) -> dict[str, Any]:
    return {} if one is None else to_builtins(database_record(one))


def _resource(one: Resource | None, show_secrets: bool) -> dict[str, Any]:
    return {} if one is None else to_builtins(resource_record(one, show_secrets))


def _changed(kind: str, now: dict[str, Any], then: dict[str, Any]) -> str:
    """The call that makes a record of the fixtures (``then``, empty: it has none) what it is now."""
    if not then:
        return _call(f"{kind}.create", {name: one for name, one in now.items() if one})
    changed = {name: one for name, one in now.items() if one != then[name]}
    if kind == "databases" and "fields" in changed:
        changed["fields"] = {**dict.fromkeys(then["fields"].keys() - now["fields"].keys()), **now["fields"]}
    return _call(f"{kind}.change", {"id": now["id"], **changed, "cascade": True}) if changed else ""


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
    return [_call("settings.change", arguments)] if arguments else []


def _call(name: str, arguments: Mapping[str, Any]) -> str:
    """A call of the client, in several lines where one is too long."""
    written = [f"{key}={pformat(one, sort_dicts=False, width=80)}" for key, one in arguments.items()]
    line = f"{_CLIENT}.{name}({', '.join(written)})"
    if len(line) <= 88 and "\n" not in line:
        return line
    lines = indent("".join(one + ",\n" for one in written), "    ")
    return f"{_CLIENT}.{name}(\n{lines})"
