"""Requests per minute by outcome, from the journal, and as a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from typing import NamedTuple

from markupsafe import Markup, escape

from emulator.journal.entry import OUTCOMES, outcome_word
from emulator.journal.journal import RequestJournal
from emulator.loop.pacing import Pacing
from emulator.timestamps import iso

MINUTES = 30
_MINUTE_MS = 60_000
_WIDTH, _HEIGHT, _BAR, _TOP, _BOTTOM = 960, 164, 20, 18, 142
_STEP = _WIDTH / MINUTES


class Minute(NamedTuple):
    """One minute's requests by outcome; ``label``: HH:MM, UTC."""

    label: str
    outcomes: Counter[str]

    @property
    def total(self) -> int:
        return sum(self.outcomes.values())


async def minutes(journal: RequestJournal, now_ms: int) -> list[Minute]:
    """The last :data:`MINUTES` minutes, the oldest first, as far as the journal goes back. Works in steps."""
    last = now_ms // _MINUTE_MS
    counted: dict[int, Counter[str]] = {last - back: Counter() for back in reversed(range(MINUTES))}
    steps = Pacing()
    for entry_id in range(journal.recorded, journal.recorded - len(journal), -1):
        if steps.long:
            await steps.pause()
        entry = journal.get(entry_id)
        minute = entry.at_ms // _MINUTE_MS if entry is not None else last
        if entry is None or minute < last - MINUTES:
            break
        if minute in counted:
            counted[minute][outcome_word(entry)] += 1
    return [Minute(iso(minute * _MINUTE_MS)[11:16], outcomes) for minute, outcomes in counted.items()]


def chart(shown: Sequence[Minute], title: str, name_of: Callable[[str], str]) -> Markup:
    """The minutes as an SVG of stacked bars; colours come from the style sheet's ``o-OUTCOME`` classes."""
    most = _round_up(max(minute.total for minute in shown))
    parts = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">',
        f'<text x="0" y="11">{most}</text><line x1="0" y1="{_TOP}" x2="{_WIDTH}" y2="{_TOP}" class="grid"/>',
        f'<line x1="0" y1="{_BOTTOM}" x2="{_WIDTH}" y2="{_BOTTOM}" class="axis"/>',
    ]
    for place, minute in enumerate(shown):
        x = place * _STEP + (_STEP - _BAR) / 2
        parts.append(_bar(minute, x, most, name_of))
        if place % 5 == 4:
            end, low = round(x + _BAR), _HEIGHT - 4
            parts.append(f'<text x="{end}" y="{low}" text-anchor="end">{minute.label}</text>')
    return Markup("".join(parts) + "</svg>")  # nosec B704


def _bar(minute: Minute, x: float, most: int, name_of: Callable[[str], str]) -> str:
    if not minute.total:
        return ""
    words = ", ".join(f"{name_of(one)} {minute.outcomes[one]}" for one in OUTCOMES if minute.outcomes[one])
    drawn, top = f"<g><title>{minute.label} · {escape(words)}</title>", float(_BOTTOM)
    for outcome in OUTCOMES:
        height = (_BOTTOM - _TOP) * minute.outcomes[outcome] / most
        top -= height
        if height:
            place = f'x="{x:.1f}" y="{top:.1f}" width="{_BAR}" height="{height:.1f}"'
            drawn += f'<rect class="o-{outcome}" {place}/>'
    return drawn + "</g>"


def _round_up(number: int) -> int:
    """The next 1, 2 or 5 with noughts; at least 5."""
    rounded = (factor * 10**power for power in count() for factor in (1, 2, 5))
    return int(next(one for one in rounded if one >= max(number, 5)))
