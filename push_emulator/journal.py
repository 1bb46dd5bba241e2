"""``/__admin/requests``: the journal, counting and verifying."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from push_emulator.answers import AttemptGroup, JournalPage, RecordedRequest
from push_emulator.calls import Subject, given

__tracebackhide__ = True
Criteria = Mapping[str, Any]


class Journal(Subject):
    """The requests to the workspace. Criteria: see the admin API's ``GET /requests``."""

    def find(
        self, criteria: Criteria | None = None, *, limit: int | None = None, cursor: Any = None, **more: Any
    ) -> JournalPage:
        """One page of the requests that meet all criteria, newest first. A list cannot ask for ``None``."""
        params = {**_said({**(criteria or {}), **more}), "limit": limit, "cursor": cursor}
        return self._calls.ask(JournalPage, "GET", "/requests", params=params)

    def all(self, criteria: Criteria | None = None, **more: Any) -> Iterator[RecordedRequest]:
        """Every request that meets all criteria, newest first. A list cannot ask for ``None``."""
        params = {"limit": 500, **_said({**(criteria or {}), **more})}
        return self._calls.all(JournalPage, "/requests", params)

    def get(self, request_id: int) -> RecordedRequest:
        """One request by its id in the journal."""
        return self._calls.ask(RecordedRequest, "GET", f"/requests/{request_id}")

    def attempts(self) -> list[AttemptGroup]:
        """Groups of repeated attempts, the most recent group first."""
        return self._calls.ask(list[AttemptGroup], "GET", "/requests/attempts", member="items")

    def clear(self) -> int:
        """Empty the journal; returns the number of its requests."""
        return self._calls.ask(int, "DELETE", "/requests", member="cleared")

    def count(self, criteria: Criteria, *, within: float = 0.0, **expected: int | None) -> int:
        """The number of requests that meet all criteria; waits up to ``within`` seconds for what is expected.

        ``expected``: ``at_least`` and ``at_most``, or ``exactly``.
        """
        return self._ask("count", criteria, within, expected)

    def verify(self, criteria: Criteria, *, within: float = 0.0, **expected: int | None) -> int:
        """As :meth:`count`, one or more if nothing else is expected.

        Raises :class:`~push_emulator.errors.VerificationFailed` with the nearest misses.
        """
        return self._ask("verify", criteria, within, expected)

    def _ask(self, what: str, criteria: Criteria, within: float, expected: Mapping[str, int | None]) -> int:
        document = {"match": dict(criteria), "expect": given(**expected), "within": within}
        path = f"/requests/{what}"
        return self._calls.ask(int, "POST", path, document, member="count", waits_s=within)


def _said(criteria: Criteria) -> Criteria:
    """The criteria of a list, whose values are text: ``None`` would be omitted, and every request listed."""
    unsaid = [name for name, value in criteria.items() if value is None]
    if unsaid:
        raise ValueError(f"{', '.join(unsaid)}: None cannot be asked of a list; count and verify know it")
    return criteria
