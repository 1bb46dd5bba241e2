"""The rules once more, as plain as can be: dictionaries and loops, written from the specification alone.

Nothing here is fast, and nothing is shared with the emulator: two readings of one page that must agree.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

PAGE_PROVIDERS = {
    "android-firebase",
    "ios-firebase",
    "ios-apns",
    "yandex-Appmetrica-device-id-ios",
    "yandex-Appmetrica-device-id-android",
    "yandex-Appmetrica-ios-ifa",
    "yandex-Appmetrica-google-aid",
    "yandex-Appmetrica-android-token",
    "yandex-Appmetrica-ios-token",
    "android-huawei",
    "ios-huawei",
}
SUCCESS = "Successful operation"


class Invented(Exception):
    """An id that the server made up cannot be right."""


class PlainWorld:
    """One workspace: fixtures as the files have them, the policies, and what has happened since.

    A server makes ids up, so :meth:`answer` is shown the real answer and takes them from it; it answers what
    the envelope must be.
    """

    def __init__(self, databases: list[Json], resources: list[Json], profiles: list[Json], policies: Json):
        self.databases = {one["id"]: one for one in databases}
        self.resources = {one["token"]: one for one in resources}
        self._fixtures = profiles
        self.policies = policies
        self.reset()

    def reset(self) -> None:
        """Back to the fixtures. Hashes depend on the key alone, so they may be remembered."""
        self.profiles: list[Json] = []
        self.subscriptions: list[Json] = []
        self.hashes: dict[tuple[Any, ...], str] = getattr(self, "hashes", {})
        for one in self._fixtures:
            self.profiles.append(
                {"db_id": one["db_id"], "id": one["id"], "fields": dict(one.get("fields", {}))}
            )
            for sub in one.get("subscriptions", []):
                status = sub.get("status", "subscribed")
                key = (one["db_id"], sub["resource_id"], sub["provider"], sub["subscription_id"])
                self.subscriptions.append({"key": key, "profile_id": one["id"], "status": status})

    # What is wrong with a request as a whole

    def request_errors(self, request: Json) -> set[int]:
        """The codes of everything that makes the whole request fail; which one is told is not laid down."""
        errors = set()
        entries = request.get("subscriptions")
        if not isinstance(entries, list) or not 1 <= len(entries) <= 100:
            return {400}
        if any(not one.get("provider") or not one.get("subscription_id") for one in entries):
            return {400}
        matching = request.get("matching") or None
        if matching not in (None, "custom", "profile_id"):
            errors.add(400)  # M10
        if matching == "profile_id" and not request.get("id"):
            errors.add(400)  # M2
        if matching == "custom" and (not request.get("field_name") or request.get("field_value") is None):
            errors.add(400)  # M3
        if matching != "custom" and len(request.get("id") or "") > 64:
            errors.add(400)  # M8
        resource = self.resources.get(request["resource_token"])
        if resource is None:
            return errors | {404}  # B4
        listed = resource.get("providers")
        for one in entries:
            if one["provider"] not in PAGE_PROVIDERS and one["provider"] not in (listed or ()):
                errors.add(400)  # S6
        if not self._databases_of(request, resource) and self.policies["no_databases"] == "error":
            errors.add(400)  # B3
        return errors

    def _databases_of(self, request: Json, resource: Json) -> list[int]:
        wanted = request.get("db_ids") or resource["db_ids"]
        return [db_id for db_id in resource["db_ids"] if db_id in wanted]  # B1, B2

    # A request that is carried out

    def answer(self, request: Json, real: Json, made: dict[int, str]) -> Json:
        """What must be answered; the world is changed.

        ``real``: where invented ids are taken from; ``made``: those of profiles that no item names.
        """
        resource = self.resources[request["resource_token"]]
        items: list[Json] = []
        good = True
        for db_id in self._databases_of(request, resource):
            real_items = [one for one in real["data"] if one["db_id"] == db_id]
            mine, effects = self._one_database(request, resource, db_id, real_items, made)
            items += mine
            good &= "refused" not in effects
            if self.policies["unchanged_error"] == "200":  # A2
                good &= "added" in effects or "changed" in effects
        return {"data": items, "error": 0 if good else 200, "error_text": SUCCESS}

    def _one_database(
        self, request: Json, resource: Json, db_id: int, real_items: list[Json], made: dict[int, str]
    ) -> tuple[list[Json], set[str]]:
        found = self._find(request, resource, db_id)
        if isinstance(found, str):
            error = {"db_id": db_id, "description": found, "resource_id": resource["id"], "status": "error"}
            return [error], {"refused"}
        if "new" in found:
            told = real_items[0].get("profile_id", "") if real_items else made.get(db_id, "")
            found = self._create(found, db_id, told)
        items, effects = [], set()
        done: set[tuple[str, str]] = set()
        for entry in request["subscriptions"]:
            effect, problem = self._apply(entry, resource, found, done)
            effects.add(effect)
            if effect != "unchanged":  # S3
                items.append(self._item(entry, resource, found, problem, real_items[len(items) :]))
        if not items and self.policies["unchanged_database"] == "bare_item":  # S7
            bare = {"db_id": db_id, "description": "", "profile_id": found["id"]}
            items.append({**bare, "resource_id": resource["id"], "status": "ok"})
        return items, effects

    def _find(self, request: Json, resource: Json, db_id: int) -> Json | str:
        """The profile, or what a new one is to be like, or the text of a matching error."""
        if request.get("matching") == "custom":
            kind = self.databases[db_id]["fields"].get(request["field_name"])
            if kind is None:
                return "matching error: unknown field"  # M4
            try:
                value = read(kind, request["field_value"])
            except ValueError:
                return "matching error: invalid field value"  # M5
            same = [
                one
                for one in self.profiles
                if one["db_id"] == db_id and one["fields"].get(request["field_name"]) == value
            ]
            if same:  # M3
                return self._one_of(same)
            return {"new": True, "fields": {request["field_name"]: value}}  # M6, M7
        if request.get("id"):  # M1, M2
            for profile in self.profiles:
                if profile["db_id"] == db_id and profile["id"] == request["id"]:
                    return profile
            keep = self.policies["unknown_id"] == "keep"
            return {"new": True, "fields": {}, "id": request["id"]} if keep else {"new": True, "fields": {}}
        for entry in request["subscriptions"]:  # M11
            records = self._records((db_id, resource["id"], entry["provider"], entry["subscription_id"]))
            if records:
                active = [one for one in records if one["status"] == "subscribed"]  # M9
                ages = sorted(self._age(db_id, one) for one in active or records)
                return self.profiles[ages[0]] if active else self._one_of([self.profiles[at] for at in ages])
        return {"new": True, "fields": {}}  # M6

    def _one_of(self, profiles: list[Json]) -> Json | str:
        """The one that is taken of several, the oldest of which comes first (M9)."""
        choice = self.policies["several_profiles"]
        if len(profiles) > 1 and choice == "error":
            return "matching error: several profiles"
        return profiles[-1 if choice == "newest" else 0]

    def _age(self, db_id: int, record: Json) -> int:
        for age, profile in enumerate(self.profiles):
            if profile["db_id"] == db_id and profile["id"] == record["profile_id"]:
                return age
        raise AssertionError("a subscription without its profile")

    def _create(self, wanted: Json, db_id: int, told: str) -> Json:
        profile_id = wanted.get("id")
        if profile_id is None:  # A5: taken from the answer
            profile_id = told
            taken = any(p["db_id"] == db_id and p["id"] == profile_id for p in self.profiles)
            if taken or len(profile_id) != 24 or set(profile_id) - set("0123456789abcdef"):
                raise Invented(f"profile_id {profile_id}")
        profile = {"db_id": db_id, "id": profile_id, "fields": dict(wanted["fields"])}
        self.profiles.append(profile)
        return profile

    def _apply(self, entry: Json, resource: Json, profile: Json, done: set[Any]) -> tuple[str, str]:
        provider, token = entry["provider"], entry["subscription_id"]
        accepted = resource.get("providers")
        if provider not in (PAGE_PROVIDERS if accepted is None else accepted):
            return "refused", "provider is not configured for the resource"  # S6
        if (provider, token) in done and self.policies["repeated_subscription"] == "unchanged":
            return "unchanged", ""  # S5
        if (provider, token) in done:
            return "refused", "Duplicate push subscription"  # S5
        done.add((provider, token))
        wanted = "unsubscribed" if entry.get("unsubscribe") else "subscribed"
        records = self._records((profile["db_id"], resource["id"], provider, token))
        own = [one for one in records if one["profile_id"] == profile["id"]]
        others = [one for one in records if one["profile_id"] != profile["id"]]
        if (own and own[0]["status"] == wanted) or (not own and wanted == "unsubscribed"):
            return "unchanged", ""  # S3
        holders = [one for one in others if one["status"] == "subscribed"]
        if wanted == "subscribed" and holders:  # S4
            if self.policies["duplicate_token"] == "error":
                return "refused", "Duplicate push subscription"
            for holder in holders:
                holder["status"] = "unsubscribed"
        if own:  # S2
            own[0]["status"] = wanted
            return "changed", ""
        key = (profile["db_id"], resource["id"], provider, token)
        self.subscriptions.append({"key": key, "profile_id": profile["id"], "status": wanted})  # S1
        return "added", ""

    def _records(self, key: tuple[Any, ...]) -> list[Json]:
        return [one for one in self.subscriptions if one["key"] == key]

    def _item(self, entry: Json, resource: Json, profile: Json, problem: str, real_items: list[Json]) -> Json:
        item: Json = {
            "subscription_id": entry["subscription_id"],
            "unsubscribe": bool(entry.get("unsubscribe")),
            "profile_id": profile["id"],
            "provider": entry["provider"],
            "db_id": profile["db_id"],
            "resource_id": resource["id"],
        }
        if not problem:
            key = (profile["db_id"], resource["id"], entry["provider"], entry["subscription_id"])
            told = real_items[0].get("subscription_hash_id", "") if real_items else ""
            item["subscription_hash_id"] = self.hash_of(key, told)
        return {**item, "status": "error" if problem else "ok", "description": problem}

    def hash_of(self, key: tuple[Any, ...], told: str) -> str:
        """The hash id of a key (A5): the same for ever, nobody else's; the first one told is believed."""
        known = self.hashes.get(key)
        if known is not None:
            return known
        if len(told) < 8 or set(told) - set("0123456789abcdef") or told in self.hashes.values():
            raise Invented(f"subscription_hash_id {told!r}")
        self.hashes[key] = told
        return told


def read(kind: str, value: Any) -> Any:
    """A value as its field has it (M5)."""
    if isinstance(value, bool):
        raise ValueError("not a value of this kind")
    if kind == "int":
        return int(value)
    return str(value)
