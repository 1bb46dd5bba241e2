"""One request in the journal: as it is kept, as searches read it, as it is shown."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from math import isfinite
from typing import Any, Generic, TypeVar

import msgspec

from emulator.journal.spelling import folded
from emulator.messages import read_query
from emulator.rules.model import Changes, Decided, Lint
from emulator.timestamps import iso
from push_emulator.answers import Spoil
from push_emulator.journal_answers import Outcome

#: The outcomes of a request, in the order in which the console offers them as filters.
OUTCOMES: tuple[Outcome, ...] = ("added", "changed", "unchanged", "refused", "fault")
#: What a fault can do to the connection or to the answer's body, each with its word in a token.
SPOIL_WORDS: dict[Spoil, str] = {
    "connection_reset": "reset",
    "empty_response": "empty",
    "truncated_body": "truncated",
    "malformed_json": "malformed",
    "slow_body": "slow",
}
#: All that a search for effects can name.
EFFECTS = (*SPOIL_WORDS.values(), "delay", "error", *SPOIL_WORDS)
_HEAVIEST_FIRST: tuple[Outcome, ...] = ("refused", "changed", "added")
#: The most levels of a client's value that are shown.
_SHOWN_DEPTH = 32


class Entry(msgspec.Struct, array_like=True, gc=False):
    """One call of the endpoint, as it came and as it was answered.

    ``body_bytes`` is what came, ``answer_bytes`` what was sent, empty where nothing was; ``resource`` the
    name of the resource that the token found; ``duration_ms`` the work's time, without a fault's delay;
    ``fault`` the id of the fault, or the ``emu!`` token, that was applied, ``effect`` what it did to the
    connection or the answer's body, ``delay_ms`` how long it held the answer back; ``outcomes`` one word for
    each subscription in each database: added, changed, unchanged, refused. Of very many decisions, outcomes
    and changes, and of a very long answer, only the first are kept (:mod:`emulator.journal.journal`).
    """

    id: int
    at_ms: int
    method: str
    path: str
    query: str
    client: str
    headers: dict[str, str]
    body_bytes: bytes
    status: int
    error: int
    error_text: str
    answer_bytes: bytes
    duration_ms: float
    decided: list[Decided] = []
    lints: list[Lint] = []
    outcomes: list[str] = []
    changes: Changes | None = None
    resource_id: int | None = None
    resource: str | None = None
    fault: str | None = None
    effect: Spoil | None = None
    delay_ms: int = 0

    @property
    def time(self) -> str:
        """The time of the request, ISO 8601 in UTC."""
        return iso(self.at_ms)

    @property
    def never_answered(self) -> bool:
        """Whether a fault broke the connection instead of sending the answer."""
        return self.effect in ("connection_reset", "empty_response")

    @property
    def answered_by_fault(self) -> bool:
        """Whether a fault gave another error than the rules did."""
        said = next((one.parameters[0] for one in self.decided if one.code == "error"), self.error)
        return self.fault is not None and (not self.decided or str(said) != str(self.error))

    @property
    def effects(self) -> list[str]:
        """What went out for a fault, of :data:`EFFECTS`; empty without one."""
        if self.fault is None:
            return []
        found = [self.effect, SPOIL_WORDS[self.effect]] if self.effect else []
        found += ["delay"] if self.delay_ms else []
        return found if self.effect or (found and not self.answered_by_fault) else [*found, "error"]

    @property
    def body(self) -> str:
        """The body as text, undecodable bytes replaced."""
        return self.body_bytes.decode("utf-8", "replace")

    @property
    def answer(self) -> str:
        """The answer's body as text."""
        return self.answer_bytes.decode("utf-8", "replace")

    @property
    def request_id(self) -> str | None:
        """The client's Request-ID, from its headers with lower-case names."""
        return self.headers.get("request-id") or self.headers.get("x-request-id")

    def document(self) -> dict[str, Any]:
        """The body as a JSON object; ``{}`` if it is none."""
        return _object(self.body_bytes)

    def sent(self) -> list[dict[str, Any]]:
        """The subscriptions that it names, as the endpoint's requests write them; ``{}`` for no object.

        A call of a mobile SDK names one, an update of a token the old and the new, a status in the query.
        """
        document = self.document() if self.body_bytes else read_query(self.query)
        one, several = document.get("subscription"), document.get("subscriptions")
        if isinstance(one, dict):
            return [{**one, "unsubscribe": one.get("status") == "unsubscribed"}]
        if "new_token" in document:
            ages = [age for age in ("old", "new") if document.get(f"{age}_token")]
            return [
                {"provider": document.get(f"{age}_provider"), "subscription_id": document[f"{age}_token"]}
                for age in ages
            ]
        if not self.body_bytes and "subscription_id" in document:
            return [document]
        return [one if isinstance(one, dict) else {} for one in several] if isinstance(several, list) else []

    def sent_tokens(self) -> list[tuple[str, str]]:
        """Provider and push token of each subscription that it names, as text."""
        return [
            (short_text(one.get("provider")), short_text(one.get("subscription_id"))) for one in self.sent()
        ]

    def answered(self) -> dict[str, Any]:
        """The answer as a JSON object; ``{}`` if it is none."""
        return _object(self.answer_bytes)

    def items(self) -> list[dict[str, Any]]:
        """The answer's items; of an SDK's call what it changed, else the profile that it answered."""
        answered = self.answered()
        data, profile = answered.get("data"), answered.get("profile")
        if isinstance(data, list):
            return [{**one, "item_status": one.get("status")} for one in data if isinstance(one, dict)]
        changes = self.changes or Changes()
        changed = [*changes.subscriptions, *(one for moved in changes.moved for one in moved)]
        found = [_item(one.db_id, one.profile_id, msgspec.structs.asdict(one)) for one in changed]
        found += [_item(one.db_id, one.id, {}) for one in changes.changed_profiles]
        if isinstance(profile, dict):
            db_id = next((one.db_id for one in self.decided if one.db_id is not None), None)
            found.append(_item(db_id, profile.get("id"), profile.get("subscription") or {}))
        return found


E = TypeVar("E", bound=msgspec.Struct)


class Packed(Generic[E]):
    """What a journal keeps, as searches read it: it is decoded on its first use.

    ``packed``: the bytes that the journal keeps; ``entry``: the same unpacked, if it is at hand. A subclass
    says what decodes it. ``body``: the bytes that hold what the client sent.
    """

    decode: Callable[[bytes], Any]

    def __init__(self, entry_id: int, packed: bytes, entry: E | None = None) -> None:
        self.id = entry_id
        self.packed = self.body = packed
        if entry is not None:
            self.entry = entry

    @property
    def escapes(self) -> bool:
        """Whether ``body`` may lack a text that the client sent."""
        return True

    @cached_property
    def entry(self) -> E:
        """The entry itself."""
        found: E = self.decode(self.packed)
        return found

    @cached_property
    def folded(self) -> str:
        """The case-folded text that words are searched in."""
        raise NotImplementedError


class Reading(Packed[Entry]):
    """A request as searches read it: each part is decoded on its first use.

    ``body`` (where there is none, the query) and ``answer`` hold those bytes, with others around them unless
    the entry is at hand.
    """

    decode = staticmethod(msgspec.msgpack.Decoder(Entry).decode)

    def __init__(self, entry_id: int, packed: bytes, entry: Entry | None = None) -> None:
        super().__init__(entry_id, packed, entry)
        self.answer = packed
        if entry is not None:
            self.body, self.answer = entry.body_bytes or entry.query.encode(), entry.answer_bytes

    @property
    def escapes(self) -> bool:
        """Whether body or query escape ASCII characters: their bytes may then lack a text that they have."""
        body = self.body  # to look for one byte first takes half as long, and nearly all have none
        return (b"\\" in body and rb"\u00" in body) or (b"=" in body and b"subscription_id=" in body)

    @cached_property
    def document(self) -> dict[str, Any]:
        """The body as a JSON object; ``{}`` if it is none."""
        return self.entry.document()

    @cached_property
    def folded(self) -> str:
        """The text that words are searched in: body, answer, path and query, in each of their meanings, the
        resource's name, headers; case-folded."""
        entry = self.entry
        texts = [entry.answer, entry.path, entry.query, entry.resource or "", *entry.headers]
        # Each by itself, for the body alone is often not ASCII, and ASCII is fast.
        return "\n".join((folded(entry.body), folded("\n".join((*texts, *entry.headers.values())))))


def _item(db_id: int | None, profile_id: Any, subscription: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "db_id": db_id,
        "profile_id": profile_id,
        "provider": subscription.get("provider"),
        "subscription_id": subscription.get("subscription_id"),
        "subscription_hash_id": subscription.get("hash_id"),
    }


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        try:  # msgspec refuses some numbers, surrogates and bytes that are read here
            value = json.loads(text.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def short_text(value: Any) -> str:
    """A value that a client sent as text: empty for null, cut if it is no text and long."""
    return value if isinstance(value, str) else "" if value is None else repr(value)[:200]


def showable(value: Any, depth: int = 0) -> Any:
    """A value that a client sent, in a form that can be written as JSON.

    Numbers beyond 64 bits, ``NaN`` and ``Infinity`` become text, lone surrogates become question marks, and
    values nested too deeply become an ellipsis.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    if isinstance(value, float) and not isfinite(value):
        return json.dumps(value)
    if isinstance(value, (dict, list)) and depth >= _SHOWN_DEPTH:
        return "…"
    if isinstance(value, dict):
        return {str(showable(key)): showable(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [showable(inner, depth + 1) for inner in value]
    return value


def outcome_word(entry: Entry) -> Outcome:
    """The outcome of a whole request: fault, refused, changed, added or unchanged."""
    return word_of(bool(entry.fault), entry.error, entry.outcomes)


def word_of(faulty: bool, error: int, outcomes: Sequence[str]) -> Outcome:
    """:func:`outcome_word` for what is no entry yet."""
    if faulty:
        return "fault"
    if error not in (0, 200):
        return "refused"
    for word in _HEAVIEST_FIRST:
        if word in outcomes:
            return word
    return "unchanged"
