"""The specification as data: every rule's id, grade and text. The code has the ids, this file the words."""

from __future__ import annotations

from typing import Literal, NamedTuple

Grade = Literal["D", "O", "I"]

GRADES: dict[Grade, str] = {
    "D": "documented: the page says it or shows it in an example",
    "O": "observed: seen in the vendor's own public client code or other public pages",
    "I": "inferred: the page is silent; this is our choice",
}


class Rule(NamedTuple):
    """One rule: its id, where it comes from, what it says."""

    id: str
    grade: Grade
    text: str


_ALL = (
    Rule("Q1", "O", 'id "", matching "", db_ids [] and null for any optional parameter mean "not given".'),
    Rule(
        "Q2", "O", "The same call is served at /api/v1.1/resources/push_subscribe, and with a trailing slash."
    ),
    Rule("Q3", "I", "Any Content-Type is accepted if the body is a JSON object; a wrong one is lint L2."),
    Rule("Q4", "O", "Browsers may call cross-origin with credentials, on this endpoint only."),
    Rule(
        "Q5", "I", "Unknown parameters are ignored and reported as lint L1; strict mode refuses them (400)."
    ),
    Rule("B1", "D", "Each database of the resource is processed on its own, in the resource's order."),
    Rule("B2", "D", "db_ids filters the resource's databases; others are ignored, repeats count once."),
    Rule(
        "B3",
        "D",
        "A resource without databases gives an error; so does a filter that leaves none (inferred).",
    ),
    Rule("B4", "I", "An unknown resource_token is an error 404."),
    Rule(
        "M1", "D", "No matching: by id; if id is not given either, by the push subscriptions of the request."
    ),
    Rule("M2", "D", "matching profile_id: by id. Without id: 400 (inferred)."),
    Rule("M3", "D", "matching custom: the profile whose field field_name equals field_value."),
    Rule(
        "M4", "D", 'A field that the database does not declare: "matching error: unknown field", there only.'
    ),
    Rule(
        "M5",
        "I",
        'A value not of the field\'s type: "matching error: invalid field value". 123 equals "123".',
    ),
    Rule("M6", "D", "Nothing found: a new profile is created, even when the request only unsubscribes."),
    Rule("M7", "I", "A profile made through custom matching gets field_name = field_value."),
    Rule("M8", "I", "A profile made for an unknown id gets that id (policy unknown_id: keep or new)."),
    Rule(
        "M9",
        "I",
        "Several match: an active subscription beats an inactive one, then the oldest profile wins.",
    ),
    Rule("M10", "I", "Any other matching value is an error 400."),
    Rule("M11", "I", "Push matching looks at the subscriptions in order; the first that is known decides."),
    Rule("S1", "D", "Not there yet and not unsubscribing: added, status subscribed."),
    Rule("S2", "D", "There with another status than asked: changed; the record and its hash stay."),
    Rule("S3", "D", "Nothing to change, or unsubscribing what is not there: unchanged; no item for it."),
    Rule(
        "S4",
        "I",
        "Active on another profile: Duplicate push subscription (policy duplicate_token: error or move).",
    ),
    Rule("S5", "I", "The same provider and subscription_id twice in one request: the second is refused."),
    Rule("S6", "I", "A provider nobody knows: 400. One that the resource does not accept: an error item."),
    Rule("S7", "D", "A database in which nothing was added, changed or refused answers one bare item."),
    Rule("A1", "D", "error 0, HTTP 200: every database applied something and no item failed."),
    Rule("A2", "D", "error 200, HTTP 200: some item failed, or some database changed nothing."),
    Rule(
        "A3",
        "I",
        "A request-level error has the HTTP status of its code (policy http_status: mirror or always_200).",
    ),
    Rule("A4", "I", "Every path and every failure answers the JSON envelope, never an HTML page."),
    Rule("A5", "D", "subscription_hash_id: 8 or more lower-case hex digits that depend on the key alone."),
    Rule("A6", "I", "All databases of one request are applied as one transaction."),
    Rule("L1", "I", "Lint: an unknown parameter, with the nearest known name."),
    Rule("L2", "I", "Lint: Content-Type is not application/json."),
    Rule("L3", "I", "Lint: a token that does not look like its provider's."),
    Rule("L4", "I", "Lint: db_ids outside the resource."),
    Rule("L5", "I", "Lint: id sent with matching custom, where it is not used."),
    Rule("L6", "I", "Lint: id is not 24 hex digits."),
    Rule("L7", "I", "Lint: field_value's JSON type differs from the field's."),
)

#: Every rule by its id, in the specification's order.
RULES: dict[str, Rule] = {rule.id: rule for rule in _ALL}

#: The rules that can be among those that decided a request. The others say how it is read, kept and answered,
#: which is so for every request; lints are remarks.
DECIDING = tuple(
    name for name in RULES if name[0] != "L" and name not in ("Q1", "Q2", "Q3", "Q4", "A5", "A6")
)
