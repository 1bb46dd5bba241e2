"""A small world in plain dictionaries for the rules: look-ups, a clock that stands still, counted ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from emulator.rules.decide import decide
from emulator.rules.model import (
    Database,
    FieldType,
    FieldValue,
    Held,
    Lint,
    Outcome,
    Policies,
    Profile,
    PushKey,
    PushRequest,
    Resource,
    Status,
    Subscription,
    SubscriptionRequest,
)

BEFORE, NOW = "2026-01-01T00:00:00.000Z", "2026-01-31T12:00:00.000Z"
TOKEN = "resource-token"
RESOURCE_ID = 5
FIREBASE = "android-firebase"
FieldTypes = Mapping[str, str | FieldType]


class World:
    """One resource with the given databases, in this order; :meth:`push` decides and applies.

    ``databases``: the declared fields of each database id.
    """

    def __init__(
        self,
        databases: Mapping[int, FieldTypes] | None = None,
        providers: list[str] | None = None,
        **policies: Any,
    ) -> None:
        declared = {17: {}} if databases is None else databases
        self.databases = {
            db_id: Database(db_id, f"database {db_id}", {name: _type(one) for name, one in fields.items()})
            for db_id, fields in declared.items()
        }
        self.resource = Resource(RESOURCE_ID, "App", TOKEN, list(declared), providers)
        self.policies = Policies(**policies)
        self.profiles: dict[tuple[int, str], Profile] = {}
        self.subscriptions: list[Subscription] = []
        self._ids_made = 0

    # What is there before the request

    def add_profile(self, profile_id: str, db_id: int = 17, **fields: FieldValue) -> World:
        """A profile; those added earlier are older."""
        self.profiles[db_id, profile_id] = Profile(profile_id, db_id, fields, BEFORE)
        return self

    def add_subscription(
        self,
        profile_id: str,
        token: str,
        status: Status = "subscribed",
        provider: str = FIREBASE,
        db_id: int = 17,
        resource_id: int = RESOURCE_ID,
        hash_id: str = "0badcafe",
    ) -> World:
        """A subscription of a profile that is there."""
        self.subscriptions.append(
            Subscription(hash_id, db_id, profile_id, resource_id, provider, token, status, BEFORE, BEFORE)
        )
        return self

    # The request

    def push(self, *wanted: str | SubscriptionRequest, **parameters: Any) -> Outcome:
        """Decide a request and apply it; a plain token is a subscription to android-firebase."""
        outcome = decide(self.request(*wanted, **parameters), self, self.policies, self, self)
        for profile in outcome.changes.profiles:
            self.profiles[profile.db_id, profile.id] = profile
        for changed in outcome.changes.subscriptions:
            self.subscriptions = [
                one
                for one in self.subscriptions
                if (one.key, one.profile_id) != (changed.key, changed.profile_id)
            ]
            self.subscriptions.append(changed)
        return outcome

    def request(self, *wanted: str | SubscriptionRequest, **parameters: Any) -> PushRequest:
        """The request that :meth:`push` would decide."""
        entries = [one if isinstance(one, SubscriptionRequest) else on(one) for one in wanted or ("token",)]
        return PushRequest(**{"resource_token": TOKEN, "subscriptions": entries, **parameters})

    def lints(self, *wanted: str | SubscriptionRequest, **parameters: Any) -> list[Lint]:
        """The remarks on a request."""
        return self.push(*wanted, **parameters).lints

    # What is there after it

    def statuses(self, token: str, db_id: int = 17, provider: str = FIREBASE) -> dict[str, Status]:
        """The status of a token on each profile of a database that has it."""
        key = PushKey(db_id, RESOURCE_ID, provider, token)
        return {one.profile_id: one.status for one in self.subscriptions if one.key == key}

    def record(self, token: str, db_id: int = 17, provider: str = FIREBASE) -> Subscription:
        """The one record of a token."""
        (found,) = [
            one for one in self.subscriptions if one.key == PushKey(db_id, RESOURCE_ID, provider, token)
        ]
        return found

    # What the rules ask (emulator.rules.interfaces)

    def fan_out(self, databases: list[Database], each: int) -> list[Database]:
        return databases

    def find_resource(self, token: str) -> Resource | None:
        return self.resource if token == self.resource.token else None

    def database(self, db_id: int) -> Database:
        return self.databases[db_id]

    def find_profile(self, db_id: int, profile_id: str) -> Profile | None:
        return self.profiles.get((db_id, profile_id))

    def id_taken(self, db_id: int, profile_id: str) -> bool:
        return (db_id, profile_id) in self.profiles

    def find_by_field(self, db_id: int, name: str, value: FieldValue, newest: bool = False) -> list[Profile]:
        found = [
            one
            for one in self.profiles.values()
            if one.db_id == db_id and name in one.fields and _same(one.fields[name], value)
        ]
        return found[: -3 if newest else None : -1 if newest else 1][:2]

    def find_by_push(self, key: PushKey) -> Held:
        found = self.find_all(key)
        active = next((one for one in found if one.active), None)
        others = len(found) > (active is not None)
        if not found:
            return Held(other_case=self._in_another_case(key))
        return Held(active, others, found[0].hash_id)

    def has_others(self, one: Subscription) -> bool:
        return len(self.find_all(one.key)) > 1

    def find_own(self, key: PushKey, profile_id: str) -> Subscription | None:
        return next((one for one in self.find_all(key) if one.profile_id == profile_id), None)

    def find_all(self, key: PushKey, others: int = 0) -> list[Subscription]:
        ages = {name: age for age, name in enumerate(self.profiles)}
        found = [one for one in self.subscriptions if one.key == key]
        return sorted(found, key=lambda one: ages[one.db_id, one.profile_id])

    def find_active(self, key: PushKey, others: int = 0) -> list[Subscription]:
        return [one for one in self.subscriptions if one.key == key and one.active]

    def _in_another_case(self, key: PushKey) -> Subscription | None:
        wanted = replace(key, subscription_id=key.subscription_id.lower())
        return next(
            (
                one
                for one in self.subscriptions
                if replace(one.key, subscription_id=one.subscription_id.lower()) == wanted
            ),
            None,
        )

    def hash_taken(self, hash_id: str) -> bool:
        return any(one.hash_id == hash_id for one in self.subscriptions)

    def timestamp(self) -> str:
        return NOW

    def profile_id(self) -> str:
        self._ids_made += 1
        return new_id(self._ids_made)


def new_id(number: int) -> str:
    """The id of the ``number``-th profile that a world makes, counted from 1."""
    return f"{number:024x}"


def on(token: str, provider: str = FIREBASE) -> SubscriptionRequest:
    """An entry that subscribes."""
    return SubscriptionRequest(provider, token)


def off(token: str, provider: str = FIREBASE) -> SubscriptionRequest:
    """An entry that unsubscribes."""
    return SubscriptionRequest(provider, token, True)


def decided(outcome: Outcome, rule: str) -> bool:
    """Whether the request's journal would name this rule."""
    return any(one.rule == rule for one in outcome.decided)


def bare(profile_id: str, db_id: int = 17) -> dict[str, object]:
    """The item of a database in which nothing changed (S7)."""
    return {
        "db_id": db_id,
        "description": "",
        "profile_id": profile_id,
        "resource_id": RESOURCE_ID,
        "status": "ok",
    }


def _type(declared: str | FieldType) -> FieldType:
    return declared if isinstance(declared, FieldType) else FieldType(declared)  # type: ignore[arg-type]


def _same(held: FieldValue, wanted: FieldValue) -> bool:
    # In Python true equals 1; in a field of either type it does not.
    return held == wanted and isinstance(held, bool) == isinstance(wanted, bool)
