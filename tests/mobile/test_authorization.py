"""Who calls: role tokens and JWTs (T1–T6)."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.mobile import ROLE, bearer, claim, subscribe_body
from tests.mobile.conftest import Phone

KEY = "a secret of HS256 that is long enough"
OTHERS = claim(db_id=2, email="anna@example.com")


def test_T1_a_role_token_finds_the_profile_by_push_data_alone(phone: Phone) -> None:
    first = phone.subscribe("one")
    assert phone.subscribe("one")["id"] == first["id"]
    assert phone.subscribe("two")["id"] != first["id"]


def test_T2_the_claim_comes_as_text_or_as_an_object(phone: Phone) -> None:
    text = phone.subscribe("t", bearer(claim()))
    as_object = "Bearer " + jwt.encode({"matching": {**claim(), "db_id": "1"}}, "any secret at all")
    assert phone.status(as_object)["id"] == text["id"]


@pytest.mark.parametrize(
    ("authorization", "mode", "lints"),
    [
        (ROLE, "push_sub", []),
        (ROLE, "rt-demo-0001", []),
        (ROLE, "email", ["T3"]),
        (bearer(), "email", []),
        (bearer(), "phone", ["T3"]),
    ],
)
def test_T3_the_claim_counts_where_query_and_claim_disagree(
    phone: Phone, authorization: str, mode: str, lints: list[str]
) -> None:
    phone.subscribe("t", authorization)
    found = phone.status(authorization, matching_mode=mode, provider="android-firebase", subscription_id="t")
    assert found["subscription"]["subscription_id"] == "t"
    assert [one["rule"] for one in phone.last()["lints"]] == lints


def test_T4_a_signature_is_verified_where_the_database_has_a_key(phone: Phone) -> None:
    assert phone.subscribe("t", bearer(claim(), "whatever secret"))  # database 1 has no key
    assert phone.subscribe("t", bearer(OTHERS, KEY))
    for wrong in (
        bearer(OTHERS, "another secret that is long enough"),
        "Bearer " + jwt.encode({"matching": json.dumps(OTHERS)}, None, "none"),
        bearer(OTHERS, KEY, "HS512"),
    ):
        assert phone.refused("t", wrong) == (
            401,
            "Authorization: no key of database 2 verifies the JWT's signature",
        )


def test_T4_times_are_judged_by_the_clock_of_the_workspace(phone: Phone) -> None:
    phone.app.client.put("/__admin/clock", json={"now": "2026-01-01T00:00:00Z"})
    now = 1767225600
    assert phone.subscribe("t", bearer(OTHERS, KEY, exp=now + 1, nbf=now))
    for payload in ({"exp": now}, {"nbf": now + 1}, {"exp": "soon"}):
        status, text = phone.refused("t", bearer(OTHERS, KEY, **payload))
        assert (status, text.startswith("Authorization: the JWT")) == (401, True), text


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_T4_a_public_key_verifies(phone: Phone, algorithm: str) -> None:
    private: Any = (
        rsa.generate_private_key(65537, 2048)
        if algorithm == "RS256"
        else ec.generate_private_key(ec.SECP256R1())
    )
    pem, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    public = private.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    whole = private.private_bytes(pem, kind, serialization.NoEncryption())  # its public part verifies
    for key in (public, whole):
        answer = phone.app.client.patch("/__admin/resources/6", json={"jwt_key": key.decode()})
        assert answer.status_code == 200, answer.text
        assert phone.subscribe("t", bearer(OTHERS, private, algorithm))
        assert phone.refused("t", bearer(OTHERS, KEY))[0] == 401


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic abc",
        "Bearer",
        "Bearer rtoken@",
        "Bearer rtoken@unknown",
        "Bearer rtoken@rt-expired",
        "Bearer ...",
        "Bearer a.b.c",
        "Bearer " + "x" * 1000,
        "Bearer " + jwt.encode({}, "secret"),
        bearer("[1, 2]"),
        bearer("{"),
        bearer("[" * 5000),
        *(bearer({**claim(), "db_id": one}) for one in ("one", -1, 10**30, True, None, 99, 1.5)),
        *(bearer({**claim(), "matching": one}) for one in ("nobody", "", None, 5)),
        bearer({"db_id": 1, "matching": "email"}),
        bearer({"db_id": 1, "matching": "custom", "field_name": "age"}),
        bearer({"db_id": 1, "matching": "profile_id", "profile_id": "\n"}),
        bearer({"db_id": 1, "matching": "email", "email": 5}),
    ],
)
def test_T5_whoever_cannot_be_read_gets_401(phone: Phone, authorization: str | None) -> None:
    status, answer = phone.call("/subscription/push/subscribe/", subscribe_body("t"), authorization)
    assert (status, answer["error"], answer["profile"]) == (401, 401, None)
    assert answer["error_text"].startswith("Authorization: ")
    assert phone.app.counts == (0, 0)


@pytest.mark.parametrize(
    "matching",
    [
        claim("push_sub", provider="android-firebase", subscription_id="t"),
        claim("profile_id", profile_id="backend-7"),
        claim("profile_id_sub", profile_id=12345),
        claim("email", email="a@example.com"),
        claim("email_profile", email="a@example.com"),
        claim("email_sub", email="a@example.com"),
        claim("phone", phone="+79990000001"),
        claim("phone_sub", phone="+79990000001"),
        claim("email_phone", phone="+79990000001"),
        claim("custom", field_name="crm_id", field_value="17"),
        claim("custom_sub", field_name="vip", field_value=True),
    ],
)
def test_T6_each_mode_finds_the_profile_that_it_made(phone: Phone, matching: dict[str, Any]) -> None:
    made = phone.subscribe("t", bearer(matching))
    assert phone.status(bearer(matching))["id"] == made["id"]
    assert phone.app.counts == (1, 1)


@pytest.mark.parametrize("odd", [5, [], {"a": 1}, "\n", 1.5, True])
def test_T2_what_the_claims_mode_does_not_need_is_not_looked_at(phone: Phone, odd: Any) -> None:
    unused = dict.fromkeys(("phone", "profile_id", "field_name", "provider", "subscription_id"), odd)
    assert phone.subscribe("t", bearer(claim("email", email="a@example.com", **unused)))


def test_T6_one_of_several_phones_matches(phone: Phone) -> None:
    made = phone.subscribe("t", profile_fields={"phones": "+79990000001, +79990000002"})
    for number in ("+79990000001", "+79990000002"):
        assert phone.status(bearer(claim("phone", phone=number)))["id"] == made["id"]
    assert phone.status(bearer(claim("phone", phone="+7999000000"))) is None


def test_T6_a_field_that_the_database_does_not_declare_is_R4(phone: Phone) -> None:
    authorization = bearer(claim("custom", field_name="no_such", field_value="x"))
    assert phone.refused("t", authorization)[1].endswith('with field "no_such": Incorrect field')
