"""Adding, changing and deleting databases, resources, profiles and subscriptions by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from flask import Blueprint, Response
from marshmallow import Schema, fields

from emulator.fixtures.schema import (
    DatabaseSchema,
    ProfileEntrySchema,
    ResourceSchema,
    SubscriptionEntrySchema,
)
from emulator.messages import Answer
from emulator.rules.model import Database, RequestError, Resource
from emulator.schemas.errors import INT64, integer, string
from emulator.store import configuring, editing
from emulator.store.fixture_set import ProfileEntry, SubscriptionEntry
from emulator.web.admin.loading import AdminSchema, load, load_query, read_body
from emulator.web.admin.records import STATUS, WhichSchema
from emulator.web.admin.shapes import shown_database, shown_profile, shown_resource, shown_subscription
from emulator.web.current import emulator
from emulator.web.later import answer_later, change, json_answer
from emulator.workspaces.workspace import Workspace

_DATABASE = "/databases/<int64:db_id>"
_RESOURCE = "/resources/<int64:resource_id>"
_PROFILE = "/profiles/<int64:db_id>/<path:profile_id>"
_SUBSCRIPTION = "/subscriptions/<hash_id>"


def add_routes(blueprint: Blueprint) -> None:
    """Add this subject's routes."""
    blueprint.add_url_rule("/databases", view_func=post_database, methods=["POST"])
    blueprint.add_url_rule(_DATABASE, view_func=post_database, methods=["POST"])
    blueprint.add_url_rule(_DATABASE, view_func=patch_database, methods=["PATCH"])
    blueprint.add_url_rule(_DATABASE, view_func=delete_database, methods=["DELETE"])
    blueprint.add_url_rule("/resources", view_func=post_resource, methods=["POST"])
    blueprint.add_url_rule(_RESOURCE, view_func=post_resource, methods=["POST"])
    blueprint.add_url_rule(_RESOURCE, view_func=patch_resource, methods=["PATCH"])
    blueprint.add_url_rule(_RESOURCE, view_func=delete_resource, methods=["DELETE"])
    blueprint.add_url_rule("/profiles", view_func=post_profile, methods=["POST"])
    blueprint.add_url_rule(_PROFILE, view_func=post_profile, methods=["POST"], merge_slashes=False)
    blueprint.add_url_rule(_PROFILE, view_func=patch_profile, methods=["PATCH"], merge_slashes=False)
    blueprint.add_url_rule(_PROFILE, view_func=delete_profile, methods=["DELETE"], merge_slashes=False)
    blueprint.add_url_rule("/subscriptions", view_func=post_subscription, methods=["POST"])
    blueprint.add_url_rule(_SUBSCRIPTION, view_func=patch_subscription, methods=["PATCH"])
    blueprint.add_url_rule(_SUBSCRIPTION, view_func=delete_subscription, methods=["DELETE"])


class CascadeSchema(AdminSchema):
    """Whether what hangs on it goes too."""

    cascade = fields.Boolean(load_default=False, error_messages={"invalid": "must be true or false"})


class NewSubscriptionSchema(SubscriptionEntrySchema):
    """A subscription, and whose it is."""

    db_id = integer(required=True, validate=INT64)
    profile_id = string(required=True)


class StatusSchema(AdminSchema):
    """What can be changed of a subscription."""

    status = string(required=True, validate=STATUS)


# Databases


def post_database(db_id: int | None = None) -> Response:
    """Add a database."""
    asked = _load_new(DatabaseSchema(), id=db_id)
    database = Database(asked["id"], asked["name"], asked.get("fields", {}))

    async def work(found: Workspace) -> Any:
        configuring.add_database(found.store, database)
        return shown_database(database)

    return _change(work, 201)


def patch_database(db_id: int) -> Response:
    """Change a database's name or some of its fields; null removes a field."""
    cascade = load_query(CascadeSchema())["cascade"]
    asked = _load_change(DatabaseSchema(partial=True), id=db_id)

    async def work(found: Workspace) -> Any:
        database = configuring.find_database(found.store, db_id)
        name, changed = asked.get("name"), asked.get("fields", {})
        return shown_database(
            await configuring.change_database(found.store, database, name, changed, cascade)
        )

    return _change(work)


def delete_database(db_id: int) -> Response:
    """Delete a database."""
    cascade = load_query(CascadeSchema())["cascade"]

    async def work(found: Workspace) -> Any:
        database = configuring.find_database(found.store, db_id)
        gone = await configuring.delete_database(found.store, database, cascade)
        return {"deleted": {"databases": 1, **gone}}

    return _change(work)


# Resources


def post_resource(resource_id: int | None = None) -> Response:
    """Add a resource."""
    asked = _load_new(ResourceSchema(), id=resource_id)
    resource = Resource(asked["id"], asked["name"], asked["token"], asked["db_ids"], asked.get("providers"))
    show_secrets = emulator().settings.show_secrets

    async def work(found: Workspace) -> Any:
        configuring.add_resource(found.store, resource)
        return shown_resource(resource, show_secrets)

    return _change(work, 201)


def patch_resource(resource_id: int) -> Response:
    """Change some of a resource's properties."""
    cascade = load_query(CascadeSchema())["cascade"]
    asked = _load_change(ResourceSchema(partial=True), id=resource_id)
    show_secrets = emulator().settings.show_secrets

    async def work(found: Workspace) -> Any:
        resource = configuring.find_resource(found.store, resource_id)
        changed = await configuring.change_resource(found.store, resource, asked, cascade)
        return shown_resource(changed, show_secrets)

    return _change(work)


def delete_resource(resource_id: int) -> Response:
    """Delete a resource."""
    cascade = load_query(CascadeSchema())["cascade"]

    async def work(found: Workspace) -> Any:
        resource = configuring.find_resource(found.store, resource_id)
        gone = await configuring.delete_resource(found.store, resource, cascade)
        return {"deleted": {"resources": 1, **gone}}

    return _change(work)


# Profiles


def post_profile(db_id: int | None = None, profile_id: str | None = None) -> Response:
    """Add a profile with its subscriptions."""
    asked = _load_new(ProfileEntrySchema(), db_id=db_id, id=profile_id)
    entry = msgspec.convert(asked, ProfileEntry)

    async def work(found: Workspace) -> Any:
        profile = editing.add_profile(found.store, entry, found.clock.timestamp(), found.ids.profile_id)
        return shown_profile(profile, found.store.subscriptions_of(profile))

    return _change(work, 201)


def patch_profile(db_id: int, profile_id: str) -> Response:
    """Change some of a profile's fields; null removes one."""
    schema = ProfileEntrySchema(partial=True, exclude=("subscriptions",))
    asked = _load_change(schema, db_id=db_id, id=profile_id)

    async def work(found: Workspace) -> Any:
        profile = editing.find_profile(found.store, db_id, profile_id)
        changed = editing.change_profile(found.store, profile, asked.get("fields", {}))
        return shown_profile(changed, found.store.subscriptions_of(changed))

    return _change(work)


def delete_profile(db_id: int, profile_id: str) -> Response:
    """Delete a profile with its subscriptions."""

    async def work(found: Workspace) -> Any:
        gone = found.store.delete_profile(editing.find_profile(found.store, db_id, profile_id))
        return {"deleted": {"profiles": 1, "subscriptions": gone}}

    return _change(work)


# Subscriptions


def post_subscription() -> Response:
    """Add a subscription to a profile."""
    asked = load(NewSubscriptionSchema(), read_body())
    db_id, profile_id = asked.pop("db_id"), asked.pop("profile_id")
    entry = msgspec.convert(asked, SubscriptionEntry)

    async def work(found: Workspace) -> Any:
        now = found.clock.timestamp()
        return shown_subscription(editing.add_subscription(found.store, db_id, profile_id, entry, now))

    return _change(work, 201)


def patch_subscription(hash_id: str) -> Response:
    """Change a subscription's status."""
    which = load_query(WhichSchema())["profile_id"]
    status = load(StatusSchema(), read_body())["status"]

    async def work(found: Workspace) -> Any:
        record, _ = editing.find_subscription(found.store, hash_id, which, one_only=True)
        now = found.clock.timestamp()
        return shown_subscription(editing.change_subscription(found.store, record, status, now))

    return _change(work)


def delete_subscription(hash_id: str) -> Response:
    """Delete a subscription."""
    which = load_query(WhichSchema())["profile_id"]

    async def work(found: Workspace) -> Any:
        record, _ = editing.find_subscription(found.store, hash_id, which, one_only=True)
        found.store.delete_subscription(record)
        return {"deleted": {"subscriptions": 1}}

    return _change(work)


# Inside


def _load_new(schema: Schema, **from_path: Any) -> Any:
    """The body of a POST; what the path says need not be said again."""
    document = read_body()
    if isinstance(document, dict):
        document = {**{name: value for name, value in from_path.items() if value is not None}, **document}
    asked = load(schema, document)
    _check_path(asked, from_path)
    return asked


def _load_change(schema: Schema, **from_path: Any) -> Any:
    """The body of a PATCH; null in ``fields`` stands for a field to remove."""
    document = read_body()
    removed: list[str] = []
    if isinstance(document, dict) and isinstance(document.get("fields"), dict):
        removed = [name for name, value in document["fields"].items() if value is None]
        kept = {name: value for name, value in document["fields"].items() if value is not None}
        document = {**document, "fields": kept}
    asked = load(schema, document)
    _check_path(asked, from_path)
    if removed:
        asked["fields"] |= dict.fromkeys(removed)
    return {name: value for name, value in asked.items() if name not in from_path}


def _check_path(asked: dict[str, Any], from_path: dict[str, Any]) -> None:
    for name, value in from_path.items():
        if value is not None and asked.get(name, value) != value:
            raise RequestError(400, f"{name}: must be {value}, as in the path, or left out", "A3")


def _change(work: Callable[[Workspace], Awaitable[Any]], status: int = 200) -> Response:
    """Answer with what ``work`` shows."""
    done = change(work)

    async def answer() -> Answer:
        return json_answer(await done, status)

    return answer_later(answer())
