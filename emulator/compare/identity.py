"""Which ids of the platform are which ids of the emulator: equality by pattern, not by value."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

#: The members of an item that hold an id.
ID_MEMBERS = ("profile_id", "subscription_hash_id", "db_id", "resource_id")


class Pairs:
    """The ids of one kind, each on the platform's side with the one on the emulator's side."""

    def __init__(self) -> None:
        self._here: dict[Hashable, Hashable] = {}
        self._there: dict[Hashable, Hashable] = {}

    def knows(self, there: Any) -> bool:
        """Whether one of the platform's ids has been met."""
        return isinstance(there, Hashable) and there in self._here

    def here(self, there: Any) -> Any:
        """The emulator's id for one of the platform's; the same where it is unknown."""
        return self._here.get(there, there) if isinstance(there, Hashable) else there

    def same(self, there: Any, here: Any) -> bool:
        """Whether two ids can be the same one: both are new, or each is the other's."""
        if type(there) is not type(here) or not isinstance(there, Hashable):
            return bool(there == here)
        if there not in self._here and here not in self._there:
            return True
        return self._here.get(there) == here and self._there.get(here) == there

    def join(self, there: Any, here: Any) -> None:
        """Take two ids as the same one from now on, whatever was known of either."""
        if not isinstance(there, Hashable) or not isinstance(here, Hashable):
            return
        self._there.pop(self._here.get(there), None)
        self._here.pop(self._there.get(here), None)
        self._here[there], self._there[here] = here, there


class Identity:
    """The pairs of every kind of id that an item holds."""

    def __init__(self) -> None:
        self._kinds = {name: Pairs() for name in ID_MEMBERS}

    def __getitem__(self, member: str) -> Pairs:
        return self._kinds[member]
