"""Made-up people: the databases they are in, and their profiles one after another.

Faker is asked for a few thousand names and phone numbers of the locale; a seeded random number
generator combines them. Nothing depends on the day, the machine or Python's hash seed.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from random import Random
from typing import TypeVar

from faker import Faker

from emulator.fake.tokens import TokenSource

MAIN, CLUB = 1, 2
FIRST_CUSTOMER_NUMBER = 100_001  # CustomNumber1 counts up from here in each database

Fields = dict[str, object]
#: Where a subscription can be: a resource's id and a provider that it accepts.
Channel = tuple[int, str]
_T = TypeVar("_T")

_PERSON: Fields = {
    "CustomNumber1": "int",
    "email": "string",
    "phones": "string",
    "_fname": "string",
    "_lname": "string",
    "_sex": {"type": "enum", "options": ["male", "female"]},
    "_bdate": "date",
    "_regdate": "datetime",
    "_tz": "string",
    "_vendor": "string",
}
_TIERS = ("gold", "silver", "blue")
_LEVELS = ("guest", "member", "patron")
_IN_MAIN: Fields = {
    "_regip": "ip",
    "balance": "float",
    "vip": "bool",
    "tier": {"type": "enum", "options": list(_TIERS)},
}
_IN_CLUB: Fields = {
    "card": "string",
    "points": "int",
    "discount": "float",
    "newsletter": "bool",
    "last_visit": "datetime",
    "last_ip": "ip",
    "level": {"type": "enum", "options": list(_LEVELS)},
}
#: As in databases.json: both together declare fields of every type.
DATABASES: list[dict[str, object]] = [
    {"id": MAIN, "name": "Main", "fields": _PERSON | _IN_MAIN},
    {"id": CLUB, "name": "Club", "fields": _PERSON | _IN_CLUB},
]

_POOL_SIZE = 2000  # draws from Faker for each kind of name
_FIRST_REGISTRATION, _TODAY = (int(datetime(y, 1, 1, tzinfo=timezone.utc).timestamp()) for y in (2022, 2025))
_FIRST_BIRTHDAY, _LAST_BIRTHDAY = date(1945, 1, 1).toordinal(), date(2006, 12, 31).toordinal()
_BIRTHDAYS = [date.fromordinal(n).isoformat() for n in range(_FIRST_BIRTHDAY, _LAST_BIRTHDAY + 1)]
_TIME_ZONES = (
    "Europe/Moscow",
    "Europe/Kaliningrad",
    "Europe/Samara",
    "Europe/Minsk",
    "Europe/London",
    "Asia/Yekaterinburg",
    "Asia/Novosibirsk",
    "Asia/Vladivostok",
    "Asia/Almaty",
)
_VENDORS = {
    "ios": ("Apple",),
    "huawei": ("HUAWEI", "HONOR"),
    "android": ("Samsung", "Xiaomi", "realme", "Google", "OPPO", "HONOR"),
}
# Set aside for documentation, so that nobody's real address gets in.
_NETWORKS = ("192.0.2.", "198.51.100.", "203.0.113.")
_MAIL_HOSTS = ("example.com", "example.net", "example.org")
_FOUR_DIGITS = [tuple(f"{n:04d}") for n in range(10_000)]
_LATIN = str.maketrans(
    dict(zip("абвгдеёзийклмнопрстуфыэіїґ", "abvgdeeziyklmnoprstufyeiig", strict=True))
    | {"ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sch", "ю": "yu", "я": "ya", "є": "ye"}
)


@dataclass(frozen=True, slots=True)
class _Name:
    text: str
    latin: str  # for email addresses


class People:
    """Makes profiles, as in profiles.json, and counts their subscriptions by provider.

    ``channels`` says for each database where subscriptions can be; a channel that stands there twice
    comes up twice as often. Equal states of ``rng`` give equal people (with the same release of Faker).
    """

    def __init__(self, rng: Random, faker: Faker, channels: Mapping[int, Sequence[Channel]]) -> None:
        faker.seed_instance(rng.getrandbits(64))
        self.subscriptions: Counter[str] = Counter()
        self._random = rng.random
        self._tokens = TokenSource(rng)
        self._process, self._counter = rng.getrandbits(40), rng.getrandbits(24)
        self._next_number = {MAIN: FIRST_CUSTOMER_NUMBER, CLUB: FIRST_CUSTOMER_NUMBER}
        self._names = {
            "male": (_names(faker.first_name_male), _names(faker.last_name_male)),
            "female": (_names(faker.first_name_female), _names(faker.last_name_female)),
        }
        self._phones = [_phone_pattern(faker) for _ in range(_POOL_SIZE)]
        self._channels = channels
        # Dealt before chance decides, so that a small set, too, shows every provider of every resource.
        self._undealt = {db_id: list(dict.fromkeys(all_of_it)) for db_id, all_of_it in channels.items()}

    def profiles(self, total: int) -> Iterator[Fields]:
        """``total`` profiles with 0 to 3 subscriptions each, in the order of their registration."""
        for n in range(total):
            db_id, number = self._place()
            registered = _registered(n, total)
            chance = self._random()
            how_many = 1 if chance < 0.68 else 2 if chance < 0.86 else 0 if chance < 0.95 else 3
            subscriptions = [self._subscription(db_id, active=self._random() < 0.88) for _ in range(how_many)]
            fields = self._person(number, registered)
            self._add_what_not_all_tell(fields, subscriptions)
            fields |= self._in_main() if db_id == MAIN else self._in_club(number, registered)
            yield self._profile(n, registered, db_id, fields, subscriptions)

    def uniform_profiles(self, total: int) -> Iterator[Fields]:
        """``total`` profiles of one kind: a customer number and an email, one active subscription."""
        for n in range(total):
            db_id, number = self._place()
            fields: Fields = {"CustomNumber1": number, "email": f"user.{number}@example.org"}
            subscriptions = [self._subscription(db_id, active=True)]
            yield self._profile(n, _registered(n, total), db_id, fields, subscriptions)

    def _place(self) -> tuple[int, int]:
        db_id = MAIN if self._random() < 0.6 else CLUB
        number = self._next_number[db_id]
        self._next_number[db_id] = number + 1
        return db_id, number

    def _profile(
        self, n: int, registered: int, db_id: int, fields: Fields, subscriptions: list[dict[str, object]]
    ) -> Fields:
        # Counters come back after 16,777,216 profiles; by then the time part has moved on.
        profile_id = f"{registered:08x}{self._process:010x}{(self._counter + n) & 0xFFFFFF:06x}"
        return {"id": profile_id, "db_id": db_id, "fields": fields, "subscriptions": subscriptions}

    def _subscription(self, db_id: int, active: bool) -> dict[str, object]:
        undealt = self._undealt[db_id]
        resource_id, provider = undealt.pop() if undealt else self._pick(self._channels[db_id])
        self.subscriptions[provider] += 1
        return {
            "resource_id": resource_id,
            "provider": provider,
            "subscription_id": self._tokens.token(provider),
            "status": "subscribed" if active else "unsubscribed",
        }

    def _person(self, number: int, registered: int) -> Fields:
        sex = "female" if self._random() < 0.53 else "male"
        first, last = (self._pick(names) for names in self._names[sex])
        return {
            "CustomNumber1": number,
            "email": f"{first.latin}.{last.latin}.{number}@{self._pick(_MAIL_HOSTS)}",
            "_fname": first.text,
            "_lname": last.text,
            "_sex": sex,
            "_regdate": _iso(registered),
            "_tz": self._pick(_TIME_ZONES),
        }

    def _add_what_not_all_tell(self, fields: Fields, subscriptions: list[dict[str, object]]) -> None:
        if self._random() < 0.9:
            fields["phones"] = self._pick(self._phones) % self._pick(_FOUR_DIGITS)
        if self._random() < 0.85:
            fields["_bdate"] = self._pick(_BIRTHDAYS)
        provider = str(subscriptions[0]["provider"]) if subscriptions else ""
        for platform, vendors in _VENDORS.items():
            if platform in provider:
                fields["_vendor"] = self._pick(vendors)
                break

    def _in_main(self) -> Fields:
        return {
            "_regip": self._address(),
            "balance": int(self._random() ** 3 * 5_000_000) / 100,
            "vip": self._random() < 0.05,
            "tier": self._pick(_TIERS),
        }

    def _in_club(self, number: int, registered: int) -> Fields:
        visited = registered + int(self._random() * (_TODAY - registered))
        return {
            "card": f"C{number:010d}",
            "points": int(self._random() ** 2 * 20_000),
            "discount": int(self._random() * 60) / 4,
            "newsletter": self._random() < 0.4,
            "last_visit": _iso(visited),
            "last_ip": self._address(),
            "level": self._pick(_LEVELS),
        }

    def _address(self) -> str:
        if self._random() < 0.1:
            return f"2001:db8::{1 + int(self._random() * 0xFFFF):x}"
        return f"{self._pick(_NETWORKS)}{1 + int(self._random() * 254)}"

    def _pick(self, choices: Sequence[_T]) -> _T:
        # A third of what random.choice() takes.
        return choices[int(self._random() * len(choices))]


def _registered(n: int, total: int) -> int:
    return _FIRST_REGISTRATION + n * (_TODAY - _FIRST_REGISTRATION) // total


def _iso(second: int) -> str:
    return datetime.fromtimestamp(second, timezone.utc).isoformat()[:19] + "Z"


def _names(draw: Callable[[], str]) -> list[_Name]:
    return [_name(draw()) for _ in range(_POOL_SIZE)]


def _name(text: str) -> _Name:
    plain = unicodedata.normalize("NFKD", text.lower().translate(_LATIN))
    letters = "".join(c for c in plain if c.isascii() and c.isalnum())
    return _Name(text, letters or "user")


def _phone_pattern(faker: Faker) -> str:
    """A phone number with ``%s`` for each of its last four digits: 10,000 numbers out of one of Faker's."""
    # Some locales have no phones, short service numbers among them, or numerals of their own.
    phone = faker.phone_number() if hasattr(faker, "phone_number") else ""
    if sum(map(str.isdecimal, phone)) < 7:
        phone = faker.numerify("+99# ### ### ####")
    plain = [str(int(c)) if c.isdecimal() else c for c in phone.replace("%", "")]
    for n in [n for n, c in enumerate(plain) if c.isdecimal()][-4:]:
        plain[n] = "%s"
    return "".join(plain)
