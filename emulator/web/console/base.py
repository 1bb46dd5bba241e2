"""``/__console/base``: lists of what is stored, and one profile, its subscriptions and its history."""

from flask import Response, render_template, request, url_for

from emulator.journal.entry import Entry
from emulator.journal.matching import RequestCriteria
from emulator.journal.search import Found, search
from emulator.rules.errors import Invalid
from emulator.rules.model import FieldValue, Status
from emulator.rules.texts import Problem
from emulator.store import editing
from emulator.store.fixture_set import ProfileEntry, SubscriptionEntry
from emulator.store.pages import RecordPage
from emulator.store.records import (
    RecordCriteria,
    list_databases,
    list_profiles,
    list_resources,
    list_subscriptions,
)
from emulator.web.admin.configuration import DatabasesSchema, ResourcesSchema
from emulator.web.admin.criteria import read_criteria
from emulator.web.admin.loading import load, read_digits
from emulator.web.admin.profiles import ProfilesSchema, SubscriptionsSchema
from emulator.web.console.language import gettext
from emulator.web.console.pages import change_later, number_of, page_later, pages
from emulator.web.console.refused_form import AGAIN_KEY
from emulator.web.console.shown import rows_of
from emulator.web.current import emulator, workspace
from emulator.workspaces.workspace import Workspace

#: Rows of one page, also where its address asks for more: a page is made in one step.
_MOST_ROWS = 100
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
        raise Invalid(Problem("field_value" if name else "field_name", "must have a value"))
    asked = load(schema(), arguments)
    limit, cursor = min(asked.pop("limit"), _MOST_ROWS), asked.pop("cursor")
    store = workspace().store
    wanted = RecordCriteria(**asked, fields={name: value} if name else {})

    def render(page: RecordPage) -> str:
        return render_template(
            f"console/base_{kind}.html",
            cursor=cursor,
            databases=store.databases(),
            fields=list(dict.fromkeys(one for database in store.databases() for one in database.fields)),
            filters=filters,
            kind=kind,
            listed=page,
            resources={one.id: one for one in store.resources()},
            show_secrets=emulator().settings.show_secrets,
            owned_page=store.owned_page,
        )

    refused = request.environ.get(AGAIN_KEY) == "GET"
    return page_later(_nothing() if refused else read(store, wanted, limit, cursor), render)


async def _nothing() -> RecordPage:
    """The empty page for filters that cannot be read."""
    return RecordPage([], None, 0)


#: Subscriptions on one page.
MOST = 50
#: Requests that the history shows; the search has all.
HISTORY = 20


@pages.get("/__console/base/profile")
def profile() -> Response:
    """The page."""
    found = workspace()
    db_id, profile_id = _which()
    one = editing.find_profile(found.store, db_id, profile_id)
    criteria = {"db_id": str(db_id), "profile_id": profile_id}
    resources = found.store.resources()
    _, total = found.store.owned_page(one, 0, 0)
    first = min(max(read_digits(request.args.get("first")) or 0, 0), max(total - 1, 0))
    own, _ = found.store.owned_page(one, first, MOST)

    def render(history: Found[Entry]) -> str:
        return render_template(
            "console/profile.html",
            database=found.store.database(db_id),
            first=first,
            has_more=history.older is not None,
            history_search=" ".join(f'{name}:"{value}"' for name, value in criteria.items()),
            most=MOST,
            one=one,
            own_resources=[resource for resource in resources if db_id in resource.db_ids],
            resources={resource.id: resource for resource in resources},
            rows=rows_of(found, history.entries),
            subscriptions=own,
            total=total,
        )

    return page_later(
        search(found.requests, RequestCriteria(read_criteria(criteria), loose=True), HISTORY), render
    )


@pages.post("/__console/base/profile/new")
def add_profile() -> Response:
    """Add an empty profile."""
    entry = ProfileEntry(number_of("db_id"), request.form.get("profile_id") or None)

    def work(found: Workspace) -> str:
        return editing.add_profile(found.store, entry, found.clock.timestamp(), found.ids.profile_id).id

    return change_later(work, lambda made: _page(entry.db_id, made), gettext("Created."))


@pages.post("/__console/base/profile/fields")
def set_fields() -> Response:
    """Set the profile's fields as the form has them; an empty one is removed."""
    db_id, profile_id = _which()
    values: dict[str, FieldValue | None] = {
        name.removeprefix("field."): text or None
        for name, text in request.form.items()
        if name.startswith("field.")
    }

    def work(found: Workspace) -> None:
        one = editing.find_profile(found.store, db_id, profile_id)
        kept = {name: value for name, value in values.items() if value is not None or name in one.fields}
        editing.change_profile(found.store, one, kept)

    return change_later(work, _page(db_id, profile_id), gettext("Saved."))


@pages.post("/__console/base/profile/delete")
def delete_profile() -> Response:
    """Delete the profile with its subscriptions."""
    db_id, profile_id = _which()

    async def work(found: Workspace) -> None:
        profile = editing.find_profile(found.store, db_id, profile_id)
        await found.store.gently(lambda: found.store.delete_profile(profile))

    return change_later(work, url_for("console.records", kind="profiles", db_id=db_id), gettext("Deleted."))


@pages.post("/__console/base/profile/subscribe")
def add_subscription() -> Response:
    """Add a subscription to the profile."""
    db_id, profile_id = _which()
    form = request.form
    token = form.get("subscription_id", "").strip()
    entry = SubscriptionEntry(number_of("resource_id"), form.get("provider", ""), token)

    def work(found: Workspace) -> None:
        editing.add_subscription(found.store, db_id, profile_id, entry, found.clock.timestamp())

    return change_later(work, _page(db_id, profile_id), gettext("The subscription is added."))


@pages.post("/__console/base/profile/subscription")
def change_subscription() -> Response:
    """Set a subscription's status, or delete it: as the form's ``to`` says."""
    db_id, profile_id = _which()
    hash_id, to = request.form.get("hash_id", ""), request.form.get("to", "")
    status: Status = "subscribed" if to == "subscribed" else "unsubscribed"

    async def work(found: Workspace) -> None:
        record, _ = await editing.find_subscription(found.store, hash_id, profile_id, one_only=True)
        if to == "deleted":
            found.store.delete_subscription(record)
        else:
            editing.change_subscription(found.store, record, status, found.clock.timestamp())

    said = gettext("Deleted.") if to == "deleted" else gettext("Saved.")
    return change_later(work, _page(db_id, profile_id, request.form.get("first")), said)


def _which() -> tuple[int, str]:
    return number_of("db_id"), request.values.get("profile_id", "")


def _page(db_id: int, profile_id: str, first: str | None = None) -> str:
    shown = None if first == "0" else first
    return url_for("console.profile", db_id=db_id, profile_id=profile_id, first=shown)
