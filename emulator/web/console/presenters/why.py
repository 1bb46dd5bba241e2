"""Why a request was answered as it was: the rules in their order, the remarks, what changed."""

from __future__ import annotations

from typing import NamedTuple

from emulator.journal.entry import Entry
from emulator.rules.catalogue import RULES
from emulator.rules.model import Profile, Subscription

#: What to do about each lint.
FIXES = {
    "L1": "Take the parameter out, or write it as the documentation does.",
    "L2": "Send the header Content-Type: application/json.",
    "L3": "Check which SDK gave the token: under a wrong provider it is never delivered.",
    "L4": "Name databases of this resource only, or leave db_ids out.",
    "L5": "Leave id out: with matching custom only field_name and field_value count.",
    "L6": "Send the platform's own profile id, or match by a custom field.",
    "L7": "Send the value in the field's own JSON type.",
}


class Step(NamedTuple):
    """One rule that decided: ``db_id`` is ``None`` where it is about the whole request."""

    rule: str
    grade: str
    text: str
    detail: str
    db_id: int | None


class Remark(NamedTuple):
    """One lint with what to do about it."""

    rule: str
    path: str
    text: str
    fix: str


class ProfileChange(NamedTuple):
    """A profile that the request made."""

    profile: Profile


class SubscriptionChange(NamedTuple):
    """A subscription's status ``before`` (``None``: it was not there) and now."""

    before: str | None
    subscription: Subscription


def steps(entry: Entry) -> list[Step]:
    """The rules that decided, in order."""
    found = []
    for one in entry.decided:
        rule = RULES.get(one.rule)
        grade, text = (rule.grade, rule.text) if rule else ("", "")
        found.append(Step(one.rule, grade, text, one.detail, one.db_id))
    return found


def remarks(entry: Entry) -> list[Remark]:
    """The lints."""
    return [Remark(rule, path, text, FIXES.get(rule, "")) for rule, path, text in entry.lints]


def profile_changes(entry: Entry) -> list[ProfileChange]:
    """The profiles that were made."""
    return [ProfileChange(profile) for profile in entry.changes.profiles] if entry.changes else []


def subscription_changes(entry: Entry) -> list[SubscriptionChange]:
    """The subscriptions that changed, in order.

    The journal keeps what each became; what it was is told by the rule that changed it: each of S1 (added),
    S2 (changed) and a move by S4 in a database stands for one change, in the same order.
    """
    if entry.changes is None:
        return []
    rules = [
        one.rule
        for one in entry.decided
        if one.db_id is not None
        and (one.rule in ("S1", "S2") or (one.rule == "S4" and one.detail.startswith("moved")))
    ]
    return [
        SubscriptionChange(_before(rule, changed), changed)
        for rule, changed in zip(rules, entry.changes.subscriptions, strict=False)
    ]


def _before(rule: str, changed: Subscription) -> str | None:
    if rule == "S1":
        return None
    return "unsubscribed" if changed.active else "subscribed"
