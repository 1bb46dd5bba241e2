"""L-rules: remarks that never change the answer."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.rules.lints import content_type_lint, did_you_mean, unknown_parameter
from emulator.rules.model import Lint, Status
from tests.rules.world import World, off, on

OBJECT_ID = "59db33d269d426509e9c4bf9"
GOOD_TOKENS = {
    "android-firebase": "d" * 22 + ":APA91b" + "x" * 134,
    "ios-firebase": "e" * 22 + ":APA91b" + "x" * 134,
    "ios-apns": "0123456789abcdefABCDEF0123456789abcdef0123456789abcdef0123456789",
    "yandex-Appmetrica-device-id-ios": "1234567890123456789",
    "yandex-Appmetrica-device-id-android": "1",
    "yandex-Appmetrica-ios-ifa": "8C5A1F1E-4B3D-4F5A-9C7E-123456789ABC",
    "yandex-Appmetrica-google-aid": "8c5a1f1e-4b3d-4f5a-9c7e-123456789abc",
}
BAD_TOKENS = {
    "android-firebase": ["%subscriptionid%", "x" * 200, "short:token", "d" * 22 + ":" + "x" * 76],
    "ios-firebase": ["a" * 64],
    "ios-apns": ["a" * 63, "a" * 65, "g" * 64, "a" * 161],
    "yandex-Appmetrica-device-id-ios": ["12a", "8c5a1f1e-4b3d-4f5a-9c7e-123456789abc"],
    "yandex-Appmetrica-device-id-android": ["-1"],
    "yandex-Appmetrica-ios-ifa": ["8C5A1F1E4B3D4F5A9C7E123456789ABC", "1"],
    "yandex-Appmetrica-google-aid": ["8c5a1f1e-4b3d-4f5a-9c7e-12345678"],
}


def of(lints: list[Lint], rule: str) -> list[Lint]:
    return [lint for lint in lints if lint.rule == rule]


def custom(value: object) -> dict[str, Any]:
    return {"matching": "custom", "field_name": "number", "field_value": value}


def test_L1_unknown_parameter_with_the_nearest_known_name() -> None:
    known = ["resource_token", "subscriptions", "db_ids"]
    lint = unknown_parameter("db_id", known)
    assert lint == Lint("L1", "db_id", "did_you_mean", ("db_ids",))
    assert lint.text == 'unknown parameter, did you mean "db_ids"?'


def test_L1_path_stays_whole_and_the_last_name_is_compared() -> None:
    lint = unknown_parameter("subscriptions[3].token_provider", ["provider", "subscription_id"])
    assert (lint.path, lint.text) == (
        "subscriptions[3].token_provider",
        'unknown parameter, did you mean "provider"?',
    )


@pytest.mark.parametrize(
    ("name", "nearest"), [("ID", "id"), ("fieldName", "field_name"), ("dbIds", "db_ids")]
)
def test_L1_other_spellings_are_near_too(name: str, nearest: str) -> None:
    said = did_you_mean("unknown", name, ["resource_token", "id", "field_name", "field_value", "db_ids"])
    assert str(said) == f'unknown, did you mean "{nearest}"?'


def test_L1_a_name_near_to_nothing_gets_no_advice() -> None:
    assert did_you_mean("unknown", "zzz", ["resource_token"]) == "unknown"


@pytest.mark.parametrize("good", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_L2_json_content_type_is_no_lint(good: str) -> None:
    assert content_type_lint(good) is None


@pytest.mark.parametrize(
    "wrong", [None, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"]
)
def test_L2_any_other_content_type_is_a_lint(wrong: str | None) -> None:
    lint = content_type_lint(wrong)
    assert lint is not None
    assert (lint.rule, lint.path) == ("L2", "Content-Type")
    assert (wrong or "missing") in lint.text


@pytest.mark.parametrize("provider", GOOD_TOKENS)
def test_L3_plausible_token_is_no_lint(provider: str) -> None:
    assert World().lints(on(GOOD_TOKENS[provider], provider)) == []


@pytest.mark.parametrize(
    ("provider", "token"), [(provider, token) for provider, bad in BAD_TOKENS.items() for token in bad]
)
def test_L3_token_that_does_not_look_like_its_providers(provider: str, token: str) -> None:
    (lint,) = World().lints(on(GOOD_TOKENS["ios-apns"], "ios-apns"), on(token, provider))
    assert (lint.rule, lint.path) == ("L3", "subscriptions[1].subscription_id")
    assert provider in lint.text


@pytest.mark.parametrize("provider", ["android-huawei", "yandex-Appmetrica-android-token"])
def test_L3_provider_without_a_known_shape_takes_any_token(provider: str) -> None:
    assert World().lints(on("anything", provider)) == []


APNS, FIREBASE_TOKEN = GOOD_TOKENS["ios-apns"], GOOD_TOKENS["android-firebase"]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (f'"{APNS}"', "quotes"),
        (f"'{APNS}'", "quotes"),
        (f"{APNS}”", "quotes"),
        (f"«{APNS}»", "quotes"),
        (f"<{APNS}>", "angle brackets"),
        (f"[{APNS}]", "brackets"),
        (f" {APNS}", "spaces"),
        (f"{APNS}\u00a0", "spaces"),
        (f"{APNS}\n", "line ends"),
        (f"{APNS}\r\n", "line ends"),
        (f"\ufeff{APNS}", "invisible characters"),
        (f"{APNS}\u200b", "invisible characters"),
        (f"{APNS};", "commas or semicolons"),
        (f'\\"{APNS}\\"', "quotes and backslashes"),
        (f'"{APNS}"\n', "quotes and line ends"),
        (f"['{APNS}'], ", "quotes, brackets and commas or semicolons"),
        (f'Optional("{APNS}")', "Optional(…)"),
    ],
)
def test_L3_what_stands_around_a_token_is_named_and_the_rest_is_judged(sent: str, said: str) -> None:
    (lint,) = World().lints(on(sent, "ios-apns"))
    assert (lint.rule, lint.path) == ("L3", "subscriptions[0].subscription_id")
    assert lint.text == f"has {said} before or after it: send the token alone"
    both = World().lints(on(sent.replace(APNS, "x1"), "ios-apns"))
    assert [one.code.partition("_")[0] for one in both] == ["around", "token"]


@pytest.mark.parametrize("provider", ["android-firebase", "android-huawei"])
def test_L3_what_stands_around_is_named_for_every_provider(provider: str) -> None:
    (lint,) = World().lints(on(f"'{FIREBASE_TOKEN}'", provider))
    assert "quotes" in lint.text


@pytest.mark.parametrize("end", ["=", "-", "_", "==", "}"])
def test_L3_what_may_end_a_token_is_no_lint(end: str) -> None:
    assert World().lints(on(FIREBASE_TOKEN + end), on("{" + end, "android-huawei")) == []


@pytest.mark.parametrize("between", [" ", "\n", "\u200b"])
def test_L3_spaces_and_line_ends_inside_a_token_are_named(between: str) -> None:
    (lint,) = World().lints(on(FIREBASE_TOKEN[:40] + between + FIREBASE_TOKEN[40:]))
    assert (lint.text[:4], lint.text[-7:]) == ("has ", " inside")


@pytest.mark.parametrize(
    "printed",
    [
        "<d58ea463 12345678 d58ea463 12345678 d58ea463 12345678 d58ea463 1234abCD>",
        "d58ea463 12345678 d58ea463 12345678 d58ea463 12345678 d58ea463 1234abCD",
        "{length = 32, bytes = 0xd3d997af 967d1f43 b405374a 13394d2f ... 28f10282 14af515f }",
    ],
)
def test_L3_printed_NSData_is_named(printed: str) -> None:
    lint = World().lints(on(printed, "ios-apns"))[0]
    assert (lint.rule, "NSData" in lint.text) == ("L3", True)


@pytest.mark.parametrize("digits", [64, 66, 80, 160, 200, 512])
def test_L3_an_even_number_of_hex_digits_from_64_on_is_an_APNs_token(digits: int) -> None:
    assert World().lints(on("aB" * (digits // 2), "ios-apns")) == []
    assert World().lints(on("aB" * (digits // 2) + "c", "ios-apns"))[0].rule == "L3"


def test_L4_each_db_id_outside_the_resource_once() -> None:
    lints = of(World({17: {}, 2: {}}).lints(db_ids=[99, 17, 98, 99]), "L4")
    assert [lint.path for lint in lints] == ["db_ids", "db_ids"]
    assert [word in lint.text for word, lint in zip(("99", "98"), lints, strict=True)] == [True, True]


def test_L5_id_beside_custom_matching() -> None:
    world = World({17: {"number": "int"}})
    (lint,) = of(world.lints(id="anna", **custom(1)), "L5")
    assert lint.path == "id"
    assert of(world.lints(id="anna"), "L5") == []
    assert of(world.lints(**custom(1)), "L5") == []


@pytest.mark.parametrize("other", ["anna", "59db33d269d426509e9c4bfс", OBJECT_ID[:-1], OBJECT_ID + "0"])
def test_L6_id_that_is_not_24_hex_digits(other: str) -> None:
    (lint,) = of(World().lints(id=other), "L6")
    assert lint.path == "id"


@pytest.mark.parametrize("good", [OBJECT_ID, OBJECT_ID.upper()])
def test_L6_24_hex_digits_are_no_lint(good: str) -> None:
    assert of(World().lints(id=good), "L6") == []


def test_L7_json_type_of_the_value_differs_from_the_fields() -> None:
    world = World({17: {"number": "int"}, 2: {"number": "string"}, 3: {}})
    (lint,) = of(world.lints(**custom("123")), "L7")
    assert (lint.path, "17" in lint.text) == ("field_value", True)
    (lint,) = of(world.lints(**custom(123)), "L7")
    assert " 2" in lint.text


def test_L7_only_databases_that_are_processed_count() -> None:
    world = World({17: {"number": "int"}, 2: {"number": "string"}})
    assert of(world.lints(db_ids=[2], **custom("123")), "L7") == []


def test_L7_no_lint_without_custom_matching() -> None:
    parameters = custom("123") | {"matching": None}
    assert of(World({17: {"number": "int"}}).lints(**parameters), "L7") == []


@pytest.mark.parametrize("status", ["subscribed", "unsubscribed"])
@pytest.mark.parametrize("sent", [FIREBASE_TOKEN.lower(), FIREBASE_TOKEN.upper(), FIREBASE_TOKEN.swapcase()])
def test_L9_token_that_differs_only_in_case_from_a_stored_one(sent: str, status: Status) -> None:
    for wanted in (on(sent), off(sent)):
        world = World().add_profile("anna").add_subscription("anna", FIREBASE_TOKEN, status)
        (lint,) = of(world.lints(on("other"), wanted), "L9")
        assert lint.path == "subscriptions[1].subscription_id"
        assert lint.text == "differs only in case from a token of profile anna in database 17"


def test_L9_a_token_that_is_stored_itself_is_no_lint() -> None:
    world = World().add_profile("anna").add_subscription("anna", "Token").add_subscription("anna", "tokeN")
    assert of(world.lints(on("Token"), on("tokeN")), "L9") == []


@pytest.mark.parametrize(
    "stored", [{"provider": "ios-apns"}, {"resource_id": 6}, {"db_id": 34}, {"token": "other"}]
)
def test_L9_only_tokens_of_the_same_provider_resource_and_database_count(stored: dict[str, Any]) -> None:
    world = World().add_profile("anna", stored.get("db_id", 17))
    world.add_subscription("anna", **{"token": "TOKEN", **stored})
    assert of(world.lints("token"), "L9") == []


def test_L9_once_for_a_token_however_many_databases() -> None:
    world = World({17: {}, 34: {}})
    world.push("TOKEN")
    assert len(of(world.lints("token"), "L9")) == 1
