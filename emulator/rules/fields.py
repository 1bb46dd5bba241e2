"""Custom fields: converts a value to the field's type (M5). Converted values can be compared."""

import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timezone
from functools import lru_cache

from emulator.rules.model import (
    INT64_MAX,
    INT64_MIN,
    FieldKind,
    FieldType,
    FieldValue,
    Resource,
    SubscriptionValue,
    VersionValue,
    shortened,
)
from emulator.rules.texts import Message, message

FIELD_KINDS: tuple[FieldKind, ...] = ("int", "float", "string", "bool", "date", "datetime", "ip", "enum")

#: The fields that the SDKs add to a subscription by themselves: every resource declares them.
SDK_FIELDS: Mapping[str, FieldType] = {
    **dict.fromkeys(
        (
            "_os",
            "_os_tz",
            "_os_language",
            "_device_type",
            "_device_model",
            "_device_name",
            "_ad_id",
            "_app_id",
            "_app_iid",
            "_app_ver",
        ),
        FieldType("string"),
    ),
    "_os_ver": FieldType("version"),
    "_ad_track": FieldType("bool"),
}

#: Which JSON types need no conversion, for lint L7.
_OWN_TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "float": (float, int), "bool": (bool,)}

_BOOLS, _NUMBERS = (FieldType("bool"),), (FieldType("int"), FieldType("float"))

_INT = re.compile(r"[+-]?[0-9]{1,19}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_VERSION = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})*")
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}"
    r"(:[0-9]{2}(\.[0-9]{3}([0-9]{3})?)?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
#: The most characters of a number, a time or an address; real ones are far shorter.
_MOST_CHARACTERS = 400
#: The most options of an enum that an error text names.
_MOST_OPTIONS = 50


class InvalidFieldValue(ValueError):
    """The value cannot be read as the field's type: what is ``wanted``, and of an enum the ``options``."""

    def __init__(self, wanted: str, options: str = "") -> None:
        super().__init__(wanted + options)
        self.wanted = wanted
        self.options = options

    @property
    def what(self) -> Message:
        """What the value must be."""
        return message("one of %(options)s", options=self.options) if self.options else Message(self.wanted)


def read_value(field_type: FieldType, value: FieldValue) -> FieldValue:
    """The value in the field's own form: ``"123"`` is 123 for an int field, true never is 1.

    Raises :class:`InvalidFieldValue`.
    """
    return _READERS[field_type.kind](value, field_type)


def subscription_fields(resource: Resource) -> Mapping[str, FieldType]:
    """The fields of the resource's subscriptions: the SDKs' and its own."""
    return {**SDK_FIELDS, **resource.subscription_fields} if resource.subscription_fields else SDK_FIELDS


def read_subscription_value(field_type: FieldType, value: SubscriptionValue) -> SubscriptionValue:
    """The value of a subscription's field in the field's own form.

    A version is any text, a number, or as it is stored. Raises :class:`InvalidFieldValue`.
    """
    if field_type.kind != "version":
        if isinstance(value, VersionValue):
            raise InvalidFieldValue("a string, a number, true or false")
        return read_value(field_type, value)
    raw = value.raw if isinstance(value, VersionValue) else value
    text = raw if isinstance(raw, str) else repr(raw)
    if isinstance(raw, bool) or len(text) > _MOST_CHARACTERS:
        raise InvalidFieldValue(f"a version as 14.2.1, of at most {_MOST_CHARACTERS} characters")
    read = _read_version(text)
    if isinstance(value, VersionValue) and value != read:
        raise InvalidFieldValue(f"a version whose ver is {read.ver}")
    return read


@lru_cache(maxsize=512)
def _read_version(text: str) -> VersionValue:
    found = _VERSION.match(text)  # "15-beta" is 15; "Tiramisu" has no number
    return VersionValue(text, [int(part) for part in found[0].split(".")] if found else [])


def json_type_differs(field_type: FieldType, value: FieldValue) -> bool:
    """Whether the value came in another JSON type than the field's (L7)."""
    own = _OWN_TYPES.get(field_type.kind, (str,))
    return not isinstance(value, own) or (isinstance(value, bool) and bool not in own)


def same_value(one: FieldValue, other: FieldValue) -> bool:
    """Whether two values are equal, judged by their JSON types alone (M5).

    With a boolean both are read as booleans, with a number as numbers: 123 is ``"123"``, true is ``"true"``
    and never 1. Two strings must be equal.
    """
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    for field_type in _BOOLS if isinstance(one, bool) or isinstance(other, bool) else _NUMBERS:
        try:
            return read_value(field_type, one) == read_value(field_type, other)
        except InvalidFieldValue:
            continue
    return False


def _read_int(value: FieldValue, _: FieldType) -> int:
    number: int | None = None
    if isinstance(value, str):
        number = int(value) if _INT.fullmatch(value) else None
    elif isinstance(value, float):
        number = int(value) if value.is_integer() else None
    elif not isinstance(value, bool):
        number = value
    if number is None or not INT64_MIN <= number <= INT64_MAX:
        raise InvalidFieldValue("an integer of 64 bits")
    return number


def _read_float(value: FieldValue, _: FieldType) -> float:
    text = value if isinstance(value, str) else "0"
    if isinstance(value, bool) or len(text) > _MOST_CHARACTERS or not _FLOAT.fullmatch(text):
        raise InvalidFieldValue("a number")
    number = float(value)
    if not math.isfinite(number):
        raise InvalidFieldValue("a finite number")
    return number + 0.0  # -0.0 and 0.0 are one value


def _read_string(value: FieldValue, _: FieldType) -> str:
    if isinstance(value, bool):
        raise InvalidFieldValue("a string")
    return value if isinstance(value, str) else repr(value)


def _read_bool(value: FieldValue, _: FieldType) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise InvalidFieldValue("true or false")


def _read_date(value: FieldValue, _: FieldType) -> str:
    try:
        return date.fromisoformat(_text(value, _DATE)).isoformat()
    except ValueError as error:
        raise InvalidFieldValue("a date as YYYY-MM-DD") from error


def _read_datetime(value: FieldValue, _: FieldType) -> str:
    try:
        moment = datetime.fromisoformat(_text(value, _DATETIME).replace("Z", "+00:00"))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError) as error:
        raise InvalidFieldValue("a time as YYYY-MM-DDTHH:MM:SSZ") from error


def _read_ip(value: FieldValue, _: FieldType) -> str:
    try:
        return str(ipaddress.ip_address(_text(value)))
    except ValueError as error:
        raise InvalidFieldValue("an IP address") from error


def _read_enum(value: FieldValue, field_type: FieldType) -> str:
    if isinstance(value, str) and value in field_type.options:
        return value
    more = ["…"] if len(field_type.options) > _MOST_OPTIONS else []
    options = [*map(shortened, field_type.options[:_MOST_OPTIONS]), *more]
    raise InvalidFieldValue("one of ", ", ".join(options))


def _text(value: FieldValue, form: re.Pattern[str] | None = None) -> str:
    if isinstance(value, str) and len(value) <= _MOST_CHARACTERS and (form is None or form.fullmatch(value)):
        return value
    raise ValueError


_READERS: dict[str, Callable[[FieldValue, FieldType], FieldValue]] = {
    "int": _read_int,
    "float": _read_float,
    "string": _read_string,
    "bool": _read_bool,
    "date": _read_date,
    "datetime": _read_datetime,
    "ip": _read_ip,
    "enum": _read_enum,
}
