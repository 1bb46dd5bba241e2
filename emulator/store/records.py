"""Lists of records by any of their properties: an index finds candidates, a predicate checks the rest."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import chain

from emulator.loop.pacing import paced
from emulator.rules.errors import Invalid
from emulator.rules.fields import InvalidFieldValue, read_subscription_value, read_value, subscription_fields
from emulator.rules.lints import did_you_mean
from emulator.rules.model import Database, FieldValue, Profile, Resource, Subscription, SubscriptionValue
from emulator.rules.providers import accepted
from emulator.rules.texts import Message, Problem, Text, message
from emulator.store.pages import Cursor, RecordPage, Selection, read_page, select
from emulator.store.set_check import must_be
from emulator.store.state import STEP
from emulator.store.tables import field_key, needle_of, profile_key
from emulator.store.tinydb_store import TinyDBStore

#: The most profiles whose subscriptions are gathered beforehand.
_MOST_OWNERS = 500
_OF_SUBSCRIPTION = ("resource_id", "provider", "subscription_id", "status", "hash_id")


@dataclass(frozen=True)
class RecordCriteria:
    """The criteria of a list: all given ones must hold.

    ``id``, ``name``, ``token`` are those of a database or resource. ``fields``: custom fields' values as
    text, read as each field's type. For profiles, one subscription must meet all criteria on subscriptions.
    """

    id: int | None = None
    name: str | None = None
    token: str | None = None
    db_id: int | None = None
    profile_id: str | None = None
    resource_id: int | None = None
    provider: str | None = None
    subscription_id: str | None = None
    status: str | None = None
    hash_id: str | None = None
    is_test: bool | None = None
    fields: dict[str, str] = field(default_factory=dict)


async def list_databases(
    store: TinyDBStore, wanted: RecordCriteria, limit: int, cursor: Cursor | None = None
) -> RecordPage:
    """Databases; ``resource_id``: of that resource; ``fields``: with fields of these types."""
    named = {db_id for one in store.resources() if one.id == wanted.resource_id for db_id in one.db_ids}

    def matches(one: Database) -> bool:
        declared = {name: field_type.kind for name, field_type in one.fields.items()}
        return (
            wanted.id in (None, one.id)
            and wanted.name in (None, one.name)
            and (wanted.resource_id is None or one.id in named)
            and all(declared.get(name) == kind for name, kind in wanted.fields.items())
        )

    return await read_page(store.database_table, _selection(wanted, matches=matches), limit, cursor)


async def list_resources(
    store: TinyDBStore, wanted: RecordCriteria, limit: int, cursor: Cursor | None = None
) -> RecordPage:
    """Resources; ``db_id``: with that database; ``provider``: that accept it."""

    def matches(one: Resource) -> bool:
        return (
            wanted.id in (None, one.id)
            and wanted.name in (None, one.name)
            and wanted.token in (None, one.token)
            and (wanted.db_id is None or wanted.db_id in one.db_ids)
            and (wanted.provider is None or accepted(wanted.provider, one))
        )

    return await read_page(store.resource_table, _selection(wanted, matches=matches), limit, cursor)


async def list_profiles(
    store: TinyDBStore, wanted: RecordCriteria, limit: int, cursor: Cursor | None = None
) -> RecordPage:
    """Profiles, oldest first. Raises :class:`Invalid` for unknown fields."""
    search = _RecordSearch(store, wanted)
    candidates = search.profile_ids()
    if candidates is None and (wanted.subscription_id is not None or wanted.hash_id is not None):
        found = select(store.subscriptions, search.selected_subscriptions())
        owners = {profile_key(one.db_id, one.profile_id) async for _, one in found}
        candidates = sorted(doc_id for key in owners for doc_id in store.profiles.index("id").find(key))
    selection = _selection(wanted, candidates, matches=search.profile_matches, has=search.has_subscription)
    return await read_page(store.profiles, selection, limit, cursor)


async def list_subscriptions(
    store: TinyDBStore, wanted: RecordCriteria, limit: int, cursor: Cursor | None = None
) -> RecordPage:
    """Subscriptions, oldest first; ``fields``: their own, or their profile's. Raises as profiles do."""
    search = _RecordSearch(store, wanted, of_subscriptions=True)
    return await read_page(store.subscriptions, search.selected_subscriptions(), limit, cursor)


def _selection(wanted: RecordCriteria, *parts: object, **named: object) -> Selection:
    """The selection of the parts, or everything where nothing is asked."""
    return Selection() if wanted == RecordCriteria() else Selection(*parts, **named)  # type: ignore[arg-type]


class _RecordSearch:
    """A search among profiles and subscriptions."""

    def __init__(self, store: TinyDBStore, wanted: RecordCriteria, of_subscriptions: bool = False) -> None:
        self._store = store
        self._wanted = wanted
        searched = of_subscriptions and wanted.fields
        self._own_fields = _own_fields(store.resources(), wanted) if searched else {}
        others = {name: text for name, text in wanted.fields.items() if name not in self._own_fields}
        self._values = _read_values(store.databases(), replace(wanted, fields=others)) if others else None
        own = [(name, getattr(wanted, name)) for name in _OF_SUBSCRIPTION]
        self._own = [(name, value) for name, value in own if value is not None]

    # Predicates

    def profile_matches(self, one: Profile) -> bool:
        wanted = self._wanted
        if wanted.db_id not in (None, one.db_id) or wanted.profile_id not in (None, one.id):
            return False
        return wanted.is_test in (None, one.is_test) and self._has_values(one)

    async def has_subscription(self, one: Profile) -> bool:
        """Whether one subscription of the profile meets all criteria on subscriptions."""
        if not self._own:
            return True
        own = self._store.owned(one)
        if self._store.owned_page(one, 0, 0)[1] <= STEP:
            return any(map(self._fits, own))
        async for subscription in paced(own):
            if self._fits(subscription):
                return True
        return False

    def subscription_matches(self, one: Subscription) -> bool:
        wanted = self._wanted
        if wanted.db_id not in (None, one.db_id) or wanted.profile_id not in (None, one.profile_id):
            return False
        if not self._fits(one) or not self._has_own_values(one):
            return False
        if self._values is None and wanted.is_test is None:
            return True
        owner = self._store.find_profile(one.db_id, one.profile_id)
        return owner is not None and wanted.is_test in (None, owner.is_test) and self._has_values(owner)

    def _has_own_values(self, one: Subscription) -> bool:
        return all(
            name in one.fields and one.fields[name] == by_resource.get(one.resource_id)
            for name, by_resource in self._own_fields.items()
        )

    def _fits(self, one: Subscription) -> bool:
        return all(getattr(one, name) == value for name, value in self._own)

    def _has_values(self, one: Profile) -> bool:
        if self._values is None:
            return True
        values = self._values.get(one.db_id)
        return values is not None and all(one.fields.get(name) == value for name, value in values.items())

    # Candidates

    def selected_subscriptions(self) -> Selection:
        """The wanted subscriptions."""
        needle = needle_of(self._wanted.subscription_id) or None
        return _selection(self._wanted, self._subscription_ids(), needle, self.subscription_matches)

    def profile_ids(self) -> list[int] | None:
        """The ids of the wanted profiles from the indexes; ``None`` if no index applies."""
        if self._wanted.profile_id is not None:
            keys = {profile_key(db_id, self._wanted.profile_id) for db_id in self._db_ids()}
            index = self._store.profiles.index("id")
            return sorted(doc_id for key in keys for doc_id in index.find(key))
        if self._values is None:
            return None
        index = self._store.profiles.index("field")
        fewest = {
            min((field_key(db_id, name, value) for name, value in values.items()), key=index.count)
            for db_id, values in self._values.items()
        }
        # Each database's ids ascend already: to sort these takes about as long as to join them.
        return sorted(chain.from_iterable(map(index.find, fewest)))

    def _subscription_ids(self) -> list[int] | None:
        wanted, store = self._wanted, self._store
        if wanted.hash_id is not None:
            return list(store.subscriptions.index("hash").find(wanted.hash_id))
        if wanted.provider is not None and wanted.subscription_id is not None:
            return store.holder_ids(
                wanted.provider, wanted.subscription_id, self._db_ids(), wanted.resource_id
            )
        owners = self.profile_ids()
        if owners is None or len(owners) > _MOST_OWNERS:
            return None
        owned = store.subscriptions.index("profile")
        keys = {profile_key(one.db_id, one.id) for one in map(store.profiles.record, owners)}
        return sorted(doc_id for key in keys for doc_id in owned.find(key))

    def _db_ids(self) -> list[int]:
        every = [one.id for one in self._store.databases()]
        return [db_id for db_id in every if self._wanted.db_id in (None, db_id)]


def _own_fields(
    resources: Iterable[Resource], wanted: RecordCriteria
) -> dict[str, dict[int, SubscriptionValue]]:
    """The wanted values of subscriptions' fields, by name and resource; of names that a resource declares.

    Raises :class:`Invalid` for a value that no resource's field can have.
    """
    found: dict[str, dict[int, SubscriptionValue]] = {}
    problems: dict[str, Message] = {}
    for resource in resources:
        declared = subscription_fields(resource)
        for name in wanted.fields.keys() & declared.keys():
            values = found.setdefault(name, {})
            try:
                values[resource.id] = read_subscription_value(declared[name], wanted.fields[name])
            except InvalidFieldValue as error:
                problems[name] = must_be(error)
    for name, problem in problems.items():
        if not found[name]:
            raise Invalid(Problem(f"field.{name}", problem))
    return found


def _read_values(databases: Iterable[Database], wanted: RecordCriteria) -> dict[int, dict[str, FieldValue]]:
    """The wanted values in each database that declares the fields and can read them.

    Raises :class:`Invalid` if no database can.
    """
    every = [one for one in databases if wanted.db_id in (None, one.id)]
    values: dict[int, dict[str, FieldValue]] = {one.id: {} for one in every}
    for name, text in wanted.fields.items():
        declaring = [one for one in every if name in one.fields]
        if not declaring:
            known = {declared for one in every for declared in one.fields}
            said: Text = "no database declares this field"
            if wanted.db_id is not None:
                said = message("database %(id)s does not declare this field", id=wanted.db_id)
            raise Invalid(Problem(f"field.{name}", did_you_mean(said, name, known)))
        problem: Message | None = None
        for one in every:
            try:
                values[one.id][name] = read_value(one.fields[name], text)
            except KeyError:
                values.pop(one.id, None)
            except InvalidFieldValue as error:
                problem = must_be(error)
                values.pop(one.id, None)
        if problem and not values:
            raise Invalid(Problem(f"field.{name}", problem))
    return values
