"""``/__admin/databases``, ``/resources``, ``/profiles``, ``/subscriptions``: lists, and one by its id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from flask import Blueprint, Response, request
from marshmallow import ValidationError, fields, validate

from emulator.loop.pacing import Pacing
from emulator.messages import Answer
from emulator.schemas.errors import string
from emulator.store.configuring import find_database, find_resource
from emulator.store.editing import find_profile, find_subscription
from emulator.store.pages import DEFAULT_LIMIT, MAX_LIMIT, Cursor, Page, read_cursor
from emulator.store.records import Criteria, list_databases, list_profiles, list_resources, list_subscriptions
from emulator.store.tinydb_store import TinyDBStore
from emulator.web.admin.loading import AdminSchema, load, load_query
from emulator.web.admin.numbers import number_in_query
from emulator.web.admin.shapes import shown_database, shown_profile, shown_resource, shown_subscription
from emulator.web.current import emulator, workspace
from emulator.web.later import answer_later, json_answer

_FIELD = "field."
STATUS = validate.OneOf(["subscribed", "unsubscribed"], error='must be "subscribed" or "unsubscribed"')

List = Callable[[TinyDBStore, Criteria, int, Cursor | None], Awaitable[Page]]


def add_routes(blueprint: Blueprint) -> None:
    """Add this subject's routes."""
    blueprint.add_url_rule("/databases", view_func=get_databases)
    blueprint.add_url_rule("/resources", view_func=get_resources)
    blueprint.add_url_rule("/profiles", view_func=get_profiles)
    blueprint.add_url_rule("/subscriptions", view_func=get_subscriptions)
    blueprint.add_url_rule("/databases/<int64:db_id>", view_func=get_database)
    blueprint.add_url_rule("/resources/<int64:resource_id>", view_func=get_resource)
    blueprint.add_url_rule(
        "/profiles/<int64:db_id>/<path:profile_id>", view_func=get_profile, merge_slashes=False
    )
    blueprint.add_url_rule("/subscriptions/<hash_id>", view_func=get_subscription)


class CursorField(fields.Field[Cursor]):
    """What a list gave as ``next``."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Cursor:
        try:
            return read_cursor(value)
        except ValueError as error:
            raise ValidationError("must be what a list gave as next") from error


class PageSchema(AdminSchema):
    """What every list takes; ``other_names`` mean the same as those that they are given for."""

    other_names: ClassVar[Mapping[str, str]] = MappingProxyType({})

    limit = number_in_query(
        load_default=DEFAULT_LIMIT,
        validate=validate.Range(1, MAX_LIMIT, error=f"must be 1 to {MAX_LIMIT}"),
    )
    cursor = CursorField(load_default=None)


class DatabasesSchema(PageSchema):
    """Criteria on databases."""

    other_names = MappingProxyType({"db_id": "id"})

    id = number_in_query()
    name = string()
    resource_id = number_in_query()


class ResourcesSchema(PageSchema):
    """Criteria on resources."""

    other_names = MappingProxyType({"resource_id": "id"})

    id = number_in_query()
    name = string()
    token = string()
    db_id = number_in_query()
    provider = string()


class ProfilesSchema(PageSchema):
    """Criteria on profiles; those on subscriptions must hold for one of theirs."""

    other_names = MappingProxyType({"id": "profile_id"})

    profile_id = string()
    db_id = number_in_query()
    resource_id = number_in_query()
    provider = string()
    subscription_id = string()
    status = string(validate=STATUS)
    hash_id = string()


class SubscriptionsSchema(PageSchema):
    """Criteria on subscriptions."""

    other_names = MappingProxyType({"id": "hash_id"})

    hash_id = string()
    db_id = number_in_query()
    profile_id = string()
    resource_id = number_in_query()
    provider = string()
    subscription_id = string()
    status = string(validate=STATUS)


def _list(schema: PageSchema, records: List, shown: Callable[[Any], Any]) -> Response:
    """The answer to a call for a page of a list; ``records`` reads it, ``shown`` makes its items."""
    arguments = request.args.to_dict()
    values = {
        name.removeprefix(_FIELD): arguments.pop(name) for name in list(arguments) if name.startswith(_FIELD)
    }
    asked = load(schema, {schema.other_names.get(name, name): text for name, text in arguments.items()})
    limit, cursor = asked.pop("limit"), asked.pop("cursor")
    store = workspace().store

    async def answer() -> Answer:
        page = await records(store, Criteria(**asked, fields=values), limit, cursor)
        steps = Pacing(asked_every=8)
        items = []
        for one in page.records:
            if steps.long:
                await steps.pause()
            items.append(shown(one))
        following = page.next.text() if page.next is not None else None
        return json_answer({"items": items, "next": following, "total": page.total})

    return answer_later(answer())


def get_databases() -> Response:
    """A list of databases."""
    return _list(DatabasesSchema(), list_databases, shown_database)


def get_resources() -> Response:
    """A list of resources."""
    show_secrets = emulator().settings.show_secrets
    return _list(ResourcesSchema(), list_resources, lambda one: shown_resource(one, show_secrets))


def get_profiles() -> Response:
    """A list of profiles."""
    store = workspace().store
    return _list(ProfilesSchema(), list_profiles, lambda one: shown_profile(one, store.subscriptions_of(one)))


def get_subscriptions() -> Response:
    """A list of subscriptions."""
    return _list(SubscriptionsSchema(), list_subscriptions, shown_subscription)


def get_database(db_id: int) -> dict[str, Any]:
    """One database."""
    return shown_database(find_database(workspace().store, db_id))


def get_resource(resource_id: int) -> dict[str, Any]:
    """One resource."""
    return shown_resource(find_resource(workspace().store, resource_id), emulator().settings.show_secrets)


def get_profile(db_id: int, profile_id: str) -> dict[str, Any]:
    """One profile."""
    store = workspace().store
    profile = find_profile(store, db_id, profile_id)
    return shown_profile(profile, store.subscriptions_of(profile))


class WhichSchema(AdminSchema):
    """Which of several records of one key."""

    profile_id = string(load_default=None)


def get_subscription(hash_id: str) -> dict[str, Any]:
    """One subscription, and on which profiles its key is."""
    which = load_query(WhichSchema())["profile_id"]
    meant, every = find_subscription(workspace().store, hash_id, which, one_only=False)
    return {**shown_subscription(meant), "profiles": [one.profile_id for one in every]}
