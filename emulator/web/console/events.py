"""``/__console/events``: what the SDKs reported, as it comes, newest first, with filters."""

from collections.abc import Sequence
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
    match = partial(EventMatch, filters, blind=True)
    return listing.page("console/events.html", workspace().events, match, filters, _rows)


@pages.post("/__console/events")
def clear_events() -> Response:
    """Delete all events."""
    workspace().events.clear()
    return see_other("console.events", gettext("All events are deleted."))


@pages.get("/__console/events/live")
def events_stream() -> Response:
    """The stream of new events that the filters mean."""
    match = EventMatch(_filters(), blind=True)
    return listing.stream("events", match, "console/event_row.html", _rows)


def _filters() -> dict[str, str]:
    return {name: text for name in FILTERS if (text := request.args.get(name, "").strip())}


def _rows(events: Sequence[Event]) -> list[EventRow]:
    return list(map(_row, events))


def _row(event: Event) -> EventRow:
    members = msgspec.to_builtins(recorded_event(event))
    given = {name: value for name, value in members.items() if value is not None}
    return EventRow(event, "" if event.payload is None else _json(event.payload), _json(given))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
