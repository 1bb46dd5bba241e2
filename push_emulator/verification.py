"""``verify(subscription_id="t1").once()``: expectations whose failure tells what came instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from push_emulator.errors import VerificationFailed
from push_emulator.journal import Journal
from push_emulator.masking import mask

#: The title of a failure's list of requests.
WHAT_CAME = "what came, newest first"
#: Requests that a failure lists.
_LISTED = 10


class Verification:
    """What is expected of the requests that meet some criteria. One of its methods must be called.

    Each waits up to ``within`` seconds for what is expected; those with only an upper bound watch that long.
    Each raises :class:`AssertionError` with what came and, field by field, what the nearest misses have
    instead.
    """

    def __init__(self, journal: Journal, criteria: Mapping[str, Any], within: float, url: str) -> None:
        self._journal = journal
        self._criteria = dict(criteria)
        self._within = within
        self._url = url
        self.asked = False

    def once(self) -> None:
        """Exactly one such request came."""
        __tracebackhide__ = True
        self._expect("exactly 1 request", exactly=1)

    def times(self, count: int) -> None:
        """Exactly so many came."""
        __tracebackhide__ = True
        self._expect(f"exactly {_requests(count)}", exactly=count)

    def never(self) -> None:
        """None came."""
        __tracebackhide__ = True
        self._expect("no request", exactly=0)

    def at_least(self, count: int) -> None:
        """So many came, or more."""
        __tracebackhide__ = True
        self._expect(f"at least {_requests(count)}", at_least=count)

    def at_most(self, count: int) -> None:
        """So many came, or fewer."""
        __tracebackhide__ = True
        self._expect(f"at most {_requests(count)}", at_most=count)

    def __str__(self) -> str:
        return f"verify({_told(self._criteria)})"

    def _expect(self, words: str, **expected: int) -> None:
        __tracebackhide__ = True
        self.asked = True
        try:
            self._journal.verify(self._criteria, within=self._within, **expected)
        except VerificationFailed as failure:
            raise AssertionError("\n".join(self._explanation(words, failure.document))) from None

    def _explanation(self, words: str, found: Mapping[str, Any]) -> list[str]:
        count = int(found["count"])
        within = f" within {self._within:g} s" if self._within else ""
        lines = [f"expected {words} with {_told(self._criteria)}{within}, came {count}"]
        came = self._journal.find(limit=_LISTED)
        if not came.items:
            return [*lines, f"nothing at all came to {self._url}: is that where the app under test sends to?"]
        for miss in found["nearest"]:
            lines += ["", f"nearest: request {miss['id']} at {miss['time']}"]
            lines += [
                f"  {one['key']}: expected {one['expected']!r}, was {one['actual']!r}"
                for one in miss["differences"]
            ]
            lines.append(f"  body: {miss['request']}")
        lines += ["", f"{WHAT_CAME} ({len(came.items)} of {came.total}):"]
        return lines + [f"  {request}" for request in came.items]


def _requests(count: int) -> str:
    return f"{count} request{'' if count == 1 else 's'}"


def _told(criteria: Mapping[str, Any]) -> str:
    """Criteria as a person reads them, the resource token masked."""
    token = criteria.get("resource_token")
    shown = {**criteria, "resource_token": mask(token)} if isinstance(token, str) else criteria
    return ", ".join(f"{name}={value!r}" for name, value in shown.items())
