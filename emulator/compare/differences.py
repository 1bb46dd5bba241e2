"""Two answers to one request, member by member."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from emulator.compare.recorded import RecordedCall
from emulator.rules.texts import Text, message

#: The members of an item that hold an id.
ID_MEMBERS = ("profile_id", "subscription_hash_id", "db_id", "resource_id")


class Pairs:
    """The ids of one kind, each on the platform's side with the one on the emulator's side."""

    def __init__(self) -> None:
        self._here: dict[Hashable, Hashable] = {}
        self._there: dict[Hashable, Hashable] = {}

    def knows(self, there: Any) -> bool:
        """Whether one of the platform's ids has been met."""
        return isinstance(there, Hashable) and there in self._here

    def here(self, there: Any) -> Any:
        """The emulator's id for one of the platform's; the same where it is unknown."""
        return self._here.get(there, there) if isinstance(there, Hashable) else there

    def same(self, there: Any, here: Any) -> bool:
        """Whether two ids can be the same one: both are new, or each is the other's."""
        if type(there) is not type(here) or not isinstance(there, Hashable):
            return bool(there == here)
        if there not in self._here and here not in self._there:
            return True
        return self._here.get(there) == here and self._there.get(here) == there

    def join(self, there: Any, here: Any) -> None:
        """Pair two ids; earlier pairs of either are dropped."""
        if not isinstance(there, Hashable) or not isinstance(here, Hashable):
            return
        self._there.pop(self._here.get(there), None)
        self._here.pop(self._there.get(here), None)
        self._here[there], self._there[here] = here, there


#: The pairs of every kind of id that an item holds, by the member that holds it.
Identity = defaultdict[str, Pairs]
#: What stands for a member that an answer lacks.
ABSENT = "(absent)"
#: The members of an item in the documented order.
_MEMBERS = (
    "subscription_id",
    "unsubscribe",
    "profile_id",
    "provider",
    "db_id",
    "resource_id",
    "subscription_hash_id",
    "status",
    "description",
)


class ComparedMember(Struct):
    """One member of both answers: the platform's value and the emulator's.

    ``item``: the position of the emulator's item, ``None`` for the envelope; ``db_id``: that item's
    database in the emulator, where it is known.
    """

    path: Text
    there: Any
    here: Any
    differs: bool
    member: str
    item: int | None = None
    db_id: int | None = None


def compare_headers(call: RecordedCall, here_status: int, here: Mapping[str, str]) -> list[ComparedMember]:
    """The rows of a browser's cross-origin checks (Q4); a preflight has no other rows."""
    if call.answered is None or "origin" not in call.headers:
        return []
    own = {name.lower(): value for name, value in here.items()}
    allowed = (_preflight(call.status, call.answered), _preflight(here_status, own))
    rows = [_row("preflight", allowed[0], allowed[1], "header")] if call.method == "OPTIONS" else []
    for name in ("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"):
        there, ours = call.answered.get(name.lower(), ABSENT), own.get(name.lower(), ABSENT)
        rows.append(_row(message("header %(name)s", name=name), there, ours, "header"))
    return rows


def _preflight(status: int, answered: Mapping[str, str]) -> str:
    """Whether the answer to a preflight lets JSON be sent."""
    allowed = [one.strip().lower() for one in answered.get("access-control-allow-headers", "").split(",")]
    if status not in range(200, 300):
        return f"refused: HTTP {status}"
    return "allowed" if "content-type" in allowed else "refused: Content-Type is not allowed"


def compare_answers(
    call: RecordedCall,
    answer: Mapping[str, Any],
    here_status: int,
    here: Mapping[str, Any],
    identity: Identity,
) -> list[ComparedMember]:
    """Every member of the platform's answer beside the emulator's; ids are joined as they are met."""
    if call.said:
        shown = f"{here.get('error')}: {here.get('error_text')}"
        return [ComparedMember("answer", call.said, shown, True, "answer")]
    if call.base and isinstance(answer.get("error_text"), str):
        text = answer["error_text"].replace(call.base + call.path, call.path)
        answer = {**answer, "error_text": text}
    rows = [_row("status", call.status, here_status)]
    names = [name for name in ("error", "error_text") if name in answer or name in here]
    names += [name for name in (*answer, *here) if name not in ("data", "error", "error_text")]
    rows += [_row(name, answer.get(name, ABSENT), here.get(name, ABSENT)) for name in dict.fromkeys(names)]
    there_items, here_items = answer.get("data", ABSENT), here.get("data", ABSENT)
    if not _are_items(there_items) or not _are_items(here_items):
        return [*rows, _row("data", there_items, here_items)]
    if len(there_items) != len(here_items):
        rows.append(ComparedMember("number of items", len(there_items), len(here_items), True, "count"))
    pairs = list(_pairs(there_items, here_items, identity))
    places = [at for _, at in pairs if at is not None]
    if len(there_items) == len(here_items) and places != sorted(places):
        rows.append(ComparedMember("order of items", sorted(places), places, True, "order"))
    for at, here_at in pairs:
        if at is not None and here_at is not None:
            rows += _item_rows(at, there_items[at], here_at, here_items[here_at], identity)
        elif at is not None:
            db_id = identity["db_id"].here(there_items[at].get("db_id"))
            rows.append(ComparedMember(f"data[{at}]", there_items[at], ABSENT, True, "item", None, db_id))
        elif here_at is not None:
            one, path = here_items[here_at], message("data[%(at)s] of the emulator", at=here_at)
            rows.append(ComparedMember(path, ABSENT, one, True, "item", here_at, one.get("db_id")))
    return rows


def _are_items(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _row(name: Text, there: Any, here: Any, member: str = "") -> ComparedMember:
    return ComparedMember(name, there, here, not _equal(there, here), member or str(name))


def _equal(there: Any, here: Any) -> bool:
    return type(there) is type(here) and bool(there == here)


def _pairs(
    there: list[dict[str, Any]], here: list[dict[str, Any]], identity: Identity
) -> Iterator[tuple[int | None, int | None]]:
    """The positions of items that belong together: of one subscription, else of one database, in order."""
    _join_databases(there, here, identity)
    partner: dict[int, int] = {}
    for names in (("provider", "subscription_id"), ()):
        free, taken = defaultdict(list), set(partner.values())
        for at, item in enumerate(here):
            if at not in taken:
                free[_key(item, item.get("db_id"), names)].append(at)
        for at, item in enumerate(there):
            if at not in partner:
                found = free[_key(item, identity["db_id"].here(item.get("db_id")), names)]
                if found:
                    partner[at] = found.pop(0)
    yield from ((at, partner.get(at)) for at in range(len(there)))
    taken = set(partner.values())
    yield from ((None, at) for at in range(len(here)) if at not in taken)


def _join_databases(there: list[dict[str, Any]], here: list[dict[str, Any]], identity: Identity) -> None:
    """Pair databases that are new: the same number if both sides have it, else in the order of the items."""
    known = identity["db_id"]
    theirs = list(dict.fromkeys(item.get("db_id") for item in there if isinstance(item.get("db_id"), int)))
    ours = list(dict.fromkeys(item.get("db_id") for item in here))
    fresh = [one for one in theirs if not known.knows(one)]
    free = [one for one in ours if one not in {known.here(each) for each in theirs if known.knows(each)}]
    for one in [each for each in fresh if each in free]:
        known.join(one, one)
        fresh.remove(one)
        free.remove(one)
    for one, other in zip(fresh, free, strict=False):
        known.join(one, other)


def _key(item: Mapping[str, Any], db_id: Any, names: tuple[str, ...]) -> tuple[str, ...]:
    return (str(db_id), *(str(item.get(name)) for name in names))


def _item_rows(
    at: int, there: Mapping[str, Any], here_at: int, here: Mapping[str, Any], identity: Identity
) -> Iterator[ComparedMember]:
    for name in (name for name in dict.fromkeys((*_MEMBERS, *there, *here)) if name in there or name in here):
        one, other = there.get(name, ABSENT), here.get(name, ABSENT)
        if name in ID_MEMBERS and name in there and name in here:
            differs = not identity[name].same(one, other)
            identity[name].join(one, other)
        else:
            differs = not _equal(one, other)
        yield ComparedMember(f"data[{at}].{name}", one, other, differs, name, here_at, here.get("db_id"))
