"""The columns of a file: found by the name in a plan, and guessed from headers and values."""

import re
from collections.abc import Callable, Iterable, Sequence

from emulator.importer.layout import Layout
from emulator.importer.problem import refused
from emulator.rules.lints import nearest_name
from emulator.rules.model import STATUSES, Status
from emulator.rules.providers import token_complaint
from push_emulator.workspace_answers import Column, Guess

#: The share of a column's values that must look alike.
_MOST = 0.6
_OBJECT_ID = re.compile(r"[0-9A-Fa-f]{24}")
_OPAQUE = re.compile(r"[0-9A-Za-z_:.\-/+=]{32,}")
#: Providers whose tokens have an unmistakable form.
_TELLING = ("android-firebase", "ios-apns", "yandex-Appmetrica-google-aid")
_TOKEN_NAMES = {"token", "pushtoken", "devicetoken", "registrationtoken", "registrationid", "fcmtoken"}
_TOKEN_NAMES |= {"apnstoken", "subscriptionid", "subscription", "push", "токен", "пуштокен"}
_ID_NAMES = {"id", "profileid", "profile", "objectid", "userprofileid", "ид", "идпрофиля", "профиль"}
_STATUS_WORDS: dict[str, Status] = {"": "subscribed", **{status: status for status in STATUSES}}


def column_index(layout: Layout, path: str, named: str) -> int:
    """The index of the column that the plan's ``path`` names by header, or by number as ``#N``.

    Headers are compared without the spaces around them.
    Raises :class:`~emulator.importer.problem.ImportRefused`, which names the columns of the file.
    """
    names, width = layout.names, layout.width
    if named.startswith("#") and named[1:].isdecimal() and named not in (names or ()):
        number = int(named[1:]) if len(named) < 20 else 0  # Python converts no thousands of digits
        if 1 <= number <= width:
            return number - 1
        raise refused(path, "no_number", named=named, width=width)
    if names is None:
        raise refused(path, "no_header", named=named, width=width)
    found = [index for index, name in enumerate(names) if name == named.strip()]
    if len(found) == 1:
        return found[0]
    if found:
        numbers = ", ".join(f"#{index + 1}" for index in found)
        raise refused(path, "several_columns", named=named, numbers=numbers)
    if nearest := nearest_name(named, names):
        raise refused(path, "misspelt_column", named=named, nearest=nearest)
    shown = ", ".join([f'"{name}"' for name in names[:20]] + ["…"] * (len(names) > 20))
    raise refused(path, "no_column", named=named, shown=shown)


def read_status(cell: str) -> Status | None:
    """The status that a cell names, in any case; blank means subscribed. ``None``: it names none."""
    return _STATUS_WORDS.get(cell) or _STATUS_WORDS.get(cell.strip().lower())


def describe_columns(layout: Layout, fields: Iterable[str], provider: str | None = None) -> list[Column]:
    """Every column and what it looks like. ``fields``: the declared fields of the resource's databases."""
    by_name = {_plain(field): field for field in fields}
    columns = []
    for index in range(layout.width):
        name = layout.names[index] if layout.names else None
        alone = name and layout.names and layout.names.count(name) == 1
        reference = name if name and alone else f"#{index + 1}"
        values = [row[index] for row in layout.sample if row[index]]
        looks = _looks(name or "", values, by_name, provider)
        columns.append(Column(index + 1, name, reference, values[0] if values else "", looks))
    return columns


def guess(columns: Sequence[Column]) -> Guess:
    """The plan that the columns suggest: an id beats a field, a field beats the push token alone."""
    token = next((one.column for one in columns if one.looks == "token"), None)
    status = next((one.column for one in columns if one.looks == "status"), None)
    if token is None:
        return Guess(None, None, status)
    matches = [f"id:{one.column}" for one in columns if one.looks == "id"]
    matches += [f"{one.looks}={one.column}" for one in columns if one.looks.startswith("field:")]
    return Guess(token, [*matches, "push"][0], status)


def _looks(name: str, values: list[str], fields: dict[str, str], provider: str | None) -> str:
    if name == "status" and values and all(map(read_status, values)):
        return "status"
    plain = _plain(name)
    if _share(values, lambda value: _OBJECT_ID.fullmatch(value) is not None) >= _MOST:
        return "id"
    if plain in fields:
        return f"field:{fields[plain]}"
    if _share(values, lambda value: _is_token(value, provider)) >= _MOST or plain in _TOKEN_NAMES:
        return "token"
    return "id" if plain in _ID_NAMES else ""


def _is_token(value: str, provider: str | None) -> bool:
    if _OPAQUE.fullmatch(value) and not value.isdecimal():
        return True
    return any(token_complaint(one, value) is None for one in _TELLING) or (
        provider is not None and len(value) > 16 and token_complaint(provider, value) is None
    )


def _share(values: Sequence[str], test: Callable[[str], bool]) -> float:
    return sum(map(test, values)) / len(values) if values else 0.0


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()
