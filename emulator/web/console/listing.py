"""What the lists of requests and of events share: one page of a journal, and the stream of what is new."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from functools import partial
from time import monotonic
from typing import Any

import orjson
from flask import Response, copy_current_request_context, current_app, render_template, request

from emulator.journal.journal import Journal
from emulator.journal.matching import Criteria
from emulator.journal.query import BadCriteria
from emulator.journal.search import Found, search
from emulator.messages import BRIDGE_KEY, DELIVERY_KEY, Delivery
from emulator.web.admin.possible import check_possible
from emulator.web.console import access
from emulator.web.console.language import language
from emulator.web.console.pages import console_state, page_later
from emulator.web.console.presenters.refusals import worded_all
from emulator.web.current import emulator, workspace, workspace_name
from emulator.workspaces.workspace import JournalName

PAGE = 50
#: Seconds between two pieces of news, at least: under load a page gets several entries at once.
PACE_S = 0.5
#: Entries that one piece of news shows, and that it looks at; the others are only counted.
MOST_SHOWN, MOST_LOOKED_AT = 20, 100
#: Seconds after which a stream without news sends a sign of life.
HEARTBEAT_S = 15.0
#: Seconds to wait for more after the first news, so that a burst comes as one.
_GATHER_S = 0.05
#: These headers ask proxies not to buffer or compress the pieces.
_STREAM = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
#: The most rendered lines that are kept for other pages.
_MOST_LINES = 500

#: What a template shows of entries, one by one.
Rows = Callable[[Sequence[Any]], list[Any]]


def page(
    template: str,
    journal: Journal[Any, Any],
    match: Callable[[], Criteria[Any]],
    filters: dict[str, str],
    rows: Rows,
    prepare: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0),
    **more: Any,
) -> Response:
    """One page of the journal's entries that ``match``: the newest, or those before the query's ``before``.

    ``rows``: what the template shows of entries; ``prepare`` is awaited before. The page of a search that
    cannot be read, or that nothing can match, says so.
    """
    found, before, newest = workspace(), request.args.get("before", type=int), place(journal)

    async def find() -> Found[Any] | BadCriteria:
        try:
            wanted = match()
            await prepare()
            await check_possible(found, journal, wanted)
        except BadCriteria as problem:
            return problem
        return await search(journal, wanted, PAGE, before, count_all=bool(filters))

    def render(listed: Found[Any] | BadCriteria) -> tuple[str, int]:
        problem = worded_all(listed.problems) if isinstance(listed, BadCriteria) else ""
        shown = Found([], None, 0) if isinstance(listed, BadCriteria) else listed
        known = {"before": before, "filters": filters, "journal": journal, "newest": newest, **more}
        known |= {"older": shown.older, "problem": problem, "rows": rows(shown.entries), "total": shown.total}
        return render_template(template, **known), 400 if problem else 200

    return page_later(find(), render)


def place(journal: Journal[Any, Any]) -> str:
    """The position in the journal up to which a page shows it."""
    return f"{journal.recorded}-{journal.epoch}"


def stream(
    name: JournalName,
    match: Criteria[Any],
    template: str,
    rows: Rows,
    prepare: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0),
) -> Response:
    """Server-sent events: lines of new entries that match, as HTML; ``prepare`` is awaited before them.

    The template's macro ``line`` makes them of ``rows``, which are those of the workspace that has this name
    at the time. Where the server cannot stream, the answer is 204, which ends the browser's attempts.
    """
    if not request.environ.get(BRIDGE_KEY):
        return Response(status=204)
    after = request.headers.get("Last-Event-ID", request.args.get("after", place(workspace().journal(name))))
    look = partial(emulator().workspaces.look, workspace_name())
    pieces = access.while_signed_in(
        _pieces(
            lambda: look().journal(name),  # the stream may begin after a deletion, in the successor
            match,
            after,
            copy_current_request_context(lambda entries: _lines(template, entries, rows)),
            copy_current_request_context(prepare),
        )
    )
    busy = emulator().workspaces.in_use(workspace_name())
    request.environ[DELIVERY_KEY] = Delivery(stream=pieces, busy=busy)
    # An iterator: the length of what will be sent is not known.
    return Response(iter(()), headers=_STREAM)


def _lines(template: str, entries: Sequence[Any], rows: Rows) -> str:
    """The entries' lines, each made once for all pages of this kind, workspace and language."""
    line = current_app.jinja_env.get_template(template).module.line  # type: ignore[attr-defined]
    kind = request.script_root, request.endpoint or "", language()
    known = console_state().lines.setdefault(workspace(), {}).setdefault(kind, {})
    if len(known) > _MOST_LINES:
        known.clear()
    new = [entry for entry in entries if entry.id not in known]
    known.update((entry.id, str(line(row))) for entry, row in zip(new, rows(new), strict=True))
    return "".join(known[entry.id] for entry in entries)


async def _pieces(
    find: Callable[[], Journal[Any, Any]],
    match: Criteria[Any],
    after: str,
    render: Callable[[Sequence[Any]], str],
    prepare: Callable[[], Awaitable[None]],
) -> AsyncGenerator[bytes]:
    """The stream's pieces, from the place ``after`` on, as the pieces before said it; without end."""
    journal, (number, _, epoch) = find(), after.partition("-")
    last = int(number) if number.isdecimal() and len(number) < 19 else 0
    yield b": watching\n\n"
    while True:
        # Not told: entries that may be undone, and those that are being read anew.
        if epoch == journal.epoch and journal.told <= last and not await journal.news(HEARTBEAT_S):
            yield b": still watching\n\n"
            continue
        await asyncio.sleep(_GATHER_S)
        await prepare()
        began, anew = monotonic(), epoch != journal.epoch
        if anew:  # all that the page has seen is forgotten
            last, epoch = journal.oldest_id - 1, journal.epoch
        wanted, missed = _news(journal, match, last)
        last = max(last, journal.told)
        news = {"rows": render(wanted), "count": len(wanted), "missed": missed, "anew": anew}
        yield f"id: {last}-{epoch}\ndata: ".encode() + orjson.dumps(news) + b"\n\n"
        await asyncio.sleep(max(0.0, PACE_S - (monotonic() - began)))


def _news(journal: Journal[Any, Any], match: Criteria[Any], last: int) -> tuple[list[Any], int]:
    """What is new and matches, newest first, and how many came too fast to be looked at or shown."""
    most = MOST_LOOKED_AT if any(match.criteria.values()) else MOST_SHOWN
    newest = journal.told
    looked_at = range(newest, max(last, newest - most), -1)
    readings = (reading for entry_id in looked_at if (reading := journal.reading(entry_id)) is not None)
    wanted = [reading.entry for reading in readings if match.meets(reading)]
    news = wanted[:MOST_SHOWN]
    return news, max(0, newest - last - most) + len(wanted) - len(news)
