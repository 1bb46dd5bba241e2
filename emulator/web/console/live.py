"""``/``: requests as they come, a search through those that came, and those that were repeated."""

import re

from flask import Response, render_template, request

from emulator.faults.catalogue import FIRST_CALL
from emulator.journal.entry import OUTCOMES
from emulator.journal.matching import RequestCriteria
from emulator.web.admin.loading import read_digits
from emulator.web.console import listing
from emulator.web.console.language import gettext
from emulator.web.console.pages import page_later, pages, plain_text, see_other
from emulator.web.console.shown import RequestLine, attempts_of, command, rows_of
from emulator.web.current import workspace
from push_emulator.journal_answers import AttemptGroup


def with_outcome(text: str, outcome: str | None) -> str:
    """The search text with another outcome; ``None`` takes it away."""
    without = re.sub(r'(?<!\S)outcome[:=]("[^"]*"|\S*)', " ", text, flags=re.IGNORECASE)
    rest = " ".join(without.split())
    return f"{rest} outcome:{outcome}".strip() if outcome else rest


#: Requests whose attempts a live page looks for at once; after more of them its lines lack the mark.
_MOST_FOLLOWED = 500


@pages.get("/")
def live() -> Response:
    """The newest requests that the search means."""
    found, text = workspace(), request.args.get("q", "").strip()
    return listing.page(
        "console/live.html",
        found.requests,
        lambda: RequestCriteria({"q": text}),
        {"q": text} if text else {},
        lambda entries: rows_of(found, entries),
        attempts_of(found).follow,
        first_call=command(FIRST_CALL),
        outcomes={one: with_outcome(text, one) for one in OUTCOMES},
        text=text,
        without_outcome=with_outcome(text, None),
    )


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
    match = RequestCriteria({"q": request.args.get("q", "").strip()})
    return listing.stream(
        "requests",
        match,
        "console/row.html",
        lambda new: rows_of(workspace(), new),
        lambda: attempts_of(workspace()).follow(_MOST_FOLLOWED),
    )


#: Groups on one page, and the attempts that each of them shows: its first ones and the last.
PAGE, MOST_SHOWN = 50, 8


@pages.get("/__console/attempts")
def attempts() -> Response:
    """The groups of attempts, the most recent first."""
    found = workspace()
    first = max(0, read_digits(request.args.get("first")) or 0)

    def render(groups: list[AttemptGroup]) -> str:
        return render_template(
            "console/attempts.html",
            first=first,
            groups=[(group, row) for group in groups[:PAGE] if (row := _row(group))],
            has_more=len(groups) > PAGE,
            most_shown=MOST_SHOWN,
            page_size=PAGE,
        )

    def _row(group: AttemptGroup) -> RequestLine | None:
        entry = found.requests.get(group.entries[-1])
        return rows_of(found, [entry])[0] if entry else None

    return page_later(attempts_of(found).groups(PAGE + 1, first), render)
