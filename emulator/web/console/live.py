"""``/``: requests as they come, newest first, and a search through those that came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from time import monotonic

import orjson
from flask import Blueprint, Response, copy_current_request_context, current_app, render_template, request

from emulator.faults.calls import FIRST_CALL, curl
from emulator.requests.entry import OUTCOMES, Entry
from emulator.requests.matching import KEYS, Match
from emulator.requests.search import Found, search
from emulator.web.admin.criteria import check_possible, read_criteria
from emulator.web.console.later import page_later
from emulator.web.console.moving import see_other
from emulator.web.console.presenters.search_words import Search, read_search, with_outcome
from emulator.web.console.shown import base_url, rows_of, shown_resources, text
from emulator.web.console.state import console_state
from emulator.web.console.words import language
from emulator.web.current import emulator, workspace, workspace_name
from emulator.wire import BRIDGE_KEY, DELIVERY_KEY, Delivery
from emulator.workspace import DEFAULT_WORKSPACE, Workspace

PAGE = 50
#: Seconds between two pieces of news, at least: under load a page gets several requests at once.
PACE_S = 0.5
#: Requests that one piece of news shows, and that it looks at; the others are only counted.
MOST_SHOWN, MOST_LOOKED_AT = 20, 100
#: Seconds after which a silent stream says that it is still there.
HEARTBEAT_S = 15.0
#: Seconds to wait for more after the first news, so that a burst comes as one.
_GATHER_S = 0.05
#: Lines that are kept ready for other pages.
_MOST_LINES = 500


def add_routes(blueprint: Blueprint) -> None:
    """Add this page's routes."""
    blueprint.add_url_rule("/", "live", show_live)
    blueprint.add_url_rule("/__console/live", "live_stream", stream)
    blueprint.add_url_rule("/__console/first-call.txt", "first_call", first_call)
    blueprint.add_url_rule("/__console/requests", "clear_requests", clear, methods=["POST"])


def show_live() -> Response:
    """The newest requests that the search means."""
    found = workspace()
    asked = _asked()
    before = request.args.get("before", type=int)
    newest = found.requests.recorded

    def render(page: Found) -> str:
        return render_template(
            "console/live.html",
            asked=asked,
            before=before,
            first_call=curl(FIRST_CALL, base_url(), shown_resources(found), found.store.databases()),
            journal=found.requests,
            newest=newest,
            older=page.older,
            outcomes={one: with_outcome(asked.text, one) for one in OUTCOMES},
            without_outcome=with_outcome(asked.text, None),
            rows=rows_of(found, page.entries),
            words=KEYS,
        )

    return page_later(_find(found, asked.match, before), render)


async def _find(found: Workspace, match: Match, before: int | None) -> Found:
    await check_possible(found, match)
    return await search(found.requests, match, PAGE, before)


def first_call() -> Response:
    """A request to begin with, with the real resource token: for the copy button."""
    store = workspace().store
    return text(curl(FIRST_CALL, base_url(), store.resources(), store.databases()))


def clear() -> Response:
    """Empty the journal."""
    workspace().requests.clear()
    return see_other("console.live")


def stream() -> Response:
    """Server-sent events: rows of new requests that the search means, as HTML.

    Answers 204, which ends the browser's attempts, for a workspace that is not there (any more): watching
    alone makes none.
    """
    found = _opened()
    if found is None or not request.environ.get(BRIDGE_KEY):
        return Response(status=204)
    asked = _asked()
    after = request.headers.get("Last-Event-ID", request.args.get("after", ""))
    last = int(after) if after.isdecimal() and len(after) < 19 else found.requests.recorded
    render = copy_current_request_context(partial(_rows, found))
    request.environ[DELIVERY_KEY] = Delivery(stream=events(found, asked, last, render))
    # An iterator: the length of what will be sent is not known.
    return Response(iter(()), headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})


async def events(
    found: Workspace, asked: Search, last: int, render: Callable[[Sequence[Entry]], str]
) -> AsyncIterator[bytes]:
    """The stream's pieces, from the request after ``last`` on; without end."""
    journal = found.requests
    yield b": watching\n\n"
    while True:
        if journal.recorded <= last and not await journal.news(HEARTBEAT_S):
            found.touch()  # a workspace that somebody watches is in use
            yield b": still watching\n\n"
            continue
        await asyncio.sleep(_GATHER_S)
        began, newest = monotonic(), journal.recorded
        shown, missed = _news(found, asked.match, last)
        yield _event(newest, render(shown), len(shown), missed, len(journal))
        last = newest
        await asyncio.sleep(max(0.0, PACE_S - (monotonic() - began)))


def _news(found: Workspace, match: Match, last: int) -> tuple[list[Entry], int]:
    """What is new and matches, newest first, and how many came too fast to be looked at or shown."""
    journal = found.requests
    most = MOST_LOOKED_AT if match.criteria else MOST_SHOWN
    looked_at = range(journal.recorded, max(last, journal.recorded - most), -1)
    readings = (reading for entry_id in looked_at if (reading := journal.reading(entry_id)) is not None)
    wanted = [reading.entry for reading in readings if match.meets(reading)]
    shown = wanted[:MOST_SHOWN]
    return shown, max(0, journal.recorded - last - most) + len(wanted) - len(shown)


def _event(newest: int, rows: str, count: int, missed: int, kept: int) -> bytes:
    news = {"rows": rows, "count": count, "missed": missed, "kept": kept}
    return b"id: %d\ndata: %s\n\n" % (newest, orjson.dumps(news))


def _rows(found: Workspace, entries: Sequence[Entry]) -> str:
    """The entries' lines; made once for all pages that look at this workspace in one language."""
    known = console_state().lines.setdefault(found, {}).setdefault((request.script_root, language()), {})
    if len(known) > _MOST_LINES:
        known.clear()
    line = current_app.jinja_env.get_template("console/row.html").module.line  # type: ignore[attr-defined]
    new = [entry for entry in entries if entry.id not in known]
    known.update((row.id, str(line(row))) for row in rows_of(found, new))
    return "".join(known[entry.id] for entry in entries)


def _asked() -> Search:
    """The request's search. Raises :class:`~emulator.rules.model.RequestError` 400 for what is no value."""
    asked = read_search(request.args.get("q", ""))
    return asked._replace(criteria=read_criteria(asked.criteria))


def _opened() -> Workspace | None:
    name = workspace_name() or DEFAULT_WORKSPACE
    return next((one for one in emulator().workspaces if one.name == name), None)
