"""The specification as data: the id, grade and text of every rule."""

import re
from typing import NamedTuple

from push_emulator.workspace_answers import Grade

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


_OBSERVED = {"Q1", "Q2", "Q4", "T1", "T2", "T3", "E1", "E2", "R2", "R3"}
_OBSERVED |= {"K1", "K2", "K3", "K4", "K5", "K6", "K20", "K50"}
_DOCUMENTED = {"B1", "B2", "B3", "M1", "M2", "M3", "M4", "M6", "S1", "S2", "S3", "S7", "A1", "A2", "A5"}
_DOCUMENTED |= {"T6", "K10", "K11", "K12", "K13", "K14", "K30", "K40", "E4", "R1", "R4", "R5"}
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
    "T1": "Authorization Bearer rtoken@TOKEN: a role token of a database; by push data only.",
    "T2": "Else Authorization Bearer JWT, whose claim matching says database, mode and value.",
    "T3": "matching_mode of the query is push_sub, the role token or the claim's mode; the claim counts.",
    "T4": "A JWT's signature, exp and nbf are verified where a resource of its database has a key.",
    "T5": "No readable Authorization, an unknown or expired role token, an unreadable claim: 401.",
    "T6": "Modes: push_sub, profile_id, email, email_profile, phone, custom, and their variants.",
    "K1": "The path is appended to apiUrl: with // and with or without a trailing slash, never a redirect.",
    "K2": "A literal plus in a query is a plus; the order of parameters and JSON keys means nothing.",
    "K3": "A repeated Request-ID gets the first answer again (policy sdk_retries: replay or apply).",
    "K4": "Times are epoch seconds; 10^12 and more are milliseconds.",
    "K5": "sync is true, false, 1, 0 or absent.",
    "K6": "Unknown members and parameters are ignored with lint L1; null and absent are the same.",
    "K10": "subscribe/: the profile is found or created, its fields and its subscription are written.",
    "K11": "replace true: subscriptions of other profiles of the database to the token are unsubscribed.",
    "K12": "sync true: the answer has the profile; false: profile null, and R4 and R5 are silent (inferred).",
    "K13": "skip_triggers is noted and has no effect.",
    "K14": "cats: name and active count; title and steady come from the resource's catalogue.",
    "K15": "Suspend or unsubscribe of an unknown token: profile and subscription are made in that status.",
    "K20": "update/: the subscriptions of the old pair move to the new pair; an unknown one changes nothing.",
    "K30": "unsuspend/: the claim's profile gets its suspended subscription back, the others' are suspended.",
    "K40": "status/: the last subscription, the last of a provider, or exactly one of the profile.",
    "K50": "profile/update: the claim's profile gets the fields (policy sdk_unknown_profile: null or error).",
    "E1": "event/push/delivery and open: time and smid are stored; an unknown smid is a success.",
    "E2": "event/post: the parts of a mobile event are stored.",
    "E3": "A mobile event's profile: part ma with mm, else the authorisation; pf writes its fields.",
    "E4": "pushes/post_events: events 1 delivered, 2 opened, 3 both are stored.",
    "E5": "Events are kept per workspace, bounded, listed, counted and verified.",
    "R1": "Success: error 0, an empty error_text, the profile with its subscription, or null.",
    "R2": "Every id and hash is a string, every category has name and active; always JSON, never empty.",
    "R3": "The HTTP status decides: errors are never 200, policy http_status does not apply.",
    "R4": "An unknown profile field: 400 Platform profile processing error, Incorrect field.",
    "R5": "A value not of a subscription field's type, an unknown category: 400 with the platform's text.",
    "R6": "Anything else that is wrong: 400 with the path and what is expected; nothing changes.",
    "L1": "Lint: an unknown parameter, with the nearest known name, or one in the query string.",
    "L2": "Lint: Content-Type is not application/json.",
    "L3": "Lint: a token unlike its provider's, or with quotes, brackets, spaces or line ends around it.",
    "L4": "Lint: db_ids outside the resource.",
    "L5": "Lint: id sent with matching custom, where it is not used.",
    "L6": "Lint: id is not 24 hex digits.",
    "L7": "Lint: field_value's JSON type differs from the field's.",
    "L8": "Lint: one key twice in a JSON object; the last one counts, strict mode refuses it (400).",
    "L9": "Lint: a token that is not stored, but one that differs from it only in case is.",
}


#: Every rule by its id, in the specification's order.
RULES: dict[str, Rule] = {
    id: Rule(id, "D" if id in _DOCUMENTED else "O" if id in _OBSERVED else "I", text)
    for id, text in _TEXTS.items()
}

#: Rules that hold for every request: no journal entry names them as deciding.
_ALWAYS = {"Q1", "Q2", "Q3", "Q4", "A5", "A6", "T4", "T6", "K1", "K2", "K4", "K5", "K6", "R1", "R2", "R3"}
_ALWAYS |= {"E5"}
#: The rules that a journal entry can name as deciding; the others hold always, or are lints.
DECIDING = tuple(name for name in RULES if name[0] != "L" and name not in _ALWAYS)

#: The first letters of the rules for the mobile SDKs' calls.
SDK_RULES = "TKER"
#: The rule of each policy: the one whose text names it.
POLICY_RULES: dict[str, str] = {
    name: rule.id for rule in RULES.values() for name in re.findall(r"policy (\w+):", rule.text)
}
