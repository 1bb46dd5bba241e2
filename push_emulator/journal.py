"""``/__admin/requests`` and ``/__admin/events``: what came, counting and verifying."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from push_emulator.answers import Page
from push_emulator.arguments import dictionary, path
from push_emulator.calls import Subject, given
from push_emulator.journal_answers import AttemptGroup, EventPage, JournalPage, RecordedEvent, RecordedRequest

__tracebackhide__ = True
Criteria = Mapping[str, Any]
T = TypeVar("T")
P = TypeVar("P", bound=Page[Any])


class _Recorded(Subject, Generic[T, P]):
    """What came to the workspace; a subclass says which list, and the types of its pages and entries."""

    _path: ClassVar[str]
    _page: ClassVar[Any]
    _entry: ClassVar[Any]

    def find(
        self, criteria: Criteria | None = None, *, limit: int | None = None, cursor: Any = None, **more: Any
    ) -> P:
        """One page of those that meet all criteria, newest first. A list cannot ask for ``None``."""
        params = {**_said(criteria, more), "limit": limit, "cursor": cursor}
        page: P = self._calls.ask(self._page, "GET", self._path, params=params)
        return page

    def all(self, criteria: Criteria | None = None, **more: Any) -> Iterator[T]:
        """All that meet all criteria, newest first. A list cannot ask for ``None``."""
        params = {"limit": 500, **_said(criteria, more)}
        return self._calls.all(self._page, self._path, params)

    def get(self, entry_id: int) -> T:
        """One of them by its id."""
        entry: T = self._calls.ask(self._entry, "GET", self._path + path(entry_id))
        return entry

    def clear(self) -> int:
        """Delete them all; returns their number."""
        return self._calls.ask(int, "DELETE", self._path, member="cleared")

    def count(self, criteria: Criteria, *, within: float = 0.0, **expected: int | None) -> int:
        """The number of those that meet all criteria; waits up to ``within`` seconds for what is expected.

        ``expected``: ``at_least`` and ``at_most``, or ``exactly``.
        """
        return self._ask("count", criteria, within, expected)

    def verify(self, criteria: Criteria, *, within: float = 0.0, **expected: int | None) -> int:
        """As :meth:`count`, one or more if nothing else is expected.

        Raises :class:`~push_emulator.errors.VerificationFailed` with the nearest misses.
        """
        return self._ask("verify", criteria, within, expected)

    def _ask(self, what: str, criteria: Criteria, within: float, expected: Mapping[str, int | None]) -> int:
        document = {"match": dictionary("criteria", criteria), "expect": given(**expected), "within": within}
        return self._calls.ask(int, "POST", f"{self._path}/{what}", document, member="count", waits_s=within)


class Requests(_Recorded[RecordedRequest, JournalPage]):
    """The requests to the workspace. Criteria: see the admin API's ``GET /requests``."""

    _path, _page, _entry = "/requests", JournalPage, RecordedRequest

    def attempts(self) -> list[AttemptGroup]:
        """Groups of repeated attempts, the most recent group first."""
        return self._calls.ask(list[AttemptGroup], "GET", "/requests/attempts", member="items")


class Events(_Recorded[RecordedEvent, EventPage]):
    """The events that came to the workspace. Criteria: see the admin API's ``GET /events``."""

    _path, _page, _entry = "/events", EventPage, RecordedEvent


def _said(criteria: Criteria | None, more: Criteria) -> Criteria:
    """The criteria of a list, whose values are text: ``None`` would be omitted, and everything listed."""
    asked = {**dictionary("criteria", criteria or {}), **more}
    unsaid = [name for name, value in asked.items() if value is None]
    if unsaid:
        raise ValueError(f"{', '.join(unsaid)}: None cannot be asked of a list; count and verify know it")
    return asked
