"""``/__console/base``: lists of what is stored, with filters, a page at a time."""

from __future__ import annotations

from flask import Response, render_template, request

from emulator.rules.errors import Invalid
from emulator.store.pages import Page
from emulator.store.records import Criteria, list_databases, list_profiles, list_resources, list_subscriptions
from emulator.web.admin.databases import DatabasesSchema
from emulator.web.admin.possible import known_providers
from emulator.web.admin.profiles import ProfilesSchema
from emulator.web.admin.resources import ResourcesSchema
from emulator.web.admin.subscriptions import SubscriptionsSchema
from emulator.web.console.language import gettext
from emulator.web.console.pages import page_later, pages, read_form
from emulator.web.console.refused_form import AGAIN_KEY
from emulator.web.current import emulator, workspace

#: Each list: what judges its filters, and what reads it.
LISTS = {
    "profiles": (ProfilesSchema, list_profiles),
    "subscriptions": (SubscriptionsSchema, list_subscriptions),
    "databases": (DatabasesSchema, list_databases),
    "resources": (ResourcesSchema, list_resources),
}


@pages.get("/__console/base", endpoint="base", defaults={"kind": "profiles"})
@pages.get("/__console/base/<any(profiles, subscriptions, databases, resources):kind>")
def records(kind: str) -> Response:
    """One page of a list, as the query string wants it; a custom field is asked for with two parameters."""
    schema, read = LISTS[kind]
    arguments = {name: text for name, value in request.args.items() if (text := value.strip())}
    arguments.pop("lang", None)
    filters = {name: text for name, text in arguments.items() if name != "cursor"}
    name, value = arguments.pop("field_name", ""), arguments.pop("field_value", "")
    if bool(name) != bool(value):
        raise Invalid(f"{'field_value' if name else 'field_name'}: {gettext('must have a value')}", "A3")
    asked = read_form(schema(), arguments)
    limit, cursor = asked.pop("limit"), asked.pop("cursor")
    store = workspace().store
    wanted = Criteria(**asked, fields={name: value} if name else {})

    def render(page: Page) -> str:
        return render_template(
            f"console/base_{kind}.html",
            cursor=cursor,
            databases=store.databases(),
            fields=list(dict.fromkeys(one for database in store.databases() for one in database.fields)),
            filters=filters,
            kind=kind,
            listed=page,
            providers=known_providers(store),
            resources={one.id: one for one in store.resources()},
            show_secrets=emulator().settings.show_secrets,
            subscriptions_of=store.subscriptions_of,
        )

    refused = request.environ.get(AGAIN_KEY) == "GET"
    return page_later(_nothing() if refused else read(store, wanted, limit, cursor), render)


async def _nothing() -> Page:
    """What is found with filters that cannot be read."""
    return Page([], None, 0)
