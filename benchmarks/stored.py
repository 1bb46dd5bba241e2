"""Fixture sets with many stored profiles, written fast."""

from __future__ import annotations

import random
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path

import orjson

#: The resource with one database, and the one with two.
ONE_DATABASE = "bench-7b14db88ec937f14"
TWO_DATABASES = "bench-ec937f147b14db88"
#: The int field that `matching: custom` asks for.
FIELD = "CustomNumber1"

_DATABASES = [
    {"id": 17, "name": "Main", "fields": {FIELD: "int"}},
    {"id": 34, "name": "Shop", "fields": {FIELD: "int"}},
]
_RESOURCES = [
    {"id": 5, "name": "App", "token": ONE_DATABASE, "db_ids": [17]},
    {"id": 22, "name": "Shop app", "token": TWO_DATABASES, "db_ids": [17, 34]},
]
#: How many of the stored profiles a load returns to, spread over all of them.
_SAMPLE = 20_000
#: How many profiles a load returns to when none is stored: its warm-up creates them.
_SAMPLE_OF_NONE = 1_024


@dataclass(frozen=True)
class Known:
    """A profile that requests come back to: the value of its int field and its push token."""

    number: int
    token: str


def firebase_token(chance: random.Random) -> str:
    """A push token of the shape and length that Firebase gives: 160 characters."""
    letters = urlsafe_b64encode(chance.randbytes(115)).decode()
    return f"{letters[:22]}:APA91b{letters[22:153]}"


def write_fixtures(folder: Path, profiles: int, seed: int = 7) -> list[Known]:
    """Write ``profiles`` profiles with one subscription each as fixtures; answers those to come back to."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "databases.json").write_bytes(orjson.dumps(_DATABASES))
    (folder / "resources.json").write_bytes(orjson.dumps(_RESOURCES))
    chance = random.Random(seed)
    if not profiles:
        (folder / "profiles.json").write_bytes(b"[]")
        return [Known(number, firebase_token(chance)) for number in range(1, _SAMPLE_OF_NONE + 1)]
    known: list[Known] = []
    step = max(1, profiles // _SAMPLE)
    with (folder / "profiles.json").open("w", encoding="ascii") as file:
        before = "[\n"
        for number in range(1, profiles + 1):
            token = firebase_token(chance)
            # Written by hand: a serializer takes twice as long for a million of these.
            file.write(
                f'{before}{{"id":"{chance.randbytes(12).hex()}","db_id":17,"fields":{{"{FIELD}":{number}}},'
                f'"subscriptions":[{{"resource_id":5,"provider":"android-firebase",'
                f'"subscription_id":"{token}",'
                f'"status":"subscribed"}}]}}'
            )
            before = ",\n"
            if number % step == 0:
                known.append(Known(number, token))
        file.write("\n]\n")
    chance.shuffle(known)
    return known
