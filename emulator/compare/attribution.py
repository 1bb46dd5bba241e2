"""Which rule a member of an answer belongs to, by the decisions that the request journal names."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from emulator.compare.differences import ABSENT, ComparedMember
from emulator.endpoint.call import PATHS
from emulator.journal.entry import Entry
from emulator.rules.answer import ALL_APPLIED, NOT_ALL_APPLIED, SUCCESS

#: Rules that can explain why the platform refused what the emulator carries out, the likeliest first.
_PERHAPS_REFUSED = ("Q5", "Q3", "Q1", "M9", "M8", "M5", "M4", "B2", "S6", "S5", "S4", "S3", "M1", "M2", "M3")
#: Rules that can have chosen the profile, the likeliest first.
_CHOSE = ("M9", "M8", "M11", "M7", "M6", "M3", "M2", "M1")
_LINTED = {"L1": "Q5", "L2": "Q3", "L4": "B2", "L8": "Q5"}


def rules_seen(entry: Entry, here: Mapping[str, Any]) -> list[str]:
    """All rules that a call shows, each once: those that decided, and those that its form involves."""
    rules = [one.rule for one in entry.decided]
    rules += [_LINTED[one.rule] for one in entry.lints if one.rule in _LINTED]
    rules += _form(entry)
    if not carried_out(here):
        rules.append("A3")
    if any("subscription_hash_id" in item for item in here.get("data", ())):
        rules.append("A5")
    return list(dict.fromkeys(rules))


def differing_by_rule(
    rows: Sequence[ComparedMember], entry: Entry, here: Mapping[str, Any], there: Mapping[str, Any]
) -> dict[str, list[ComparedMember]]:
    """The differing members by the rule that each belongs to.

    ``error`` and the number of items follow from the items: where an item differs, they belong to its rule.
    """
    found: dict[str, list[ComparedMember]] = {}
    cause = None
    for row in sorted((row for row in rows if row.differs), key=_of_the_envelope):
        rule = cause if cause is not None and row.member in ("error", "count") else None
        rule = rule or _rule_of(row, entry, here, there)
        if row.member in ("item", "status", "description") and not _of_the_envelope(row):
            cause = cause or rule
        found.setdefault(rule, []).append(row)
    return found


def _of_the_envelope(row: ComparedMember) -> bool:
    return not str(row.path).startswith("data[")


def _rule_of(row: ComparedMember, entry: Entry, here: Mapping[str, Any], there: Mapping[str, Any]) -> str:
    if row.member == "header":
        return "Q4"
    if row.member == "answer":
        return "Q2" if carried_out(here) else "A4"
    if not carried_out(here):
        refuses = entry.decided and row.member not in ("status", "data")
        return entry.decided[-1].rule if refuses else "A3"
    if not carried_out(there):
        return _first(_PERHAPS_REFUSED, set(rules_seen(entry, here))) or "A2"
    return _of_envelope(row, entry) if _of_the_envelope(row) else _of_item(row, entry, here)


def carried_out(answer: Mapping[str, Any]) -> bool:
    """Whether an answer shows that its request was not refused as a whole."""
    if answer.get("error") not in (ALL_APPLIED, NOT_ALL_APPLIED):
        return False
    return bool(answer.get("data")) or answer.get("error_text") == SUCCESS  # a refusal may have code 200


def _form(entry: Entry) -> Iterator[str]:
    if entry.path in PATHS and entry.path != "/push_subscribe":
        yield "Q2"
    document = entry.document()
    if any(document.get(name, 0) in (None, "", []) for name in ("id", "matching", "db_ids", "field_name")):
        yield "Q1"


def _of_envelope(row: ComparedMember, entry: Entry) -> str:
    if row.member == "order":
        return "B1"
    if row.member == "count":
        decided = {one.rule for one in entry.decided}
        return _first(("S7", "S5", "S3", "B2", "B1"), decided) or "A1"
    return _first(("A2", "A1"), {one.rule for one in entry.decided}) or "A3"


def _of_item(row: ComparedMember, entry: Entry, here: Mapping[str, Any]) -> str:
    decided = [one for one in entry.decided if one.db_id == row.db_id]
    rules = {one.rule for one in decided}
    if row.member == "profile_id":
        return _first(_CHOSE, rules) or "A5"
    if row.member in ("resource_id", "db_id"):
        return "B4" if row.member == "resource_id" else "B1"
    if row.member == "subscription_hash_id" and ABSENT not in (row.there, row.here):
        return "A5"
    if row.item is None:  # the emulator has no item for what the platform answers
        rules |= {one.rule for one in entry.decided if one.db_id is None}
        return _first(("S5", "S3", "M4", "M5", "S7", "B2", "B1"), rules) or "A2"
    return rule_of_item(entry, here, row)


def rule_of_item(entry: Entry, here: Mapping[str, Any], row: ComparedMember) -> str:
    """The rule behind the emulator's item that a member belongs to."""
    decided = [one for one in entry.decided if one.db_id == row.db_id]
    notes = [one for one in decided if one.rule[0] == "S" and one.rule not in ("S3", "S7")]
    notes = [one for one in notes if one.code != "moved"]  # another note on the same item follows
    position = sum(1 for item in here["data"][: row.item] if item.get("db_id") == row.db_id)
    if position < len(notes):
        return notes[position].rule
    return _first(("M5", "M4", "M9", "S7"), {one.rule for one in decided}) or "A1"


def _first(order: tuple[str, ...], among: set[str]) -> str | None:
    return next((rule for rule in order if rule in among), None)
