"""The made-up people of ``run.py fake``: their databases, resources, profiles and tokens."""

from __future__ import annotations

import ipaddress
import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from faker import Faker
from faker.config import AVAILABLE_LOCALES

from emulator.fake import PushProfiles, PushTokens, write_fixture_set
from emulator.fixtures.load import load_fixtures
from emulator.rules.providers import DOCUMENTED, token_complaint
from tests.server import ROOT

EXTRA = ("android-rustore", "chrome-firebase", "firefox-firebase")
PEOPLE = 8_000

FIREBASE = r"[\w-]{22}:APA91b[\w-]{134}"
APNS = r"[0-9a-f]{64}"
DEVICE_ID = r"[0-9]{19}"
LONG = r"[\w-]{100,200}"
UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
SHAPES = {
    "android-firebase": FIREBASE,
    "ios-firebase": FIREBASE,
    "chrome-firebase": FIREBASE,
    "firefox-firebase": FIREBASE,
    "ios-apns": APNS,
    "android-huawei": LONG,
    "ios-huawei": LONG,
    "android-rustore": LONG,
    "yandex-Appmetrica-device-id-ios": DEVICE_ID,
    "yandex-Appmetrica-device-id-android": DEVICE_ID,
    "yandex-Appmetrica-ios-ifa": f"(?!.*[a-z])(?i:{UUID4})",
    "yandex-Appmetrica-google-aid": UUID4,
    "yandex-Appmetrica-android-token": FIREBASE,
    "yandex-Appmetrica-ios-token": APNS,
}


def is_moment(value: object) -> bool:
    return (
        isinstance(value, str)
        and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value) is not None
        and datetime.fromisoformat(value.replace("Z", "+00:00")) is not None
    )


def is_date(value: object) -> bool:
    return isinstance(value, str) and date.fromisoformat(value).isoformat() == value


FIELD_CHECKS: dict[str, Callable[[Any], bool]] = {
    "int": lambda value: type(value) is int and -(2**63) <= value < 2**63,
    "float": lambda value: type(value) is float,
    "string": lambda value: isinstance(value, str) and value != "",
    "bool": lambda value: type(value) is bool,
    "date": is_date,
    "datetime": is_moment,
    "ip": lambda value: str(ipaddress.ip_address(value)) == value,
}


def load(directory: Path, name: str) -> list[dict[str, Any]]:
    entries = json.loads((directory / name).read_text(encoding="utf-8"))
    assert isinstance(entries, list)
    return entries


def subscriptions_of(profiles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [subscription for profile in profiles for subscription in profile["subscriptions"]]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("people")
    write_fixture_set(out, PEOPLE, "ru_RU", 42)
    return out


@pytest.fixture(scope="module")
def profiles(directory: Path) -> list[dict[str, Any]]:
    return load(directory, "profiles.json")


# The sets


def test_databases_declare_fields_of_every_type(directory: Path) -> None:
    databases = load(directory, "databases.json")
    assert [(database["id"], database["name"]) for database in databases] == [(1, "Main"), (2, "Club")]
    for database in databases:
        kinds = {kind if isinstance(kind, str) else kind["type"] for kind in database["fields"].values()}
        assert kinds == {"int", "float", "string", "bool", "date", "datetime", "ip", "enum"}
        assert database["fields"]["CustomNumber1"] == "int"
        assert {"email", "phones", "_fname", "_lname", "_bdate", "_sex", "_regdate", "_tz", "_vendor"} <= set(
            database["fields"]
        )


def test_resources_have_known_tokens_and_list_extra_providers(directory: Path) -> None:
    resources = load(directory, "resources.json")
    assert [resource["token"] for resource in resources] == ["fake-app-1", "fake-app-2", "fake-site-3"]
    assert resources[0]["db_ids"] == [1, 2]
    assert "providers" not in resources[0]
    listed = {provider for resource in resources for provider in resource.get("providers", ())}
    assert set(EXTRA) <= listed <= set(DOCUMENTED) | set(EXTRA)


# The people


def test_profile_ids_are_unique_and_shaped_like_object_ids(profiles: list[dict[str, Any]]) -> None:
    ids = [profile["id"] for profile in profiles]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[0-9a-f]{24}", profile_id) for profile_id in ids)
    registered = [datetime.fromisoformat(p["fields"]["_regdate"].replace("Z", "+00:00")) for p in profiles]
    assert [int(profile_id[:8], 16) for profile_id in ids] == [
        int(moment.timestamp()) for moment in registered
    ]
    assert registered == sorted(registered)


def test_customer_numbers_and_emails_are_unique_in_each_database(profiles: list[dict[str, Any]]) -> None:
    for db_id in (1, 2):
        fields = [profile["fields"] for profile in profiles if profile["db_id"] == db_id]
        assert [each["CustomNumber1"] for each in fields] == list(range(100_001, 100_001 + len(fields)))
        assert len({each["email"] for each in fields}) == len(fields) > PEOPLE / 4


def test_values_are_valid_for_their_field(directory: Path, profiles: list[dict[str, Any]]) -> None:
    declared = {database["id"]: database["fields"] for database in load(directory, "databases.json")}
    seen = set()
    for profile in profiles:
        assert set(profile) == {"id", "db_id", "fields", "subscriptions"}
        for name, value in profile["fields"].items():
            kind = declared[profile["db_id"]][name]
            valid = value in kind["options"] if isinstance(kind, dict) else FIELD_CHECKS[kind](value)
            assert valid, (profile["id"], name, value)
            seen.add((profile["db_id"], name))
    assert seen == {(db_id, name) for db_id, fields in declared.items() for name in fields}


def test_people_are_readable_and_nobody_real_is_written_to(
    directory: Path, profiles: list[dict[str, Any]]
) -> None:
    for profile in profiles:
        fields = profile["fields"]
        for name in (fields["_fname"], fields["_lname"]):
            assert re.fullmatch("[А-Яа-яЁё -]+", name), name
        assert re.fullmatch(r"[a-z0-9]+\.[a-z0-9]+\.\d+@example\.(com|net|org)", fields["email"])
        assert fields["_bdate"] < fields["_regdate"] if "_bdate" in fields else True
        assert fields.get("last_visit", "9") >= fields["_regdate"]
    assert "\\u" not in (directory / "profiles.json").read_text(encoding="utf-8")
    assert len({(p["fields"]["_fname"], p["fields"]["_lname"]) for p in profiles}) > PEOPLE / 4


@pytest.mark.parametrize("locale", ["bn_BD", "fil_PH", "ar_AE", "hy_AM", "ja_JP", "uk_UA"])
def test_locales_with_odd_phones_or_letters(locale: str, tmp_path: Path) -> None:
    assert locale in AVAILABLE_LOCALES
    write_fixture_set(tmp_path, 200, locale, 1)
    for profile in load(tmp_path, "profiles.json"):
        fields = profile["fields"]
        assert fields["_fname"]
        assert fields["_lname"]
        assert re.fullmatch(r"[a-z0-9]+\.[a-z0-9]+\.\d+@example\.(com|net|org)", fields["email"])
        assert "phones" not in fields or len(re.findall("[0-9]", fields["phones"])) >= 7


# The subscriptions


def test_subscriptions_fit_their_resource_and_database(
    directory: Path, profiles: list[dict[str, Any]]
) -> None:
    resources = {resource["id"]: resource for resource in load(directory, "resources.json")}
    for profile in profiles:
        for subscription in profile["subscriptions"]:
            assert set(subscription) - {"fields", "cats"} == {
                "resource_id",
                "provider",
                "subscription_id",
                "status",
            }
            resource = resources[subscription["resource_id"]]
            assert profile["db_id"] in resource["db_ids"]
            assert subscription["provider"] in resource.get("providers", DOCUMENTED)


def test_no_subscription_to_three_mostly_one_some_ended(profiles: list[dict[str, Any]]) -> None:
    sizes = Counter(len(profile["subscriptions"]) for profile in profiles)
    assert set(sizes) == {0, 1, 2, 3}
    assert sizes[1] > PEOPLE / 2
    states = Counter(subscription["status"] for subscription in subscriptions_of(profiles))
    assert set(states) == {"subscribed", "suspended", "unsubscribed"}
    assert states["subscribed"] > 4 * (states["suspended"] + states["unsubscribed"])


@pytest.mark.parametrize("provider", [*DOCUMENTED, *EXTRA])
def test_L3_tokens_look_like_their_providers(provider: str, profiles: list[dict[str, Any]]) -> None:
    tokens = [s["subscription_id"] for s in subscriptions_of(profiles) if s["provider"] == provider]
    assert len(tokens) > 50
    for token in tokens:
        assert re.fullmatch(SHAPES[provider], token, re.ASCII), token


def test_no_token_comes_twice(profiles: list[dict[str, Any]]) -> None:
    pairs = [(s["provider"], s["subscription_id"]) for s in subscriptions_of(profiles)]
    assert len(set(pairs)) == len(pairs)


# The providers, alone


@pytest.mark.parametrize("seed", [None, 7])
def test_PushTokens_alone_gives_a_faker_tokens_of_every_provider(seed: int | None) -> None:
    faker = Faker()
    faker.seed_instance(seed)
    faker.add_provider(PushTokens)
    for provider, shape in SHAPES.items():
        tokens = {faker.push_token(provider) for _ in range(100)}
        assert len(tokens) == 100
        assert all(re.fullmatch(shape, token, re.ASCII) for token in tokens)
        assert not any(token_complaint(provider, token) for token in tokens)
    assert {faker.push_provider() for _ in range(1_000)} == set(SHAPES)
    assert isinstance(faker.unique.push_token(), str)
    with pytest.raises(KeyError):
        faker.push_token("pigeon")


def test_providers_make_the_same_again_from_the_same_seed() -> None:
    made = []
    for seed in (1, 1, 2):
        faker = Faker("ru_RU")
        faker.add_provider(PushProfiles)
        faker.seed_instance(seed)
        made.append([faker.push_profile(subscriptions=[faker.push_subscription()]) for _ in range(20)])
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize("locale", ["en_US", "ru_RU"])
def test_PushProfiles_alone_makes_profiles_that_fixtures_take(locale: str, tmp_path: Path) -> None:
    write_fixture_set(tmp_path, 0, locale, 1)
    faker = Faker(locale)
    faker.add_provider(PushProfiles)
    entries = [
        faker.push_profile(db_id, subscriptions=[faker.push_subscription(provider=provider)])
        for db_id in (1, 2)
        for provider in DOCUMENTED
    ]
    (tmp_path / "profiles.json").write_text(json.dumps(entries))
    assert len(list(load_fixtures(tmp_path).profiles)) == 2 * len(DOCUMENTED)
    assert faker.customer(777)["CustomNumber1"] == 777


def test_python_of_the_getting_started_page_runs() -> None:
    page = (ROOT / "docs/fixtures.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(example, {})


# Small sets


def test_a_small_set_shows_every_provider_of_every_resource(tmp_path: Path) -> None:
    for one_each in (False, True):
        out = tmp_path / f"{one_each}"
        report = write_fixture_set(out, 100, "ru_RU", 42, one_each)
        assert set(report) == set(SHAPES)
        shown = {(s["resource_id"], s["provider"]) for s in subscriptions_of(load(out, "profiles.json"))}
        for resource in load(out, "resources.json"):
            assert {(resource["id"], p) for p in resource.get("providers", DOCUMENTED)} <= shown


def test_one_each_makes_profiles_of_one_kind(tmp_path: Path) -> None:
    report = write_fixture_set(tmp_path, 2_000, "ru_RU", 42, one_each=True)
    assert report.total() == 2_000
    for profile in load(tmp_path, "profiles.json"):
        assert set(profile["fields"]) == {"CustomNumber1", "email"}
        assert [subscription["status"] for subscription in profile["subscriptions"]] == ["subscribed"]
