"""``/__console/base/database`` and ``/resource``: one of them, to be changed or deleted by hand."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from emulator.fixtures.schema import DatabaseSchema, ResourceSchema
from emulator.rules.model import Database, RequestError, Resource
from emulator.rules.providers import DOCUMENTED
from emulator.schemas.strict_json import JSONProblem, read_json
from emulator.store import configuring
from emulator.web.admin.loading import load
from emulator.web.admin.numbers import read_digits
from emulator.web.console.later import change_later
from emulator.web.current import workspace
from emulator.workspaces.answers import database_record
from emulator.workspaces.workspace import Workspace


def add_routes(blueprint: Blueprint) -> None:
    """Add these pages' routes."""
    path = "/__console/base"
    blueprint.add_url_rule(path + "/database", "new_database", new_database)
    blueprint.add_url_rule(path + "/database", "add_database", add_database, methods=["POST"])
    blueprint.add_url_rule(path + "/database/<int64:db_id>", "database", show_database)
    blueprint.add_url_rule(path + "/database/<int64:db_id>", "set_database", set_database, methods=["POST"])
    blueprint.add_url_rule(path + "/resource", "new_resource", new_resource)
    blueprint.add_url_rule(path + "/resource", "add_resource", add_resource, methods=["POST"])
    blueprint.add_url_rule(path + "/resource/<int64:resource_id>", "resource", show_resource)
    blueprint.add_url_rule(
        path + "/resource/<int64:resource_id>", "set_resource", set_resource, methods=["POST"]
    )


def new_database() -> str:
    """A form for one more database."""
    return _database_page(
        None, '{"CustomNumber1": "int", "tier": {"type": "enum", "options": ["gold", "blue"]}}'
    )


def show_database(db_id: int) -> str:
    """A form for a database."""
    one = configuring.find_database(workspace().store, db_id)
    return _database_page(one, json.dumps(database_record(one).fields, ensure_ascii=False, indent=2))


def _database_page(one: Database | None, fields: str) -> str:
    return render_template("console/database.html", fields=fields, one=one)


def add_database() -> Response:
    """Add a database."""
    asked = load(DatabaseSchema(), {"id": _number("id"), **_database_form()})
    database = Database(asked["id"], asked["name"], asked["fields"])

    async def work(found: Workspace) -> None:
        configuring.add_database(found.store, database)

    return change_later(work, lambda _: url_for("console.databases"))


def set_database(db_id: int) -> Response:
    """Change or delete a database."""
    cascade, delete = "cascade" in request.form, "delete" in request.form
    asked = {} if delete else load(DatabaseSchema(partial=True), _database_form())

    async def work(found: Workspace) -> None:
        database = configuring.find_database(found.store, db_id)
        if delete:
            await configuring.delete_database(found.store, database, cascade)
            return
        gone = dict.fromkeys(name for name in database.fields if name not in asked["fields"])
        fields = {**asked["fields"], **gone}
        await configuring.change_database(found.store, database, asked["name"], fields, cascade)

    return change_later(work, lambda _: url_for("console.databases"))


def new_resource() -> str:
    """A form for one more resource."""
    return _resource_page(None)


def show_resource(resource_id: int) -> str:
    """A form for a resource."""
    return _resource_page(configuring.find_resource(workspace().store, resource_id))


def _resource_page(one: Resource | None) -> str:
    return render_template(
        "console/resource.html", databases=workspace().store.databases(), documented=DOCUMENTED, one=one
    )


def add_resource() -> Response:
    """Add a resource."""
    asked = load(ResourceSchema(), {"id": _number("id"), **_resource_form()})
    resource = Resource(asked["id"], asked["name"], asked["token"], asked["db_ids"], asked["providers"])

    async def work(found: Workspace) -> None:
        configuring.add_resource(found.store, resource)

    return change_later(work, lambda _: url_for("console.resources"))


def set_resource(resource_id: int) -> Response:
    """Change or delete a resource."""
    cascade, delete = "cascade" in request.form, "delete" in request.form
    asked = {} if delete else load(ResourceSchema(partial=True), _resource_form())

    async def work(found: Workspace) -> None:
        resource = configuring.find_resource(found.store, resource_id)
        if delete:
            await configuring.delete_resource(found.store, resource, cascade)
        else:
            await configuring.change_resource(found.store, resource, asked, cascade)

    return change_later(work, lambda _: url_for("console.resources"))


def _database_form() -> dict[str, Any]:
    try:
        fields = read_json(request.form.get("fields", "").encode("utf-8", "replace") or b"{}")
    except JSONProblem as problem:
        raise RequestError(400, f"fields: {problem}", "A3") from problem
    return {"name": request.form.get("name", ""), "fields": fields}


def _resource_form() -> dict[str, Any]:
    form = request.form
    databases = form.get("db_ids", "").replace(",", " ").split()
    # Python converts no thousands of digits.
    if not all(one.removeprefix("-").isdecimal() and len(one) <= 20 for one in databases):
        raise RequestError(400, "db_ids: must be ids of databases, parted by commas", "A3")
    token = {"token": form["token"]} if form.get("token") else {}  # an empty one stays as it is
    return {
        **token,
        "name": form.get("name", ""),
        "db_ids": [int(one) for one in databases],
        "providers": form.get("providers", "").split() or None,
    }


def _number(name: str) -> int:
    number = read_digits(request.form.get(name))
    if number is None:
        raise RequestError(400, f"{name}: must be an integer", "A3")
    return number
