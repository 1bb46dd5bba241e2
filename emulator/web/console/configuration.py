"""``/__console/base/database`` and ``/resource``: one of them, to be changed or deleted by hand."""

import json
from collections.abc import Sequence
from typing import Any

from flask import Response, render_template, request, url_for
from msgspec import to_builtins

from emulator.fixtures.schema import DatabaseSchema, ResourceSchema
from emulator.rules.errors import Invalid, NotFound
from emulator.rules.model import Database, Resource, RoleToken
from emulator.rules.texts import Problem, message
from emulator.store import configuring
from emulator.web.admin.loading import load, read_digits
from emulator.web.console.language import gettext
from emulator.web.console.pages import change_later, pages, plain_text, read_json
from emulator.web.current import emulator, workspace
from emulator.workspaces.answers import database_record, resource_record
from emulator.workspaces.workspace import Workspace
from push_emulator.masking import mask

_EXAMPLE = {"CustomNumber1": "int", "tier": {"type": "enum", "options": ["gold", "blue"]}}


@pages.get("/__console/base/database", endpoint="new_database", defaults={"db_id": None})
@pages.get("/__console/base/database/<int64:db_id>")
def database(db_id: int | None) -> str:
    """A form for a database, or for one more."""
    one = None if db_id is None else configuring.find_database(workspace().store, db_id)
    fields = _EXAMPLE if one is None else database_record(one).fields
    document = json.dumps(fields, ensure_ascii=False, indent=2)
    return render_template("console/database.html", one=one, fields=document)


@pages.post("/__console/base/database", defaults={"db_id": None})
@pages.post("/__console/base/database/<int64:db_id>")
def set_database(db_id: int | None) -> Response:
    """Add or change a database."""
    form = {**_new_id(db_id), "name": _name(), "fields": read_json("fields", {})}
    asked = load(DatabaseSchema(partial=db_id is not None), form)
    cascade = "cascade" in request.form

    async def work(found: Workspace) -> None:
        if db_id is None:
            configuring.add_database(found.store, Database(**asked))
            return
        one = configuring.find_database(found.store, db_id)
        fields = {**dict.fromkeys(one.fields), **asked["fields"]}
        await configuring.change_database(found.store, one, asked["name"], fields, cascade)

    return change_later(work, url_for("console.records", kind="databases"), _said(db_id))


@pages.post("/__console/base/<any(database, resource):kind>/<int64:record_id>/delete")
def delete_record(kind: str, record_id: int) -> Response:
    """Delete a database or a resource."""
    cascade = "cascade" in request.form

    async def work(found: Workspace) -> None:
        if kind == "database":
            database = configuring.find_database(found.store, record_id)
            await configuring.delete_database(found.store, database, cascade)
        else:
            resource = configuring.find_resource(found.store, record_id)
            await configuring.delete_resource(found.store, resource, cascade)

    return change_later(work, url_for("console.records", kind=f"{kind}s"), gettext("Deleted."))


@pages.get("/__console/base/resource", endpoint="new_resource", defaults={"resource_id": None})
@pages.get("/__console/base/resource/<int64:resource_id>")
def resource(resource_id: int | None) -> str:
    """A form for a resource, or for one more."""
    store = workspace().store
    one = None if resource_id is None else configuring.find_resource(store, resource_id)
    return render_template(
        "console/resource.html",
        one=one,
        databases=store.databases(),
        show_secrets=emulator().settings.show_secrets,
        sdk=_sdk_members(one),
    )


@pages.get("/__console/base/resource/<int64:resource_id>/<any(token, jwt_key):name>.txt")
def resource_secret(resource_id: int, name: str) -> Response:
    """The resource's token or key, whole: for the buttons that show and copy it."""
    return plain_text(getattr(configuring.find_resource(workspace().store, resource_id), name) or "")


@pages.get("/__console/base/resource/<int64:resource_id>/role-token-<int:position>.txt")
def role_token(resource_id: int, position: int) -> Response:
    """One of the resource's role tokens, whole. Raises :class:`NotFound`."""
    roles = configuring.find_resource(workspace().store, resource_id).role_tokens[position:]
    if not roles:
        raise NotFound(message("%(path)s not found", path=request.path), "A4")
    return plain_text(roles[0].token)


@pages.post("/__console/base/resource", defaults={"resource_id": None})
@pages.post("/__console/base/resource/<int64:resource_id>")
def set_resource(resource_id: int | None) -> Response:
    """Add or change a resource."""
    store = workspace().store
    known = [] if resource_id is None else configuring.find_resource(store, resource_id).role_tokens
    form = {**_new_id(resource_id), **_resource_form(), **_sdk_form(known)}
    asked = load(ResourceSchema(partial=resource_id is not None), form)
    cascade = "cascade" in request.form

    async def work(found: Workspace) -> None:
        if resource_id is None:
            configuring.add_resource(found.store, Resource(**asked))
        else:
            one = configuring.find_resource(found.store, resource_id)
            await configuring.change_resource(found.store, one, asked, cascade)

    return change_later(work, url_for("console.records", kind="resources"), _said(resource_id))


def _said(known_id: int | None) -> str:
    return gettext("Created.") if known_id is None else gettext("Saved.")


def _new_id(known_id: int | None) -> dict[str, int | None]:
    """The id of a new record in the form."""
    return {} if known_id is not None else {"id": read_digits(request.form.get("id", "").strip())}


def _name() -> str:
    """The name, which a person needs to see the record in lists. Raises :class:`Invalid`."""
    name = request.form.get("name", "").strip()
    if not name:
        raise Invalid(Problem("name", "must not be empty"))
    return name


def _sdk_members(one: Resource | None) -> dict[str, str]:
    """The members of a resource for mobile SDKs as the form shows them: JSON, secrets masked."""
    if one is None:
        return {}
    record = to_builtins(resource_record(one, emulator().settings.show_secrets))
    names = ("role_tokens", "categories", "subscription_fields")
    return {
        name: json.dumps(record[name], ensure_ascii=False, indent=1) for name in names if record.get(name)
    }


def _sdk_form(known: Sequence[RoleToken]) -> dict[str, Any]:
    """The members for mobile SDKs in the form; ``known``: role tokens that may be masked there."""
    form = request.form
    found: dict[str, Any] = {}
    for name, empty in (("role_tokens", []), ("categories", []), ("subscription_fields", {})):
        if name in form:
            found[name] = read_json(name, empty)
    left, roles = list(known), found.get("role_tokens")
    for role in roles if isinstance(roles, list) else ():
        if isinstance(role, dict):  # several tokens can look alike masked: that of the same name is meant
            alike = [one for one in left if mask(one.token) == role.get("token")]
            for one in sorted(alike, key=lambda one: one.name != role.get("name"))[:1]:
                left.remove(one)
                role["token"] = one.token
    key = form.get("jwt_key", "").strip()
    if key:  # an empty one stays as it is
        found["jwt_key"] = None if key == "-" else key
    return found


def _resource_form() -> dict[str, Any]:
    form = request.form
    databases = list(map(read_digits, form.get("db_ids", "").replace(",", " ").split()))
    if None in databases:
        raise Invalid(Problem("db_ids", "must be ids of databases, separated by commas"))
    token = {"token": form["token"]} if form.get("token") else {}  # an empty one stays as it is
    return {
        **token,
        "name": _name(),
        "db_ids": databases,
        "providers": form.get("providers", "").split() or None,
    }
