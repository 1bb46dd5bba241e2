"""``/__console/attempts``: requests that were repeated, with the outcome of each attempt."""

from __future__ import annotations

from flask import Response, render_template, request

from emulator.web.admin.numbers import read_digits
from emulator.web.console.pages import page_later, pages
from emulator.web.console.shown import Row, attempts_of, rows_of
from emulator.web.current import workspace
from push_emulator.answers import AttemptGroup

#: Groups on one page, and the attempts that each of them shows: its first ones and the last.
PAGE, MOST_SHOWN = 50, 8


@pages.get("/__console/attempts")
def attempts() -> Response:
    """The groups of attempts, the most recent first."""
    found = workspace()
    groups_of = attempts_of(found)
    first = max(0, read_digits(request.args.get("first")) or 0)

    async def find() -> list[AttemptGroup]:
        await groups_of.follow()
        return await groups_of.groups(PAGE + 1, first)

    def render(groups: list[AttemptGroup]) -> str:
        return render_template(
            "console/attempts.html",
            first=first,
            groups=[(group, row, _shown(group)) for group in groups[:PAGE] if (row := _row(group))],
            has_more=len(groups) > PAGE,
            page_size=PAGE,
        )

    def _row(group: AttemptGroup) -> Row | None:
        entry = found.requests.get(group.entries[-1])
        return rows_of(found, [entry])[0] if entry else None

    return page_later(find(), render)


def _shown(group: AttemptGroup) -> list[int]:
    """The places of the attempts that are shown."""
    places = list(range(group.count))
    return places if len(places) <= MOST_SHOWN else [*places[: MOST_SHOWN - 1], places[-1]]
