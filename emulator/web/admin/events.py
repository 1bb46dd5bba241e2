"""``/__admin/events``: the events that SDKs reported, counting and verifying (E5)."""

from operator import attrgetter
from typing import Any

import msgspec

from emulator.rules.errors import NotFound
from emulator.rules.texts import message
from emulator.web.admin.criteria import EVENTS
from emulator.web.admin.operation import Later, link, operation
from emulator.web.admin.verifying import Kind, count, count_schema, list_page, list_parameters, verify
from emulator.web.current import workspace
from emulator.workspaces.answers import recorded_event
from push_emulator.journal_answers import Cleared, Counted, EventPage, RecordedEvent, Unverified

EventCountSchema = count_schema(EVENTS, "EventCountSchema")


@operation("get", "/events", query=list_parameters(EVENTS), links=link("get_event", entry_id="/items/0/id"))
def list_events() -> Later[EventPage]:
    """Push events and mobile events, newest first (``payload.NAME`` filters by a part of the payload)."""
    return list_page(_KIND, EventPage)


@operation("get", "/events/<int64:entry_id>", refusals=(404,))
def get_event(entry_id: int) -> RecordedEvent:
    """One event."""
    event = workspace().events.get(entry_id)
    if event is None:
        raise NotFound(message("event %(id)s not found: no event of this id is kept", id=entry_id))
    return recorded_event(event)


@operation("delete", "/events")
def clear_events() -> Cleared:
    """Delete all events."""
    return Cleared(workspace().events.clear())


@operation("post", "/events/count", body=EventCountSchema)
def count_events(body: dict[str, Any]) -> Later[Counted]:
    """How many events match; waits up to ``within`` seconds for what is expected."""
    return count(_KIND, **body)


@operation(
    "post",
    "/events/verify",
    body=EventCountSchema,
    as_text=True,
    others={422: ("Not so many; `nearest` says which events came nearest, and what differs.", Unverified)},
)
def verify_events(body: dict[str, Any]) -> Later[Counted]:
    """Whether as many events match as expected (``Accept: text/plain``: the answer as text)."""
    return verify(_KIND, **body)


_KIND = Kind(
    "event",
    EVENTS,
    attrgetter("events"),
    lambda _: recorded_event,
    lambda one: msgspec.json.encode(one).decode(),
)
