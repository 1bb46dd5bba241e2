"""``/__admin/databases``, ``/resources``, ``/profiles``, ``/subscriptions``: what is stored, by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from push_emulator.answers import Page
from push_emulator.calls import Calls
from push_emulator.workspace_answers import DatabaseRecord, ProfileRecord, ResourceRecord, SubscriptionRecord

R = TypeVar("R")


class Records(Generic[R]):
    """One kind of records of the workspace. ``fields`` are criteria on custom fields."""

    def __init__(self, calls: Calls, path: str, kind: type[R]) -> None:
        self._calls = calls
        self._path = path
        self._kind = kind

    def find(
        self,
        *,
        fields: Mapping[str, Any] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        **criteria: Any,
    ) -> Page[R]:
        """One page of those that meet all criteria."""
        params = {**criteria, **_by_field(fields), "limit": limit, "cursor": cursor}
        page = self._calls.admin("GET", self._path, params=params).json()
        return Page(self._read(page["items"]), page["next"], page["total"])

    def all(self, *, fields: Mapping[str, Any] | None = None, **criteria: Any) -> Iterator[R]:
        """Every one that meets all criteria."""
        for page in self._calls.pages(self._path, {**criteria, **_by_field(fields)}):
            yield from self._read(page["items"])

    def get(self, *key: str | int) -> R:
        """One by its id."""
        return self._one(self._calls.admin("GET", self._at(key)).json())

    def delete(self, *key: str | int, **params: Any) -> None:
        """Remove one. ``cascade=True`` removes what hangs on a database or resource; ``profile_id`` says
        which of several subscriptions of one hash id is meant."""
        self._calls.admin("DELETE", self._at(key), params=params)

    def _create(self, document: Mapping[str, Any]) -> R:
        return self._one(self._calls.admin("POST", self._path, _present(document)).json())

    def _change(self, key: tuple[str | int, ...], document: Mapping[str, Any], **params: Any) -> R:
        return self._one(self._calls.admin("PATCH", self._at(key), document, params=params).json())

    def _at(self, key: tuple[str | int, ...]) -> str:
        return "/".join((self._path, *(quote(str(part), safe="") for part in key)))

    def _one(self, document: Any) -> R:
        return msgspec.convert(document, self._kind)

    def _read(self, documents: list[Any]) -> list[R]:
        return [self._one(document) for document in documents]


class Databases(Records[DatabaseRecord]):
    """The databases; criteria: id, name, resource_id."""

    def __init__(self, calls: Calls) -> None:
        super().__init__(calls, "/databases", DatabaseRecord)

    def create(self, id: int, name: str, fields: Mapping[str, Any] | None = None) -> DatabaseRecord:
        """Add one; ``fields`` declares custom fields, as fixtures do."""
        return self._create({"id": id, "name": name, "fields": fields})

    def change(self, id: int, *, cascade: bool = False, **values: Any) -> DatabaseRecord:
        """Change its name or some of its fields (``None`` removes one).

        ``cascade`` changes what hangs on it.
        """
        return self._change((id,), values, cascade=cascade)


class Resources(Records[ResourceRecord]):
    """The resources; criteria: id, name, token, db_id, provider."""

    def __init__(self, calls: Calls) -> None:
        super().__init__(calls, "/resources", ResourceRecord)

    def create(
        self,
        id: int,
        name: str,
        token: str,
        db_ids: Sequence[int],
        providers: Sequence[str] | None = None,
    ) -> ResourceRecord:
        """Add one."""
        providers = None if providers is None else list(providers)
        return self._create(
            {"id": id, "name": name, "token": token, "db_ids": list(db_ids), "providers": providers}
        )

    def change(self, id: int, *, cascade: bool = False, **values: Any) -> ResourceRecord:
        """Change its name, token, db_ids or providers; ``cascade`` changes what hangs on it."""
        return self._change((id,), values, cascade=cascade)


class Profiles(Records[ProfileRecord]):
    """The profiles, by database and id; criteria: db_id, id, fields, and those of their subscriptions."""

    def __init__(self, calls: Calls) -> None:
        super().__init__(calls, "/profiles", ProfileRecord)

    def create(
        self,
        db_id: int,
        *,
        id: str | None = None,
        fields: Mapping[str, Any] | None = None,
        subscriptions: Sequence[Mapping[str, Any]] = (),
    ) -> ProfileRecord:
        """Add one; the server makes an ``id`` if none is given. ``subscriptions``: as in fixtures."""
        return self._create(
            {"db_id": db_id, "id": id, "fields": fields, "subscriptions": [*subscriptions] or None}
        )

    def change(self, db_id: int, id: str, fields: Mapping[str, Any]) -> ProfileRecord:
        """Set some of its fields; ``None`` removes one."""
        return self._change((db_id, id), {"fields": fields})


class Subscriptions(Records[SubscriptionRecord]):
    """The subscriptions, by hash id.

    Criteria: db_id, profile_id, resource_id, provider, subscription_id, status.
    """

    def __init__(self, calls: Calls) -> None:
        super().__init__(calls, "/subscriptions", SubscriptionRecord)

    def create(
        self,
        db_id: int,
        profile_id: str,
        resource_id: int,
        provider: str,
        subscription_id: str,
        status: str | None = None,
    ) -> SubscriptionRecord:
        """Add one to a profile."""
        return self._create(
            {
                "db_id": db_id,
                "profile_id": profile_id,
                "resource_id": resource_id,
                "provider": provider,
                "subscription_id": subscription_id,
                "status": status,
            }
        )

    def change(self, hash_id: str, status: str, profile_id: str | None = None) -> SubscriptionRecord:
        """Set its status; ``profile_id`` says which where several profiles have it."""
        return self._change((hash_id,), {"status": status}, profile_id=profile_id)


def _by_field(fields: Mapping[str, Any] | None) -> dict[str, Any]:
    return {f"field.{name}": value for name, value in (fields or {}).items()}


def _present(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value is not None}
