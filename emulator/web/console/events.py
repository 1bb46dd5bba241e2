"""``/__console/events``: what the SDKs reported, as it comes, newest first, with filters."""

from functools import partial
from typing import Any, NamedTuple

import msgspec
from flask import Response, request

from emulator.journal.events import Event, EventMatch
from emulator.web.console import listing
from emulator.web.console.language import gettext
from emulator.web.console.pages import pages, see_other
from emulator.web.current import workspace
from emulator.workspaces.answers import recorded_event

#: The criteria of the page's filters.
FILTERS = ("kind", "name", "smid", "profile_id", "q")


class EventRow(NamedTuple):
    """One event in the list. ``payload``, ``whole``: JSON, the event's without the members that it lacks."""

    event: Event
    payload: str
    whole: str


@pages.get("/__console/events")
def events() -> Response:
    """The newest events that the filters mean."""
    filters = _filters()
    match, rows = partial(EventMatch, filters, blind=True), lambda found: list(map(_row, found))
    return listing.page("console/events.html", workspace().events, match, filters, rows)


@pages.post("/__console/events")
def clear_events() -> Response:
    """Delete all events."""
    workspace().events.clear()
    return see_other("console.events", gettext("All events are deleted."))


@pages.get("/__console/events/live")
def events_stream() -> Response:
    """The stream of new events that the filters mean."""
    match = EventMatch(_filters(), blind=True)
    return listing.stream(
        workspace().events, match, "console/event_row.html", lambda new: [(one.id, _row(one)) for one in new]
    )


def _filters() -> dict[str, str]:
    return {name: text for name in FILTERS if (text := request.args.get(name, "").strip())}


def _row(event: Event) -> EventRow:
    members = msgspec.to_builtins(recorded_event(event))
    given = {name: value for name, value in members.items() if value is not None}
    return EventRow(event, "" if event.payload is None else _json(event.payload), _json(given))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
