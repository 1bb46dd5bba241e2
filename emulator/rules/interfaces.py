"""Interfaces that the rules need: look-ups in the state, the time, new ids."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from emulator.rules.model import (
    STATUSES,
    Database,
    FieldValue,
    Held,
    Profile,
    PushKey,
    Resource,
    RoleToken,
    Status,
    Subscription,
)


class TakesLong(Exception):
    """A request reads or changes very many records: it is decided anew beside other requests."""


class Lookup(Protocol):
    """The state as the rules see it."""

    def find_resource(self, token: str) -> Resource | None:
        """The resource with this token."""

    def database(self, db_id: int) -> Database:
        """The database with this id; it exists wherever a resource names it."""

    def find_profile(self, db_id: int, profile_id: str) -> Profile | None:
        """The profile with this id in this database."""

    def id_taken(self, db_id: int, profile_id: str) -> bool:
        """Whether a profile of this database has this id; rarely also where none has it."""

    def find_by_field(self, db_id: int, name: str, value: FieldValue, newest: bool = False) -> list[Profile]:
        """Up to two profiles whose field has this (canonical) value, the oldest or the newest first (M9)."""

    def find_by_push(self, key: PushKey) -> Held:
        """The records of this key; reads the first active one only, however many others exist."""

    def has_others(self, one: Subscription) -> bool:
        """Whether another profile has a record of this one's key; reads few of them, however many exist."""

    def find_own(self, key: PushKey, profile_id: str) -> Subscription | None:
        """The record of this key on this profile of the key's database."""

    def find_all(self, key: PushKey, others: int = 0) -> list[Subscription]:
        """All records of this key, the oldest profile's first (M9); for keys without an active record.

        ``others``: how many records the request has read or changes beside them. Raises :class:`TakesLong`.
        """

    def find_active(self, key: PushKey, others: int = 0) -> Iterable[Subscription]:
        """The active records of this key, oldest first; several by the mobile SDKs' calls only (K10).

        ``others``: see :meth:`find_all`. Raises :class:`TakesLong`.
        """

    def fan_out(self, databases: list[Database], each: int) -> Iterable[Database]:
        """The databases; ``each``: how many records are read in one at least. Raises :class:`TakesLong`."""

    def hash_taken(self, hash_id: str) -> bool:
        """Whether a subscription of the workspace has this hash id."""


class MobileLookup(Lookup, Protocol):
    """The state as the rules of the mobile SDKs' calls see it."""

    def find_role_token(self, token: str) -> tuple[Resource, RoleToken] | None:
        """The role token of this text, expired or not, with its resource (T1)."""

    def resources(self) -> list[Resource]:
        """All resources, in the order of the fixtures."""

    def subscriptions_of(self, profile: Profile) -> list[Subscription]:
        """A profile's subscriptions, oldest first."""

    def find_by_phone(self, db_id: int, phone: str) -> list[Profile]:
        """Up to two profiles that have this number among several in ``phones``, the oldest first (T6)."""

    def holders(
        self,
        provider: str,
        subscription_id: str,
        db_ids: Iterable[int] | None = None,
        statuses: Iterable[Status] = STATUSES,
        resource_id: int | None = None,
    ) -> Iterator[Subscription]:
        """The records of a token in these databases (``None``: all), oldest first, each read when reached.

        ``resource_id``: of this resource only. To read very many raises :class:`TakesLong`.
        """

    def find_held(self, profile: Profile, provider: str, subscription_id: str) -> list[Subscription]:
        """The records of a token on a profile, one of each resource at most, oldest first; reads no other."""

    def find_newest(self, profile: Profile, provider: str | None = None) -> Subscription | None:
        """The subscription of a profile, or of one of its providers, that was added last."""


class Clock(Protocol):
    """A workspace's time."""

    def timestamp(self) -> str:
        """Now, as ISO 8601 in UTC with milliseconds."""


class IdSource(Protocol):
    """Makes profile ids."""

    def profile_id(self) -> str:
        """A new id of 24 lower-case hex digits."""
