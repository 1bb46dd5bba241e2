"""``/__admin/databases``, ``/resources``, ``/profiles``, ``/subscriptions``: the stored records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from push_emulator.answers import Page
from push_emulator.arguments import dictionaries, dictionary, listed, path
from push_emulator.calls import Subject, given
from push_emulator.record_answers import DatabaseRecord, ProfileRecord, ResourceRecord, SubscriptionRecord

__tracebackhide__ = True
R = TypeVar("R")


class Records(Subject, Generic[R]):
    """One kind of records of the workspace. ``fields`` are criteria on custom fields."""

    _path: str
    _kind: type[R]

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
        return self._calls.ask(self._page, "GET", self._path, params=params)

    def all(self, *, fields: Mapping[str, Any] | None = None, **criteria: Any) -> Iterator[R]:
        """Every one that meets all criteria."""
        return self._calls.all(self._page, self._path, {**criteria, **_by_field(fields)})

    def get(self, *key: str | int) -> R:
        """One by its id."""
        return self._calls.ask(self._kind, "GET", self._at(key))

    def delete(self, *key: str | int, **params: Any) -> None:
        """Remove one.

        ``cascade=True`` also removes a database's profiles, and the database from all resources, or a
        resource's subscriptions; ``profile_id`` chooses among several subscriptions of one hash id.
        """
        return self._calls.do("DELETE", self._at(key), params=params)

    def _create(self, **members: Any) -> R:
        return self._calls.ask(self._kind, "POST", self._path, given(**members))

    def _change(self, key: tuple[str | int, ...], document: Mapping[str, Any], **params: Any) -> R:
        return self._calls.ask(self._kind, "PATCH", self._at(key), document, params=params)

    def _at(self, key: tuple[str | int, ...]) -> str:
        return self._path + path(*key or ("",))

    @property
    def _page(self) -> type[Page[R]]:
        return Page[self._kind]  # type: ignore[name-defined]  # the kind is known when it runs


class Databases(Records[DatabaseRecord]):
    """The databases; criteria: id, name, resource_id."""

    _path, _kind = "/databases", DatabaseRecord

    def create(self, id: int, name: str, fields: Mapping[str, Any] | None = None) -> DatabaseRecord:
        """Add one; ``fields`` declares custom fields, as fixtures do."""
        return self._create(id=id, name=name, fields=fields)

    def change(self, id: int, *, cascade: bool = False, **values: Any) -> DatabaseRecord:
        """Change its name or some of its fields (``None`` removes one).

        ``cascade`` changes dependent records, too.
        """
        return self._change((id,), values, cascade=cascade)


class Resources(Records[ResourceRecord]):
    """The resources; criteria: id, name, token, db_id, provider."""

    _path, _kind = "/resources", ResourceRecord

    def create(
        self,
        id: int,
        name: str,
        token: str,
        db_ids: Sequence[int],
        providers: Sequence[str] | None = None,
        *,
        role_tokens: Sequence[Mapping[str, Any]] = (),
        categories: Sequence[Mapping[str, Any]] = (),
        subscription_fields: Mapping[str, Any] | None = None,
        jwt_key: str | None = None,
    ) -> ResourceRecord:
        """Add one; what mobile SDKs need has the form of fixtures."""
        return self._create(
            id=id,
            name=name,
            token=token,
            db_ids=listed("db_ids", db_ids, "ids"),
            providers=None if providers is None else listed("providers", providers, "providers"),
            role_tokens=dictionaries("role_tokens", role_tokens) or None,
            categories=dictionaries("categories", categories) or None,
            subscription_fields=subscription_fields,
            jwt_key=jwt_key,
        )

    def change(self, id: int, *, cascade: bool = False, **values: Any) -> ResourceRecord:
        """Change its members but the id, each as a whole; ``cascade`` changes dependent records, too."""
        return self._change((id,), values, cascade=cascade)


class Profiles(Records[ProfileRecord]):
    """The profiles, by database and id.

    Criteria: db_id, id, fields, is_test, and those of their subscriptions.
    """

    _path, _kind = "/profiles", ProfileRecord

    def create(
        self,
        db_id: int,
        *,
        id: str | None = None,
        fields: Mapping[str, Any] | None = None,
        subscriptions: Sequence[Mapping[str, Any]] = (),
        is_test: bool | None = None,
    ) -> ProfileRecord:
        """Add one; the server makes an ``id`` if none is given. ``subscriptions``: as in fixtures."""
        return self._create(
            db_id=db_id,
            id=id,
            fields=fields,
            subscriptions=dictionaries("subscriptions", subscriptions) or None,
            is_test=is_test,
        )

    def change(
        self, db_id: int, id: str, fields: Mapping[str, Any] | None = None, is_test: bool | None = None
    ) -> ProfileRecord:
        """Set some of its fields (``None`` removes one), and whether it is a test profile."""
        return self._change((db_id, id), given(fields=fields, is_test=is_test))


class Subscriptions(Records[SubscriptionRecord]):
    """The subscriptions, by hash id.

    Criteria: db_id, profile_id, resource_id, provider, subscription_id, status.
    """

    _path, _kind = "/subscriptions", SubscriptionRecord

    def create(
        self,
        db_id: int,
        profile_id: str,
        resource_id: int,
        provider: str,
        subscription_id: str,
        status: str | None = None,
        *,
        fields: Mapping[str, Any] | None = None,
        cats: Sequence[Mapping[str, Any]] = (),
    ) -> SubscriptionRecord:
        """Add one to a profile; ``fields`` and ``cats`` as in fixtures."""
        return self._create(
            db_id=db_id,
            profile_id=profile_id,
            resource_id=resource_id,
            provider=provider,
            subscription_id=subscription_id,
            status=status,
            fields=fields,
            cats=dictionaries("cats", cats) or None,
        )

    def change(
        self,
        hash_id: str,
        status: str | None = None,
        profile_id: str | None = None,
        *,
        fields: Mapping[str, Any] | None = None,
        cats: Sequence[Mapping[str, Any]] = (),
    ) -> SubscriptionRecord:
        """Set its status, fields and categories; those left out stay, a field of ``None`` is removed.

        ``profile_id`` chooses the record if several profiles have one.
        """
        document = given(status=status, fields=fields, cats=dictionaries("cats", cats) or None)
        return self._change((hash_id,), document, profile_id=profile_id)


def _by_field(fields: Mapping[str, Any] | None) -> dict[str, Any]:
    return {f"field.{name}": value for name, value in dictionary("fields", fields or {}).items()}
