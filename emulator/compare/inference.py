"""A fixture set for recorded traffic: what must have existed before it, by the answers."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any

from msgspec import Struct, field

from emulator.compare.attribution import carried_out
from emulator.compare.probes import MARK
from emulator.compare.recorded import RecordedCall
from emulator.endpoint.call import PATHS
from emulator.endpoint.schema import parse_push_request
from emulator.rules.errors import Refused
from emulator.rules.fields import InvalidFieldValue, read_value
from emulator.rules.model import Database, FieldKind, FieldType, FieldValue, PushRequest, Resource, Status
from emulator.rules.overrides import DUPLICATE, INVALID_VALUE, NOT_CONFIGURED, UNKNOWN_FIELD
from emulator.rules.providers import DOCUMENTED
from emulator.rules.request import NO_DATABASES, check_matching
from emulator.store.fixture_set import FixtureSet, ProfileEntry, SubscriptionEntry
from push_emulator.masking import mask

#: The types that a field can be taken for, the most particular first.
_KINDS: tuple[FieldKind, ...] = ("bool", "int", "float", "date", "datetime", "ip", "string")
_Key = tuple[int, int, str, str]
#: The HTTP status of a refusal, its ``error`` and ``error_text`` as text: they may be anything.
_Refusal = tuple[int, str, str]


class _Found(Struct):
    """A profile as the traffic shows it: what finds it, and whether it existed before the traffic."""

    fields: dict[str, FieldValue] = field(default_factory=dict)
    subscriptions: dict[_Key, Status] = field(default_factory=dict)
    existed: bool = False
    met: bool = False


class _Seen(Struct):
    """A token's resource as the answers show it."""

    id: int | None = None
    db_ids: list[int] = field(default_factory=list)
    refusals: set[_Refusal] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    errors: dict[str, set[str]] = field(default_factory=dict)

    @property
    def refused(self) -> set[str]:
        """The providers that are not accepted: none has a right item, and no other says the same."""
        usual = {DUPLICATE}.union(*(said for provider, said in self.errors.items() if provider in self.used))
        return {
            provider
            for provider, said in self.errors.items()
            if provider not in self.used and (NOT_CONFIGURED in said or (self.used and not said & usual))
        }

    @property
    def providers(self) -> list[str] | None:
        """The accepted providers; ``None``: the documented ones."""
        refused = self.refused
        if not refused and self.used <= set(DOCUMENTED):
            return None
        return [one for one in dict.fromkeys((*DOCUMENTED, *sorted(self.used))) if one not in refused]


def infer_fixtures(calls: Iterable[RecordedCall], given: FixtureSet) -> FixtureSet:
    """The given set with what it lacks: resources and databases by the ids in answers, fields by matchings,
    profiles and subscriptions where an answer shows that they existed before."""
    world = _World(given)
    for call in calls:
        world.read(call)
    return world.fixtures(given)


def known_tokens(resources: Sequence[Resource]) -> dict[str, str]:
    """The resources' tokens by what traffic may show of them: the token itself, or the token masked."""
    return {mask(one.token): one.token for one in resources} | {one.token: one.token for one in resources}


class _World:
    def __init__(self, given: FixtureSet) -> None:
        self._tokens = known_tokens(given.resources)
        self._given = {one.id for one in given.databases}
        self._seen: dict[str, _Seen] = defaultdict(_Seen)
        self._taken: dict[tuple[int, str], list[FieldValue]] = defaultdict(list)
        self._refused: dict[tuple[int, str], list[FieldValue]] = defaultdict(list)
        self._declared: set[tuple[int, str]] = set()
        self._profiles: dict[tuple[int, str], _Found] = {}
        self._keys: set[_Key] = set()
        self._of_nobody: _Refusal | None = None
        self._strangers = (f"{number:024x}" for number in count(1))

    def read(self, call: RecordedCall) -> None:
        try:
            request, _ = parse_push_request(call.body)
        except Refused:
            return  # the emulator refuses it, whatever existed before
        token, items = request.resource_token, call.answer.get("data")
        if token in self._tokens or call.path not in PATHS:
            return
        refusal = call.status, str(call.answer.get("error")), str(call.answer.get("error_text"))
        if token.startswith(MARK):  # a token that a probe made up is nobody's
            self._of_nobody = refusal
            return
        seen = self._seen[token]
        if not isinstance(items, list) or not items:
            if not carried_out(call.answer) and _asks_for_a_resource(request):
                seen.refusals.add(refusal)
            return
        by_database: dict[int, list[dict[str, Any]]] = {}
        for item in items:
            if isinstance(item, dict) and _is_id(item.get("db_id")):
                by_database.setdefault(item["db_id"], []).append(item)
                if seen.id is None and _is_id(item.get("resource_id")):
                    seen.id = item["resource_id"]
                if item.get("status") == "ok" and "provider" in item:
                    seen.used.add(str(item["provider"]))
                elif "provider" in item:
                    said = NOT_CONFIGURED if call.rule == "S6" else str(item.get("description"))
                    seen.errors.setdefault(str(item["provider"]), set()).add(said)
        _merge(seen.db_ids, list(by_database))
        for db_id, own in by_database.items():
            if db_id not in self._given:
                self._read_database(db_id, seen.id or 0, request, own)

    def _read_database(
        self, db_id: int, resource_id: int, request: PushRequest, items: list[dict[str, Any]]
    ) -> None:
        name, value = str(request.field_name), request.field_value
        custom = request.matching == "custom"
        found_by: dict[str, FieldValue] = {}
        profile_id = next(
            (one["profile_id"] for one in items if isinstance(one.get("profile_id"), str)), None
        )
        if custom and value is not None:
            if profile_id is not None:
                self._taken[db_id, name].append(value)
                found_by = {name: value}
            elif items[0].get("description") != UNKNOWN_FIELD:
                self._refused[db_id, name].append(value)
                if items[0].get("description") == INVALID_VALUE:
                    self._declared.add((db_id, name))
        if profile_id is None:
            return
        found = self._profiles.setdefault((db_id, profile_id), _Found())
        if found_by.keys() - found.fields.keys():
            found.fields |= found_by
            found.existed |= found.met  # met before, and no request of the traffic gave it this value
        self._read_subscriptions(found, db_id, resource_id, request, items)
        found.met = True

    def _read_subscriptions(
        self, found: _Found, db_id: int, resource_id: int, request: PushRequest, items: list[dict[str, Any]]
    ) -> None:
        answered = {
            (str(one.get("provider")), str(one.get("subscription_id"))): one for one in reversed(items)
        }
        keys = {
            (db_id, resource_id, one.provider, one.subscription_id): bool(one.unsubscribe)
            for one in reversed(request.subscriptions)
        }
        by_push = request.matching != "custom" and not request.id
        if by_push and found.met and not any(key in found.subscriptions for key in keys):
            found.existed = True
        for key in reversed(list(keys)):
            if key in self._keys:
                found.subscriptions.setdefault(key, "unsubscribed")
                continue
            self._keys.add(key)
            item = answered.get(key[2:])
            made_up = key[3].startswith(MARK)  # nothing that a probe makes up existed before
            if item is not None and item.get("status") == "error":
                if item.get("description") != NOT_CONFIGURED and not made_up:
                    # active on a profile that the traffic hides
                    holder = _Found({}, {key: "subscribed"}, existed=True)
                    self._profiles[db_id, next(self._strangers)] = holder
                continue
            was_active = not made_up and (keys[key] if item is not None else not keys[key])
            found.subscriptions[key] = "subscribed" if was_active else "unsubscribed"
            found.existed |= was_active

    def fixtures(self, given: FixtureSet) -> FixtureSet:
        """The given set and what the traffic shows beside it."""
        resources = list(given.resources)
        taken = {one.id for one in given.resources} | {one.id for one in self._seen.values()}
        free = (number for number in count(1) if number not in taken)
        for token, seen in self._seen.items():
            if seen.db_ids or not self._is_unknown(seen):
                unused = seen.id is not None and all(one.id != seen.id for one in resources)
                new = seen.id if unused and seen.id is not None else next(free)
                resources.append(Resource(new, f"Resource {new}", token, seen.db_ids, seen.providers))
        named = {db_id for one in resources for db_id in one.db_ids} - self._given
        databases = [Database(one, f"Database {one}", self._fields(one)) for one in sorted(named)]
        profiles = [*given.profiles, *self._entries(databases)]
        return FixtureSet([*given.databases, *databases], resources, profiles, given.platform)

    def _is_unknown(self, seen: _Seen) -> bool:
        """Whether a token that no database answered is no resource's: B4, not B3."""
        if self._of_nobody is not None:
            return self._of_nobody in seen.refusals
        return any(text != NO_DATABASES for _, _, text in seen.refusals)

    def _fields(self, db_id: int) -> dict[str, FieldType]:
        names = {name: None for at, name in (*self._taken, *self._declared) if at == db_id}
        return {name: _fitting(self._taken[db_id, name], self._refused[db_id, name]) for name in names}

    def _entries(self, databases: list[Database]) -> Iterable[ProfileEntry]:
        declared = {one.id: one.fields for one in databases}
        refused = {one.id: one.refused for one in self._seen.values()}
        for (db_id, profile_id), found in self._profiles.items():
            own = [
                SubscriptionEntry(resource_id, provider, token, status)
                for (_, resource_id, provider, token), status in found.subscriptions.items()
                if provider not in refused.get(resource_id, ())
            ]
            if found.existed and (own or not found.subscriptions):
                values = {
                    name: value
                    for name, value in found.fields.items()
                    if _reads(declared[db_id][name], value)
                }
                yield ProfileEntry(db_id, profile_id, values, own)


def _asks_for_a_resource(request: PushRequest) -> bool:
    """Whether a request is right but for its resource: then a refusal is about that."""
    try:
        check_matching(request)
    except Refused:
        return False
    return not request.db_ids and all(one.provider in DOCUMENTED for one in request.subscriptions)


def _merge(order: list[int], shown: list[int]) -> None:
    """Add the databases of one answer where they stand between those that are known."""
    at = 0
    for one in shown:
        if one in order:
            at = order.index(one) + 1
        else:
            order.insert(at, one)
            at += 1


def _is_id(value: Any) -> bool:
    """Whether a database or a resource can have this id."""
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _fitting(taken: list[FieldValue], refused: list[FieldValue]) -> FieldType:
    """The type that reads all taken values and the fewest of the refused ones."""
    kinds = [kind for kind in _KINDS if all(_reads(FieldType(kind), one) for one in taken)] or ["string"]
    if taken and not refused and all(isinstance(one, str) for one in taken):
        return FieldType("string")
    return FieldType(min(kinds, key=lambda kind: sum(_reads(FieldType(kind), one) for one in refused)))


def _reads(kind: FieldType, value: FieldValue) -> bool:
    try:
        read_value(kind, value)
    except InvalidFieldValue:
        return False
    return True
