"""``/__admin/requests``: the journal, counting and verifying."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from push_emulator.answers import AttemptGroup, Page, RecordedRequest
from push_emulator.calls import Calls

Criteria = Mapping[str, Any]


class Journal:
    """What clients sent to the workspace. Criteria: see the admin API's ``GET /requests``."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def find(
        self, criteria: Criteria | None = None, *, limit: int | None = None, cursor: Any = None, **more: Any
    ) -> Page[RecordedRequest]:
        """One page of the requests that meet all criteria, newest first. A list cannot ask for ``None``."""
        params = {**_said({**(criteria or {}), **more}), "limit": limit, "cursor": cursor}
        return self._calls.get("/requests", Page[RecordedRequest], params)

    def all(self, criteria: Criteria | None = None, **more: Any) -> Iterator[RecordedRequest]:
        """Every request that meets all criteria, newest first. A list cannot ask for ``None``."""
        for page in self._calls.pages("/requests", {"limit": 500, **_said({**(criteria or {}), **more})}):
            yield from msgspec.convert(page["items"], list[RecordedRequest])

    def get(self, request_id: int) -> RecordedRequest:
        """One request by its id in the journal."""
        return self._calls.get(f"/requests/{request_id}", RecordedRequest)

    def attempts(self) -> list[AttemptGroup]:
        """Requests that were attempts at the same thing, the most recent group first."""
        return self._calls.get("/requests/attempts", Page[AttemptGroup]).items

    def clear(self) -> int:
        """Empty the journal; how many requests were in it."""
        cleared: int = self._calls.admin("DELETE", "/requests").json()["cleared"]
        return cleared

    def count(
        self,
        criteria: Criteria,
        *,
        at_least: int | None = None,
        at_most: int | None = None,
        exactly: int | None = None,
        within: float = 0.0,
    ) -> int:
        """How many requests meet all criteria; waits up to ``within`` seconds for as many as are expected."""
        return self._ask("count", criteria, at_least, at_most, exactly, within)

    def verify(
        self,
        criteria: Criteria,
        *,
        at_least: int | None = None,
        at_most: int | None = None,
        exactly: int | None = None,
        within: float = 0.0,
    ) -> int:
        """As :meth:`count`, one or more if nothing else is expected.

        Raises :class:`~push_emulator.errors.VerificationFailed` with the nearest misses.
        """
        return self._ask("verify", criteria, at_least, at_most, exactly, within)

    def _ask(
        self,
        what: str,
        criteria: Criteria,
        at_least: int | None,
        at_most: int | None,
        exactly: int | None,
        within: float,
    ) -> int:
        expected = {"at_least": at_least, "at_most": at_most, "exactly": exactly}
        document = {
            "match": dict(criteria),
            "expect": {name: value for name, value in expected.items() if value is not None},
            "within": within,
        }
        answer = self._calls.admin("POST", f"/requests/{what}", document, waits_s=within)
        count: int = answer.json()["count"]
        return count


def _said(criteria: Criteria) -> Criteria:
    """The criteria of a list, whose values are text: ``None`` would be left out, and every request listed."""
    unsaid = [name for name, value in criteria.items() if value is None]
    if unsaid:
        raise ValueError(f"{', '.join(unsaid)}: None cannot be asked of a list; count and verify know it")
    return criteria
