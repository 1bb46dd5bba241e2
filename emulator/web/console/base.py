"""``/__console/base``: lists of what is stored, with filters, a page at a time however much there is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from flask import Blueprint, Response, render_template, request

from emulator.store.pages import Cursor, Page
from emulator.store.records import Criteria, list_databases, list_profiles, list_resources, list_subscriptions
from emulator.store.tinydb_store import TinyDBStore
from emulator.web.admin.databases import DatabasesSchema
from emulator.web.admin.loading import load
from emulator.web.admin.profiles import ProfilesSchema
from emulator.web.admin.records import PageSchema
from emulator.web.admin.resources import ResourcesSchema
from emulator.web.admin.subscriptions import SubscriptionsSchema
from emulator.web.console.later import page_later
from emulator.web.console.presenters.providers import known_providers
from emulator.web.current import emulator, workspace

List = Callable[[TinyDBStore, Criteria, int, Cursor | None], Awaitable[Page]]


def add_routes(blueprint: Blueprint) -> None:
    """Add these pages' routes."""
    path = "/__console/base"
    blueprint.add_url_rule(path, "base", show_profiles)
    blueprint.add_url_rule(path + "/profiles", "profiles", show_profiles)
    blueprint.add_url_rule(path + "/subscriptions", "subscriptions", show_subscriptions)
    blueprint.add_url_rule(path + "/databases", "databases", show_databases)
    blueprint.add_url_rule(path + "/resources", "resources", show_resources)


def show_profiles() -> Response:
    """Profiles."""
    store = workspace().store
    return _list("profiles", ProfilesSchema(), list_profiles, subscriptions_of=store.subscriptions_of)


def show_subscriptions() -> Response:
    """Subscriptions."""
    return _list("subscriptions", SubscriptionsSchema(), list_subscriptions)


def show_databases() -> Response:
    """Databases."""
    return _list("databases", DatabasesSchema(), list_databases)


def show_resources() -> Response:
    """Resources."""
    return _list("resources", ResourcesSchema(), list_resources)


def _list(kind: str, schema: PageSchema, records: List, **more: Any) -> Response:
    """One page of a list, as the query string wants it; a field's value is asked with two parameters."""
    arguments = {name: text for name, value in request.args.items() if (text := value.strip())}
    arguments.pop("lang", None)
    name, value = arguments.pop("field_name", ""), arguments.pop("field_value", "")
    asked = load(schema, arguments)
    limit, cursor = asked.pop("limit"), asked.pop("cursor")
    found = workspace()
    wanted = Criteria(**asked, fields={name: value} if name and value else {})
    filters = {key: text for key, text in request.args.items() if key not in ("cursor", "lang") and text}
    fields = dict.fromkeys(one for database in found.store.databases() for one in database.fields)

    async def read() -> Page:
        return await records(found.store, wanted, limit, cursor)

    def render(page: Page) -> str:
        return render_template(
            f"console/base_{kind}.html",
            cursor=cursor,
            databases=found.store.databases(),
            fields=list(fields),
            filters=filters,
            kind=kind,
            listed=page,
            providers=known_providers(found.store),
            resources={one.id: one for one in found.store.resources()},
            show_secrets=emulator().settings.show_secrets,
            **more,
        )

    return page_later(read(), render)
