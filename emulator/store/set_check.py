"""The check that the records of a fixture set fit together."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from emulator.loop.pacing import Steps, at_once
from emulator.rules.fields import (
    SDK_FIELDS,
    InvalidFieldValue,
    read_subscription_value,
    read_value,
    subscription_fields,
)
from emulator.rules.interfaces import Lookup
from emulator.rules.lints import did_you_mean
from emulator.rules.model import CategoryChoice, Database, FieldValue, PushKey, Resource, SubscriptionValue
from emulator.rules.providers import DOCUMENTED, accepted
from emulator.rules.request import MAX_ID_LENGTH, is_profile_id
from emulator.rules.texts import Message, Problem, Text, message, within
from emulator.store.fixture_set import ProfileEntry, SubscriptionEntry
from emulator.store.state import STEP

#: The most undeclared fields for which the nearest name is searched.
_MOST_ADVICE = 20


@dataclass
class Unread:
    """The parts of a set that have a wrong shape: references to them are not checked.

    ``databases``, ``resources``: some have no readable id. ``fields``: a database's id and the name of a
    field (``None``: all). ``db_ids``, ``providers``: ids of resources; ``choices``: of those whose
    subscriptions' fields and categories are not judged.
    """

    databases: bool = False
    resources: bool = False
    fields: set[tuple[int, str | None]] = field(default_factory=set)
    db_ids: set[int] = field(default_factory=set)
    providers: set[int] = field(default_factory=set)
    choices: set[int] = field(default_factory=set)


def no_database(db_id: int) -> Message:
    """The text about the id of a missing database."""
    return message("there is no database %(id)s", id=db_id)


def must_be(error: InvalidFieldValue) -> Message:
    """The text about a value that is not of its field's type."""
    return message("must be %(what)s", what=error.what)


def _not_of(resource: Resource, db_id: int) -> Message:
    return message("resource %(id)s does not have database %(db_id)s", id=resource.id, db_id=db_id)


def duplicate(name: str) -> Message:
    """The text about a name that is there twice."""
    return message('"%(name)s" is a duplicate', name=name)


class SetCheck:
    """The check of one set; it keeps the records that it has seen.

    ``present``: a state to which the profiles are added, one by one; then the check reads that state and
    keeps no records. ``of_state``: accept what a state can have: a subscription's provider, field or category
    that its resource does not name (any more), and a key that is active on several profiles (K10).
    ``unread``: what cannot be judged; ``named``: what a problem calls another profile, by its position.
    """

    def __init__(
        self,
        databases: Sequence[Database],
        resources: Sequence[Resource],
        present: Lookup | None = None,
        of_state: bool = False,
        unread: Unread | None = None,
        named: Callable[[int], str] = "[{}]".format,
    ) -> None:
        self._database_list, self._resource_list = databases, resources
        self._databases = {database.id: database for database in databases}
        self._resources = {resource.id: resource for resource in resources}
        self._present = present
        self._of_state = of_state
        self._unread = unread or Unread()
        self._named = named
        self._profile_ids: defaultdict[int, set[str]] = defaultdict(set)
        self._active: defaultdict[tuple[int, int, str], dict[str, int]] = defaultdict(dict)

    def databases(self) -> Iterator[Problem]:
        """Problems among the databases."""
        return self._doubles("id", [database.id for database in self._database_list])

    def resources(self) -> Iterator[Problem]:
        """Problems among the resources, and between them and the databases."""
        yield from self._doubles("id", [resource.id for resource in self._resource_list])
        yield from self._doubles("token", [resource.token for resource in self._resource_list])
        for position, resource in enumerate(self._resource_list):
            seen: set[int] = set()
            for place, db_id in enumerate(resource.db_ids):
                path = f"[{position}].db_ids[{place}]"
                if db_id not in self._databases:
                    yield from self._no_database(path, db_id)
                elif db_id in seen:
                    yield Problem.of(path, "database %(id)s is named twice", id=db_id)
                seen.add(db_id)
        yield from self._role_tokens()
        yield from self._categories()

    def _role_tokens(self) -> Iterator[Problem]:
        seen: set[str] = set()
        for position, resource in enumerate(self._resource_list):
            for place, role in enumerate(resource.role_tokens):
                path = f"[{position}].role_tokens[{place}]"
                if role.db_id not in self._databases:
                    yield from self._no_database(f"{path}.db_id", role.db_id)
                elif role.db_id not in resource.db_ids and resource.id not in self._unread.db_ids:
                    yield Problem(f"{path}.db_id", _not_of(resource, role.db_id))
                if role.token in seen:
                    yield Problem(f"{path}.token", "is another role token's, too")
                seen.add(role.token)

    def _categories(self) -> Iterator[Problem]:
        for position, resource in enumerate(self._resource_list):
            seen: set[str] = set()
            for place, category in enumerate(resource.categories):
                if category.name in seen:
                    path = f"[{position}].categories[{place}].name"
                    yield Problem(path, duplicate(category.name))
                seen.add(category.name)
            for name, kind in SDK_FIELDS.items():
                if resource.subscription_fields.get(name, kind) != kind:
                    text = "every resource declares this field, as %(kind)s; leave it out"
                    yield Problem.of(f"[{position}].subscription_fields.{name}", text, kind=kind.kind)

    def profile(
        self, position: int, entry: ProfileEntry, places: Sequence[int] | None = None
    ) -> list[Problem]:
        """Problems of one profile; ``places``: where its subscriptions stand, if some were left out."""
        return at_once(self.profile_in_steps(position, entry, places))

    def profile_in_steps(
        self, position: int, entry: ProfileEntry, places: Sequence[int] | None = None
    ) -> Steps[list[Problem]]:
        """The same, for a profile that may have very many subscriptions."""
        database = self._databases.get(entry.db_id)
        if database is None:
            return within(f"[{position}]", self._no_database(".db_id", entry.db_id))
        problems = self._id(entry)
        if entry.fields:
            problems += self.values(database, entry.fields)
        seen: set[tuple[int, str, str]] = set()
        for number, one in enumerate(entry.subscriptions):
            if number and not number % STEP:
                yield
            found = self._subscription(entry.db_id, one)
            if not found and not self._of_state:
                found = self._holder(position, entry, one)
            if len(entry.subscriptions) > 1:
                pair = (one.resource_id, one.provider, one.subscription_id)
                if pair in seen:
                    found.append(Problem("", "is a duplicate on this profile"))
                seen.add(pair)
            if found:
                problems += within(f".subscriptions[{number if places is None else places[number]}]", found)
        return within(f"[{position}]", problems) if problems else problems

    def values(self, database: Database, values: Mapping[str, FieldValue | None]) -> list[Problem]:
        """Problems of custom fields' values; for the value ``None`` the field only has to be declared."""
        problems: list[Problem] = []
        unread = self._unread.fields
        for name, value in values.items():
            field_type = database.fields.get(name)
            if unread and ((database.id, name) in unread or (database.id, None) in unread):
                continue
            if field_type is None:
                text: Text = message("database %(id)s does not declare this field", id=database.id)
                if len(problems) < _MOST_ADVICE:
                    text = did_you_mean(text, name, database.fields)
                problems.append(Problem(f".fields.{name}", text))
                continue
            try:
                if value is not None:
                    read_value(field_type, value)
            except InvalidFieldValue as error:
                problems.append(Problem(f".fields.{name}", must_be(error)))
        return problems

    def subscription(self, owner: ProfileEntry, one: SubscriptionEntry) -> list[Problem]:
        """Problems of one subscription that a profile of the state is to get in this form."""
        return self._subscription(owner.db_id, one) or self._holder(0, owner, one)

    def _id(self, entry: ProfileEntry) -> list[Problem]:
        if entry.id is None:
            return []
        if not is_profile_id(entry.id):
            return [Problem.of(".id", "must be 1 to %(most)s printable characters", most=MAX_ID_LENGTH)]
        if self._present is not None:
            if self._present.find_profile(entry.db_id, entry.id) is not None:
                text = '"%(id)s" is in database %(db_id)s already'
                return [Problem.of(".id", text, id=entry.id, db_id=entry.db_id)]
            return []
        seen = self._profile_ids[entry.db_id]
        if entry.id in seen:
            text = '"%(id)s" is a duplicate in database %(db_id)s'
            return [Problem.of(".id", text, id=entry.id, db_id=entry.db_id)]
        seen.add(entry.id)
        return []

    def _subscription(self, db_id: int, one: SubscriptionEntry) -> list[Problem]:
        resource = self._resources.get(one.resource_id)
        if resource is None:
            if self._unread.resources:
                return []
            return [Problem.of(".resource_id", "there is no resource %(id)s", id=one.resource_id)]
        if db_id not in resource.db_ids and resource.id not in self._unread.db_ids:
            return [Problem(".resource_id", _not_of(resource, db_id))]
        if not one.subscription_id or "\0" in one.subscription_id:
            return [Problem(".subscription_id", "must be text, not empty and without NUL")]
        any_provider = self._of_state or resource.id in self._unread.providers
        if not any_provider and not accepted(one.provider, resource):
            names = ", ".join(DOCUMENTED if resource.providers is None else resource.providers)
            text = "resource %(id)s accepts %(names)s"
            return [Problem.of(".provider", text, id=resource.id, names=names)]
        if self._of_state or resource.id in self._unread.choices:
            return []
        return self.choices(resource, one.fields, one.cats) if one.fields or one.cats else []

    def choices(
        self, resource: Resource, values: Mapping[str, SubscriptionValue], cats: Sequence[CategoryChoice]
    ) -> list[Problem]:
        """Problems of a subscription's fields and categories."""
        declared = subscription_fields(resource)
        problems = []
        for name, value in values.items():
            at = f".fields.{name}"
            if name not in declared:
                text = message("resource %(id)s does not declare this subscription field", id=resource.id)
                problems.append(Problem(at, did_you_mean(text, name, declared)))
                continue
            try:
                read_subscription_value(declared[name], value)
            except InvalidFieldValue as error:
                problems.append(Problem(at, must_be(error)))
        known = {one.name for one in resource.categories}
        seen: set[str] = set()
        for place, choice in enumerate(cats):
            at = f".cats[{place}].name"
            if choice.name not in known:
                text = message("resource %(id)s does not have this category", id=resource.id)
                problems.append(Problem(at, did_you_mean(text, choice.name, known)))
            elif choice.name in seen:
                problems.append(Problem(at, duplicate(choice.name)))
            seen.add(choice.name)
        return problems

    def _holder(self, position: int, owner: ProfileEntry, one: SubscriptionEntry) -> list[Problem]:
        """The problem that the key is active on another profile (S4)."""
        if one.status != "subscribed":
            return []
        holder: str | None = None
        if self._present is not None:
            key = PushKey(owner.db_id, one.resource_id, one.provider, one.subscription_id)
            active = self._present.find_by_push(key).active
            holder = active.profile_id if active is not None and active.profile_id != owner.id else None
        else:
            holders = self._active[owner.db_id, one.resource_id, one.provider]
            other = holders.setdefault(one.subscription_id, position)
            holder = self._named(other) if other != position else None
        if holder is None:
            return []
        text = "is active on the profile %(holder)s already (S4); make one of them unsubscribed"
        return [Problem.of("", text, holder=holder)]

    def _no_database(self, path: str, db_id: int) -> list[Problem]:
        return [] if self._unread.databases else [Problem(path, no_database(db_id))]

    def _doubles(self, name: str, values: Sequence[object]) -> Iterator[Problem]:
        text = "%(value)s is a duplicate" if self._present is None else "%(value)s is there already"
        seen: set[object] = set()
        for position, value in enumerate(values):
            if value in seen:
                yield Problem.of(f"[{position}].{name}", text, value=repr(value))
            seen.add(value)
