"""What can be taken from a request: a command that repeats it, a fixture of its profiles, a fault's match."""

import json
import re
import shlex
from typing import Any

from msgspec import Struct, convert, to_builtins

from emulator.journal.entry import Entry
from emulator.loop.pacing import paced
from emulator.rules.model import Profile
from emulator.store.fixture_set import ProfileEntry, SubscriptionEntry
from emulator.store.tinydb_store import TinyDBStore

#: Headers that a client makes itself.
_OWN = frozenset(
    [
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "upgrade"),
        *("expect", "accept", "accept-encoding", "accept-language", "user-agent", "origin", "referer"),
        "cookie",
    ]
)
#: What curl expands in an address.
_PATTERN = re.compile(r"[][{}]")
#: Bytes that a shell can surely give to a program in one argument; more than some curls send without
#: ``Expect``.
_LONGEST_ARGUMENT, _EXPECTS = 100_000, 1024


def curl_of(entry: Entry, base_url: str) -> str:
    """The curl command that sends the same again; ``base_url``: without a workspace, which the path has.

    It reads no file, expands no pattern and adds no header that the request lacked. A body that a shell
    cannot take as it is comes through a pipe.
    """
    url = base_url.rstrip("/") + entry.path + (f"?{entry.query}" if entry.query else "")
    body = entry.body_bytes
    options = "-i" + (" -g" if _PATTERN.search(url) else "")
    if entry.method == "HEAD" and not body:
        options += " -I"
    elif entry.method != ("POST" if body else "GET"):
        options += f" -X {shlex.quote(entry.method)}"
    parts = [f"curl {options} {shlex.quote(url)}"]
    parts += [f"-H {shlex.quote(header)}" for header in _headers(entry)]
    piped = ""
    if body:
        text = body.decode("utf-8", "surrogateescape")
        if len(body) <= _LONGEST_ARGUMENT and all(one.isprintable() or one in "\n\t" for one in text):
            parts.append(f"--data-raw {shlex.quote(text)}")
        else:
            piped = f"printf {shlex.quote(_printf(text))} |\n"
            parts.append("--data-binary @-")
    return piped + " \\\n  ".join(parts)


def sent_headers(entry: Entry) -> list[tuple[str, str]]:
    """The headers that belong to the request, not to the client that sent it."""
    return [one for one in entry.headers.items() if one[0] not in _OWN and not one[0].startswith("sec-")]


def _headers(entry: Entry) -> list[str]:
    """Headers as curl's ``-H`` takes them: ``name;`` is empty, ``name:`` keeps curl from adding its own."""
    sent = [f"{name}: {value}" if value else f"{name};" for name, value in sent_headers(entry)]
    added = ["accept", "user-agent"]
    if entry.body_bytes:
        added += ["content-type"] + ["expect"] * (len(entry.body_bytes) > _EXPECTS)
    return sent + [f"{name}:" for name in added if name not in entry.headers]


def _printf(text: str) -> str:
    """The format with which ``printf`` writes a text, and bytes that are none, in any shell."""
    escaped = text.replace("\\", "\\\\").replace("%", "%%")
    written = "".join(one if one.isprintable() or one == "\n" else _octal(one) for one in escaped)
    return _octal("-") + written[1:] if written.startswith("-") else written


def _octal(character: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))


async def fixture_of(entry: Entry, store: TinyDBStore, most: int | None = None) -> str | None:
    """The profiles that the answer names, as a ``profiles.json``: as they are now; in steps.

    ``None`` if none is there; empty if they have more than ``most`` subscriptions.
    """
    profiles = _profiles_of(entry, store)
    if most is not None and sum(store.owned_page(one, 0, 0)[1] for one in profiles) > most:
        return ""
    entries: list[dict[str, Any]] = []
    for profile in profiles:
        own = [_plain(one, SubscriptionEntry) async for one in paced(store.owned(profile))]
        entries.append({**_plain(profile, ProfileEntry), "subscriptions": own})
    written = json.JSONEncoder(ensure_ascii=False, indent=2).iterencode(entries)
    return "".join([one async for one in paced(written)]) if entries else None


def _plain(record: Struct, shape: type[Struct]) -> Any:
    return to_builtins(convert(record, shape, from_attributes=True))


def _profiles_of(entry: Entry, store: TinyDBStore) -> list[Profile]:
    """The profiles that the answer names, of those that are there."""
    named = set()
    for item in entry.answered().get("data") or ():
        match item:
            case {"db_id": int(db_id), "profile_id": str(profile_id)}:
                named.add((db_id, profile_id))
    return [one for one in (store.find_profile(*key) for key in sorted(named)) if one is not None]


def likenesses(entry: Entry) -> dict[str, dict[str, Any]]:
    """What a later request can have in common with this one, the closest first: the ``match`` of a fault."""
    document = entry.document()
    sent = document.get("subscriptions")
    first = next((one for one in sent if isinstance(one, dict)), {}) if isinstance(sent, list) else {}
    value = document.get("field_value")
    found: dict[str, dict[str, Any]] = {
        "token": {"subscription_id": _text(first.get("subscription_id"))},
        "value": {"field_value": value if isinstance(value, (str, int, float)) else None},
        "provider": {"provider": _text(first.get("provider"))},
        "resource": {"resource_token": _text(document.get("resource_token")) if entry.resource else None},
    }
    offered = {name: match for name, match in found.items() if None not in match.values()}
    return {**offered, "any": {}}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
