"""``/__console/base/profile``: one profile, its subscriptions and its history; changing them by hand."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, url_for

from emulator.journal.matching import Match
from emulator.journal.search import Found, search
from emulator.rules.model import FieldValue, RequestError, Status
from emulator.store import editing
from emulator.store.fixture_set import ProfileEntry, SubscriptionEntry
from emulator.web.admin.criteria import read_criteria
from emulator.web.admin.numbers import read_digits
from emulator.web.console.later import change_later, page_later
from emulator.web.console.presenters.providers import known_providers
from emulator.web.console.shown import rows_of
from emulator.web.current import workspace
from emulator.workspaces.workspace import Workspace

#: Requests that the history shows; the search has all.
HISTORY = 20


def add_routes(blueprint: Blueprint) -> None:
    """Add this page's routes. An id can hold any character, so it goes into the query, not the path."""
    path = "/__console/base/profile"
    blueprint.add_url_rule(path, "profile", show_profile)
    blueprint.add_url_rule(path + "/new", "add_profile", add_profile, methods=["POST"])
    blueprint.add_url_rule(path + "/fields", "set_fields", set_fields, methods=["POST"])
    blueprint.add_url_rule(path + "/delete", "delete_profile", delete_profile, methods=["POST"])
    blueprint.add_url_rule(path + "/subscribe", "add_subscription", add_subscription, methods=["POST"])
    blueprint.add_url_rule(
        path + "/subscription", "change_subscription", change_subscription, methods=["POST"]
    )


def show_profile() -> Response:
    """The page."""
    found = workspace()
    db_id, profile_id = _which()
    profile = editing.find_profile(found.store, db_id, profile_id)
    criteria = {"db_id": str(db_id), "profile_id": profile_id}
    resources = found.store.resources()

    def render(history: Found) -> str:
        return render_template(
            "console/profile.html",
            database=found.store.database(db_id),
            has_more=history.older is not None,
            history_search=" ".join(f'{name}:"{value}"' for name, value in criteria.items()),
            one=profile,
            own_resources=[one for one in resources if db_id in one.db_ids],
            providers=known_providers(found.store),
            resources={one.id: one for one in resources},
            rows=rows_of(found, history.entries),
            subscriptions=found.store.subscriptions_of(profile),
        )

    return page_later(search(found.requests, Match(read_criteria(criteria), loose=True), HISTORY), render)


def add_profile() -> Response:
    """Add an empty profile."""
    db_id = _number("db_id")
    entry = ProfileEntry(db_id, request.form.get("profile_id") or None)

    async def work(found: Workspace) -> str:
        return editing.add_profile(found.store, entry, found.clock.timestamp(), found.ids.profile_id).id

    return change_later(work, lambda made: url_for("console.profile", db_id=db_id, profile_id=made))


def set_fields() -> Response:
    """Set the profile's fields as the form has them; an empty one goes."""
    db_id, profile_id = _which()
    names = workspace().store.database(db_id).fields if _has_database(db_id) else {}
    values: dict[str, FieldValue | None] = {
        name: request.form[f"field.{name}"] or None for name in names if f"field.{name}" in request.form
    }

    async def work(found: Workspace) -> None:
        profile = editing.find_profile(found.store, db_id, profile_id)
        kept = {name: value for name, value in values.items() if value is not None or name in profile.fields}
        editing.change_profile(found.store, profile, kept)

    return change_later(work, lambda _: url_for("console.profile", db_id=db_id, profile_id=profile_id))


def delete_profile() -> Response:
    """Delete the profile with its subscriptions."""
    db_id, profile_id = _which()

    async def work(found: Workspace) -> None:
        found.store.delete_profile(editing.find_profile(found.store, db_id, profile_id))

    return change_later(work, lambda _: url_for("console.profiles", db_id=db_id))


def add_subscription() -> Response:
    """Add a subscription to the profile."""
    db_id, profile_id = _which()
    form = request.form
    entry = SubscriptionEntry(
        _number("resource_id"), form.get("provider", ""), form.get("subscription_id", "").strip()
    )

    async def work(found: Workspace) -> None:
        editing.add_subscription(found.store, db_id, profile_id, entry, found.clock.timestamp())

    return change_later(work, lambda _: url_for("console.profile", db_id=db_id, profile_id=profile_id))


def change_subscription() -> Response:
    """Set a subscription's status, or delete it: as the form's ``to`` says."""
    db_id, profile_id = _which()
    hash_id, to = request.form.get("hash_id", ""), request.form.get("to", "")
    status: Status = "subscribed" if to == "subscribed" else "unsubscribed"

    async def work(found: Workspace) -> None:
        record, _ = editing.find_subscription(found.store, hash_id, profile_id, one_only=True)
        if to == "deleted":
            found.store.delete_subscription(record)
        else:
            editing.change_subscription(found.store, record, status, found.clock.timestamp())

    return change_later(work, lambda _: url_for("console.profile", db_id=db_id, profile_id=profile_id))


def _which() -> tuple[int, str]:
    return _number("db_id"), request.values.get("profile_id", "")


def _number(name: str) -> int:
    number = read_digits(request.values.get(name))
    if number is None:
        raise RequestError(400, f"{name}: must be an integer", "A3")
    return number


def _has_database(db_id: int) -> bool:
    return any(one.id == db_id for one in workspace().store.databases())
