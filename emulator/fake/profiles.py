"""Faker providers of push tokens and of profiles: people with the fields of two made-up databases."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from faker.decode import unidecode
from faker.providers import BaseProvider

from emulator.rules.mobile.requests import SDK_PROVIDERS
from emulator.timestamps import iso_second


class PushTokens(BaseProvider):
    """Tokens in the shapes that lint L3 expects: ``faker.add_provider(PushTokens)``."""

    def push_token(self, provider: str | None = None) -> str:
        """A token of ``provider``, without one of any; KeyError for a provider that has no form here."""
        return TOKEN_FORMS[provider or self.push_provider()](self)

    def push_provider(self) -> str:
        """The name of a provider, one of TOKEN_FORMS."""
        return self.random_element(tuple(TOKEN_FORMS))

    def firebase_token(self) -> str:
        """An installation id, a colon, ``APA91b`` and 134 characters more."""
        text = self._base64(117)
        # An installation id begins with the bits 0111: one of c, d, e, f in base64.
        return f"{self.random_element('cdef')}{text[:21]}:APA91b{text[21:155]}"

    def apns_token(self) -> str:
        """64 hex digits."""
        return self._bytes(32).hex()

    def huawei_token(self) -> str:
        """132 characters that begin as Huawei's do."""
        return f"IQAAAACy{self._base64(93)}"

    def rustore_token(self) -> str:
        """152 characters."""
        return self._base64(114)

    def appmetrica_device_id(self) -> str:
        """19 digits."""
        return f"{self.random_int(10**18, 10**19 - 1)}"

    def apple_advertising_id(self) -> str:
        """A UUID in upper case."""
        return self.google_advertising_id().upper()

    def google_advertising_id(self) -> str:
        """A UUID in lower case."""
        return f"{self.generator.uuid4()}"

    def _bytes(self, length: int) -> bytes:
        made: bytes = self.generator.binary(length)
        return made

    def _base64(self, length: int) -> str:
        return urlsafe_b64encode(self._bytes(length)).decode("ascii")


#: Provider → the method that makes its tokens.
TOKEN_FORMS = {
    "android-firebase": PushTokens.firebase_token,
    "ios-firebase": PushTokens.firebase_token,
    "chrome-firebase": PushTokens.firebase_token,
    "firefox-firebase": PushTokens.firebase_token,
    "ios-apns": PushTokens.apns_token,
    "android-huawei": PushTokens.huawei_token,
    "ios-huawei": PushTokens.huawei_token,
    "android-rustore": PushTokens.rustore_token,
    "yandex-Appmetrica-device-id-ios": PushTokens.appmetrica_device_id,
    "yandex-Appmetrica-device-id-android": PushTokens.appmetrica_device_id,
    "yandex-Appmetrica-ios-ifa": PushTokens.apple_advertising_id,
    "yandex-Appmetrica-google-aid": PushTokens.google_advertising_id,
    "yandex-Appmetrica-android-token": PushTokens.firebase_token,
    "yandex-Appmetrica-ios-token": PushTokens.apns_token,
}


MAIN, CLUB = 1, 2
#: The first and the last second of a registration: Faker's own ranges would follow today's date.
FIRST_SECOND, LAST_SECOND = (int(datetime(y, 1, 1, tzinfo=timezone.utc).timestamp()) for y in (2022, 2025))

Entry = dict[str, Any]

_TIERS, _LEVELS = ("gold", "silver", "blue"), ("guest", "member", "patron")
_PERSON = {
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
_IN_MAIN = {
    "_regip": "ip",
    "balance": "float",
    "vip": "bool",
    "tier": {"type": "enum", "options": list(_TIERS)},
}
_IN_CLUB = {
    "card": "string",
    "points": "int",
    "discount": "float",
    "newsletter": "bool",
    "last_visit": "datetime",
    "last_ip": "ip",
    "level": {"type": "enum", "options": list(_LEVELS)},
}
#: As in databases.json: both together declare fields of every type.
DATABASES: list[Entry] = [
    {"id": MAIN, "name": "Main", "fields": _PERSON | _IN_MAIN},
    {"id": CLUB, "name": "Club", "fields": _PERSON | _IN_CLUB},
]

# Faker's own names of time zones are translated in some locales.
_TIME_ZONES = ("Europe/Moscow", "Europe/Samara", "Europe/London", "Asia/Novosibirsk", "Asia/Almaty")
#: What the resource 1 has for mobile SDKs.
SDK_MEMBERS: Entry = {
    "role_tokens": [
        {"token": "fake-role-main", "name": "Staging app", "db_id": MAIN},
        {"token": "fake-role-club", "name": "Staging app of the club", "db_id": CLUB},
    ],
    "categories": [
        {"name": "news", "title": "News"},
        {"name": "offers", "title": "Special offers"},
        {"name": "service", "title": "Service messages", "steady": True},
    ],
    "subscription_fields": {"points": "int", "level": {"type": "enum", "options": list(_LEVELS)}},
}
_SYSTEMS = {"ios": ("iOS", ("16.7", "17.5", "18.1")), "android": ("Android", ("12", "13", "14", "15"))}
_VENDORS = {
    "ios": ("Apple",),
    "huawei": ("HUAWEI", "HONOR"),
    "android": ("Samsung", "Xiaomi", "realme", "Google", "OPPO", "HONOR"),
}
# Addresses that are reserved for documentation.
_ADDRESSES = ("192.0.2.1##", "198.51.100.1##", "203.0.113.1##")


class PushProfiles(PushTokens):
    """Profiles and their parts: ``faker.add_provider(PushProfiles)``, ``faker.push_profile()``.

    ``number`` is CustomNumber1 and ``registered`` a second since 1970; what is not given is made up. Names
    and phones are those of the generator's locale.
    """

    def push_profile(
        self,
        db_id: int = MAIN,
        number: int | None = None,
        registered: int | None = None,
        subscriptions: Sequence[Entry] = (),
    ) -> Entry:
        """A profile of one of DATABASES, as in profiles.json."""
        registered = registered or self.random_int(FIRST_SECOND, LAST_SECOND)
        fields = self.customer(number, registered)
        platform = subscriptions[0]["provider"] if subscriptions else ""
        if vendors := next((names for name, names in _VENDORS.items() if name in platform), None):
            fields["_vendor"] = self.random_element(vendors)
        if db_id == MAIN:
            fields |= {
                "_regip": self._address(),
                "balance": self.random_int(0, 5_000_000) / 100,
                "vip": self.generator.boolean(5),
                "tier": self.random_element(_TIERS),
            }
        else:
            fields |= {
                "card": f"C{fields['CustomNumber1']:010d}",
                "points": self.random_int(0, 20_000),
                "discount": self.random_int(0, 60) / 4,
                "newsletter": self.generator.boolean(40),
                "last_visit": iso_second(self.random_int(registered, LAST_SECOND)) + "Z",
                "last_ip": self._address(),
                "level": self.random_element(_LEVELS),
            }
        profile_id = self.object_id(registered)
        return {"id": profile_id, "db_id": db_id, "fields": fields, "subscriptions": list(subscriptions)}

    def push_subscription(
        self, resource_id: int = 1, provider: str | None = None, active: bool | None = None
    ) -> Entry:
        """A subscription, as in profiles.json; most are active, some of mobile apps suspended.

        Those of the resource 1 in mobile apps have fields and categories, unless ``active`` is given.
        """
        provider = provider or self.push_provider()
        chosen = self.generator.boolean(88) if active is None else active
        entry: Entry = {
            "resource_id": resource_id,
            "provider": provider,
            "subscription_id": self.push_token(provider),
            "status": "subscribed" if chosen else "unsubscribed",
        }
        if active is None and resource_id == 1 and provider in SDK_PROVIDERS:
            if not chosen and self.generator.boolean(40):
                entry["status"] = "suspended"
            entry |= self._from_sdk(provider)
        return entry

    def _from_sdk(self, provider: str) -> Entry:
        """The fields and categories that an SDK reports."""
        system, versions = _SYSTEMS[provider.partition("-")[0]]
        version = self.random_element(versions)
        fields: Entry = {
            "_os": system,
            "_os_ver": {"raw": version, "ver": [int(part) for part in version.split(".")]},
            "_os_language": self.random_element(("ru", "en")),
            "_ad_track": self.generator.boolean(30),
            "points": self.random_int(0, 20_000),
        }
        wanted = ("news", 70), ("offers", 40), ("service", 100)
        return {
            "fields": fields,
            "cats": [{"name": name, "active": self.generator.boolean(chance)} for name, chance in wanted],
        }

    def customer(self, number: int | None = None, registered: int | None = None) -> Entry:
        """The fields that say who somebody is; a tenth have no phone, a seventh no birthday."""
        make = self.generator
        number = self.random_int(100_001, 999_999) if number is None else number
        sex, first, last = self.random_element(
            (
                ("male", make.first_name_male, make.last_name_male),
                ("female", make.first_name_female, make.last_name_female),
            )
        )
        fields = {
            "CustomNumber1": number,
            "_fname": first(),
            "_lname": last(),
            "_sex": sex,
            "_regdate": iso_second(registered or self.random_int(FIRST_SECOND, LAST_SECOND)) + "Z",
            "_tz": self.random_element(_TIME_ZONES),
        }
        name = f"{_latin(fields['_fname'])}.{_latin(fields['_lname'])}.{number}"
        fields["email"] = f"{name}@{make.safe_domain_name()}"
        if make.boolean(90):
            fields["phones"] = self._phone()
        if make.boolean(85):
            fields["_bdate"] = (date(1945, 1, 1) + timedelta(self.random_int(0, 22_600))).isoformat()
        return fields

    def object_id(self, second: int) -> str:
        """An id as MongoDB would have made it in that second: 24 hex digits."""
        return f"{second:08x}{self._bytes(8).hex()}"

    def _phone(self) -> str:
        # Some locales have no phones, short service numbers among them, or numerals of their own.
        phone = unidecode(self.generator.phone_number()) if hasattr(self.generator, "phone_number") else ""
        return phone if sum(map(str.isdigit, phone)) >= 7 else self.numerify("+99# ### ### ####")

    def _address(self) -> str:
        return self.numerify(self.random_element(_ADDRESSES))


@lru_cache(maxsize=10_000)
def _latin(name: str) -> str:
    return "".join(c for c in unidecode(name).lower() if c.isalnum()) or "user"
