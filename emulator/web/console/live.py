"""``/``: requests as they come, newest first, and a search through those that came."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, render_template, request

from emulator.faults.catalogue import FIRST_CALL
from emulator.journal.entry import OUTCOMES, Entry
from emulator.journal.matching import Match
from emulator.journal.query import BadCriteria
from emulator.web.console import listing
from emulator.web.console.language import gettext
from emulator.web.console.pages import page_later, pages, plain_text, see_other
from emulator.web.console.presenters.search_words import EXAMPLES, with_outcome
from emulator.web.console.shown import attempts_of, command, rows_of
from emulator.web.current import workspace

#: Requests whose attempts a live page looks for at once; after more of them its lines lack the mark.
_MOST_FOLLOWED = 500


@pages.get("/")
def live() -> Response:
    """The newest requests that the search means."""
    found = workspace()
    text = request.args.get("q", "").strip()
    before = request.args.get("before", type=int)
    newest, tries = listing.place(found.requests), attempts_of(found)

    def render(listed: listing.Listed) -> tuple[str, int]:
        entries, told = listing.shown(listed)
        shown = render_template(
            "console/live.html",
            before=before,
            examples=EXAMPLES,
            filters={"q": text} if text else {},
            first_call=command(FIRST_CALL),
            journal=found.requests,
            newest=newest,
            outcomes={one: with_outcome(text, one) for one in OUTCOMES},
            rows=rows_of(found, entries),
            text=text,
            without_outcome=with_outcome(text, None),
            **told,
        )
        return shown, 400 if told["problem"] else 200

    async def find() -> listing.Listed:
        try:
            match = Match({"q": text})
        except BadCriteria as problem:
            return problem
        await tries.follow()
        return await listing.find(found, found.requests, match, before, count_all=bool(text))

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
    """The stream of new requests that the search means."""
    match = Match({"q": request.args.get("q", "").strip()})
    return listing.stream(
        workspace().requests, match, _rows, lambda: attempts_of(workspace()).follow(_MOST_FOLLOWED)
    )


def _rows(entries: Sequence[Entry]) -> str:
    return listing.lines(
        "console/row.html", entries, lambda new: [(row.entry.id, row) for row in rows_of(workspace(), new)]
    )
