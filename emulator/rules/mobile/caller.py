"""Who calls: a role token of a database, or the claim of a JWT (T1–T6)."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from emulator.rules.errors import Unauthorized
from emulator.rules.interfaces import Clock, MobileLookup
from emulator.rules.model import INT64_MAX, INT64_MIN, FieldValue, Lint, Resource, shortened
from emulator.rules.request import MAX_ID_LENGTH, is_profile_id

ROLE_TOKEN = "rtoken@"
#: The members that each mode needs, email_phone one of them; push_sub may take those of the call itself.
MODES: dict[str, tuple[str, ...]] = {
    "push_sub": (),
    "profile_id": ("profile_id",),
    "email": ("email",),
    "email_profile": ("email",),
    "phone": ("phone",),
    "email_phone": ("email", "phone"),
    "custom": ("field_name", "field_value"),
}
_PAIR = ("provider", "subscription_id")


class Claim(Struct, frozen=True):
    """The claim of a JWT (T2). ``mode``: one of :data:`MODES`; ``values``: the given members."""

    db_id: int
    mode: str
    values: Mapping[str, FieldValue]
    said_mode: str


class Caller(Struct, frozen=True):
    """Who calls: the resource, the database, and the claim (``None``: by role token, push data only)."""

    resource: Resource
    db_id: int
    claim: Claim | None = None

    @property
    def mode(self) -> str:
        """The matching mode, one of :data:`MODES`."""
        return "push_sub" if self.claim is None else self.claim.mode


def by_role_token(token: str, lookup: MobileLookup, clock: Clock) -> Caller:
    """The caller with a role token (T1). Raises :class:`Unauthorized` (T5)."""
    found = lookup.find_role_token(token)
    if found is None:  # T5
        raise Unauthorized(f'Authorization: unknown role token "{shortened(token)}"', "T5")
    resource, role = found
    if role.expires is not None and role.expires <= clock.timestamp():  # T5
        raise Unauthorized(f'Authorization: the role token "{role.name}" expired at {role.expires}', "T5")
    return Caller(resource, role.db_id)


def read_claim(claim: Any) -> Claim:
    """The checked claim of a JWT, a JSON object (T2): what its mode does not need is not looked at.

    Raises :class:`Unauthorized` (T5).
    """
    if not isinstance(claim, dict):
        raise _unreadable("matching", "must be a JSON object, or one as text")
    mode = claim.get("matching")
    if not isinstance(mode, str) or not mode:
        raise _unreadable("matching.matching", "is required: the matching mode")
    known = mode if mode in MODES else mode.removesuffix("_sub")  # T6
    if known not in MODES:
        wanted = ", ".join(MODES)
        raise _unreadable("matching.matching", f'unknown mode "{shortened(mode)}"; there are {wanted}')
    needed = MODES[known]
    values: dict[str, FieldValue] = {}
    for name in needed or _PAIR:
        value = claim.get(name)
        if value is not None and (value != "" or name == "field_value"):
            values[name] = _read_member(name, value)
    missing = [name for name in needed if name not in values]
    if missing and (known != "email_phone" or len(missing) == len(needed)):
        raise _unreadable(f"matching.{missing[0]}", f'is required with matching "{shortened(mode)}"')
    return Claim(_read_db_id(claim.get("db_id")), known, values, mode)


def mode_lint(caller: Caller, query_mode: str | None, role_token: str | None) -> Lint | None:
    """A lint for a matching_mode in the query that is not the caller's (T3); the claim's counts."""
    said = "push_sub" if caller.claim is None else caller.claim.said_mode
    if not query_mode or query_mode in (said, role_token):
        return None
    return Lint("T3", "matching_mode", "other_mode", (shortened(query_mode), shortened(said)))


def _read_db_id(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not INT64_MIN <= value <= INT64_MAX:
        raise _unreadable("matching.db_id", "is required: the id of a database, a number")
    return value


def _read_member(name: str, value: Any) -> FieldValue:
    wanted = "must be a string"
    if name == "field_value":
        wanted = "must be a string, a number, true or false"
        good = isinstance(value, (str, int, float))
    elif name == "profile_id":
        wanted = f"must be at most {MAX_ID_LENGTH} printable characters"
        if isinstance(value, int) and not isinstance(value, bool) and INT64_MIN <= value <= INT64_MAX:
            value = str(value)
        good = isinstance(value, str) and is_profile_id(value)
    else:
        good = isinstance(value, str)
    if not good:
        raise _unreadable(f"matching.{name}", wanted)
    found: FieldValue = value
    return found


def _unreadable(path: str, text: str) -> Unauthorized:
    return Unauthorized(f"Authorization: the JWT's {path}: {text}", "T5")
