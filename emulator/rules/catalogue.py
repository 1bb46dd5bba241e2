"""The specification as data: the id, grade and text of every rule."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Grade = Literal["D", "O", "I", "V"]

GRADES: dict[Grade, str] = {
    "D": "documented: the page says it or shows it in an example",
    "O": "observed: seen in the vendor's own public client code or other public pages",
    "I": "inferred: the page is silent; this is our choice",
    "V": "verified: the real platform was seen to answer so; the list of rules says where and when",
}


class Rule(NamedTuple):
    """One rule: its id, its source (a grade), its text."""

    id: str
    grade: Grade
    text: str


_OBSERVED = ("Q1", "Q2", "Q4")
_DOCUMENTED = ("B1", "B2", "B3", "M1", "M2", "M3", "M4", "M6", "S1", "S2", "S3", "S7", "A1", "A2", "A5")
_TEXTS = {
    "Q1": 'id "", matching "", db_ids [] and null for any optional parameter mean "not given".',
    "Q2": "The same call is served at /api/v1.1/resources/push_subscribe, and with a trailing slash.",
    "Q3": "Any Content-Type is accepted if the body is a JSON object; a wrong one is lint L2.",
    "Q4": "Browsers may call cross-origin with credentials, on this endpoint only.",
    "Q5": "Unknown parameters are ignored and reported as lint L1; strict mode refuses them and L8 (400).",
    "B1": "Each database of the resource is processed on its own, in the resource's order.",
    "B2": "db_ids filters the resource's databases; others are ignored, repeats count once.",
    "B3": (
        "A resource without databases gives an error; so does a filter that leaves none (inferred;"
        " policy no_databases: error or ok)."
    ),
    "B4": "An unknown resource_token is an error 404.",
    "M1": "No matching: by id; if id is not given either, by the push subscriptions of the request.",
    "M2": "matching profile_id: by id. Without id: 400 (inferred).",
    "M3": "matching custom: the profile whose field field_name equals field_value.",
    "M4": 'A field that the database does not declare: "matching error: unknown field", there only.',
    "M5": 'A value not of the field\'s type: "matching error: invalid field value". 123 equals "123".',
    "M6": "Nothing found: a new profile is created, even when the request only unsubscribes.",
    "M7": "A profile made through custom matching gets field_name = field_value.",
    "M8": "A profile made for an unknown id gets that id (policy unknown_id: keep or new).",
    "M9": (
        "Several match: an active subscription beats an inactive one, then the oldest profile wins"
        " (policy several_profiles: oldest, newest or error)."
    ),
    "M10": "Any other matching value is an error 400.",
    "M11": "Push matching looks at the subscriptions in order; the first that is known decides.",
    "S1": "Not there yet and not unsubscribing: added, status subscribed.",
    "S2": "There with another status than asked: changed; the record and its hash stay.",
    "S3": "Nothing to change, or unsubscribing what is not there: unchanged; no item for it.",
    "S4": "Active on another profile: Duplicate push subscription (policy duplicate_token: error or move).",
    "S5": (
        "The same provider and subscription_id twice in one request: the second is refused"
        " (policy repeated_subscription: error or unchanged)."
    ),
    "S6": "A provider nobody knows: 400. One that the resource does not accept: an error item.",
    "S7": (
        "A database in which nothing was added, changed or refused answers one bare item"
        " (policy unchanged_database: bare_item or nothing)."
    ),
    "A1": "error 0, HTTP 200: every database applied something and no item failed.",
    "A2": (
        "error 200, HTTP 200: some item failed, or some database changed nothing"
        " (policy unchanged_error: 200 or 0)."
    ),
    "A3": (
        "A request-level error has the HTTP status of its code (policy http_status: mirror or always_200)"
        " and data [] (policy error_data: empty or absent)."
    ),
    "A4": "Every path and every failure answers the JSON envelope, never an HTML page.",
    "A5": "subscription_hash_id: 8 or more lower-case hex digits that depend on the key alone.",
    "A6": "All databases of one request are applied as one transaction.",
    "L1": "Lint: an unknown parameter, with the nearest known name.",
    "L2": "Lint: Content-Type is not application/json.",
    "L3": "Lint: a token unlike its provider's, or with quotes, brackets, spaces or line ends around it.",
    "L4": "Lint: db_ids outside the resource.",
    "L5": "Lint: id sent with matching custom, where it is not used.",
    "L6": "Lint: id is not 24 hex digits.",
    "L7": "Lint: field_value's JSON type differs from the field's.",
    "L8": "Lint: one key twice in a JSON object; the last one counts, strict mode refuses it (400).",
    "L9": "Lint: a token that is not stored, but one that differs from it only in case is.",
}


def _grade(id: str) -> Grade:
    return "D" if id in _DOCUMENTED else "O" if id in _OBSERVED else "I"


#: Every rule by its id, in the specification's order.
RULES: dict[str, Rule] = {id: Rule(id, _grade(id), text) for id, text in _TEXTS.items()}

#: The rules that a journal entry can name as deciding. The other rules hold for every request, or are lints.
DECIDING = tuple(
    name for name in RULES if name[0] != "L" and name not in ("Q1", "Q2", "Q3", "Q4", "A5", "A6")
)

#: The rule of each policy: the one whose text names it.
POLICY_RULES: dict[str, str] = {
    name: rule.id for rule in RULES.values() for name in re.findall(r"policy (\w+):", rule.text)
}
