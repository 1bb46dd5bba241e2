"""``/``: requests as they come, newest first, and a search through those that came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from time import monotonic

import orjson
from flask import Response, copy_current_request_context, current_app, render_template, request

from emulator.faults.calls import FIRST_CALL
from emulator.journal.entry import OUTCOMES, Entry
from emulator.journal.journal import RequestJournal
from emulator.journal.matching import Match
from emulator.journal.query import BadCriteria
from emulator.journal.search import Found, search
from emulator.messages import BRIDGE_KEY, DELIVERY_KEY, Delivery
from emulator.web.admin.criteria import check_possible
from emulator.web.console import access
from emulator.web.console.language import gettext, language
from emulator.web.console.pages import console_state, page_later, pages, plain_text, see_other
from emulator.web.console.presenters.search_words import EXAMPLES, with_outcome
from emulator.web.console.shown import attempts_of, command, rows_of
from emulator.web.current import emulator, workspace, workspace_name

PAGE = 50
#: Seconds between two pieces of news, at least: under load a page gets several requests at once.
PACE_S = 0.5
#: Requests that one piece of news shows, and that it looks at; the others are only counted.
MOST_SHOWN, MOST_LOOKED_AT = 20, 100
#: Requests whose attempts a live page looks for at once; after more of them its lines lack the mark.
_MOST_FOLLOWED = 500
#: Seconds after which a silent stream says that it is still there.
HEARTBEAT_S = 15.0
#: Seconds to wait for more after the first news, so that a burst comes as one.
_GATHER_S = 0.05
#: Proxies are told neither to hold the pieces back nor to pack them.
_STREAM = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
#: Lines that are kept ready for other pages.
_MOST_LINES = 500


@pages.get("/")
def live() -> Response:
    """The newest requests that the search means."""
    found = workspace()
    text = request.args.get("q", "").strip()
    before = request.args.get("before", type=int)
    newest, tries = _place(found.requests), attempts_of(found)

    def render(page: Found[Entry] | BadCriteria) -> tuple[str, int]:
        problem = page.told(gettext) if isinstance(page, BadCriteria) else ""
        listed = Found([], None, 0) if isinstance(page, BadCriteria) else page
        shown = render_template(
            "console/live.html",
            before=before,
            examples=EXAMPLES,
            first_call=command(FIRST_CALL),
            journal=found.requests,
            newest=newest,
            older=listed.older,
            outcomes={one: with_outcome(text, one) for one in OUTCOMES},
            problem=problem,
            rows=rows_of(found, listed.entries),
            text=text,
            total=listed.total,
            without_outcome=with_outcome(text, None),
        )
        return shown, 400 if problem else 200

    async def find() -> Found[Entry] | BadCriteria:
        try:
            match = Match({"q": text})
            await check_possible(found, found.requests, match)
        except BadCriteria as problem:
            return problem
        await tries.follow()
        return await search(found.requests, match, PAGE, before, count_all=bool(text))

    return page_later(find(), render)


@pages.get("/__console/first-call.txt")
def first_call() -> Response:
    """A request to begin with, with the real resource token: for the copy button."""
    return plain_text(command(FIRST_CALL, whole=True))


@pages.post("/__console/requests")
def clear_requests() -> Response:
    """Empty the journal."""
    workspace().requests.clear()
    return see_other("console.live", gettext("The journal is empty."))


@pages.get("/__console/live")
def live_stream() -> Response:
    """Server-sent events: rows of new requests that the search means, as HTML.

    They are those of the workspace that has this name at the time. Answers 204, which ends the browser's
    attempts, where the server cannot stream.
    """
    if not request.environ.get(BRIDGE_KEY):
        return Response(status=204)
    asked, journal = Match({"q": request.args.get("q", "").strip()}), workspace().requests
    after = request.headers.get("Last-Event-ID", request.args.get("after", _place(journal)))
    render = copy_current_request_context(_rows)
    follow = copy_current_request_context(lambda: attempts_of(workspace()).follow(_MOST_FOLLOWED))
    pieces = access.while_signed_in(events(journal, asked, after, render, follow))
    busy = emulator().workspaces.in_use(workspace_name())
    request.environ[DELIVERY_KEY] = Delivery(stream=pieces, busy=busy)
    # An iterator: the length of what will be sent is not known.
    return Response(iter(()), headers=_STREAM)


async def events(
    journal: RequestJournal,
    asked: Match,
    after: str,
    render: Callable[[Sequence[Entry]], str],
    follow: Callable[[], Awaitable[None]],
) -> AsyncGenerator[bytes]:
    """The stream's pieces, from the place ``after`` on, as the events before said it; without end."""
    number, _, epoch = after.partition("-")
    last = int(number) if number.isdecimal() and len(number) < 19 else 0
    yield b": watching\n\n"
    while True:
        if (epoch, journal.recorded) == (journal.epoch, last) and not await journal.news(HEARTBEAT_S):
            yield b": still watching\n\n"
            continue
        await asyncio.sleep(_GATHER_S)
        await follow()
        began, anew = monotonic(), epoch != journal.epoch
        if anew:  # all that the page has seen is forgotten
            last, epoch = journal.recorded - len(journal), journal.epoch
        shown, missed = _news(journal, asked, last)
        last = journal.recorded
        news = {"rows": render(shown), "count": len(shown), "missed": missed, "anew": anew}
        yield f"id: {_place(journal)}\ndata: ".encode() + orjson.dumps(news) + b"\n\n"
        await asyncio.sleep(max(0.0, PACE_S - (monotonic() - began)))


def _place(journal: RequestJournal) -> str:
    """Up to where a page has seen the journal."""
    return f"{journal.recorded}-{journal.epoch}"


def _news(journal: RequestJournal, match: Match, last: int) -> tuple[list[Entry], int]:
    """What is new and matches, newest first, and how many came too fast to be looked at or shown."""
    most = MOST_LOOKED_AT if match.criteria.get("q") else MOST_SHOWN
    looked_at = range(journal.recorded, max(last, journal.recorded - most), -1)
    readings = (reading for entry_id in looked_at if (reading := journal.reading(entry_id)) is not None)
    wanted = [reading.entry for reading in readings if match.meets(reading)]
    shown = wanted[:MOST_SHOWN]
    return shown, max(0, journal.recorded - last - most) + len(wanted) - len(shown)


def _rows(entries: Sequence[Entry]) -> str:
    """The entries' lines; made once for all pages that look at this workspace in one language."""
    found = workspace()
    known = console_state().lines.setdefault(found, {}).setdefault((request.script_root, language()), {})
    if len(known) > _MOST_LINES:
        known.clear()
    line = current_app.jinja_env.get_template("console/row.html").module.line  # type: ignore[attr-defined]
    new = [entry for entry in entries if entry.id not in known]
    known.update((row.entry.id, str(line(row))) for row in rows_of(found, new))
    return "".join(known[entry.id] for entry in entries)
