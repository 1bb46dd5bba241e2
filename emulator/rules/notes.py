"""The texts of what rules and lints note about a request, by code; ``{0}``, ``{1}`` stand for the parameters.

A note is kept as its code and parameters, so that it can be told in another language.
"""

from __future__ import annotations

NOTES: dict[str, str] = {
    "said": "{0}",
    "more": "and {0} more",
    # Decisions
    "databases": "{0} databases, each on its own",
    "filtered": "db_ids leaves {0} of {1} databases",
    "by_id": "searched by id",
    "by_push": "searched by push subscriptions",
    "by_field": 'searched by "{0}" = {1}',
    "undeclared": 'field "{0}" is not declared',
    "field_takes": 'field "{0}" takes {1}{2}',
    "keeps_id": "no such id; the new profile gets it",
    "new_id": "no such id; the new profile gets one of its own",
    "created": "nothing found; profile {0} is new",
    "searched_value": "the new profile gets the searched value",
    "known_push": "{0} {1} is known",
    "oldest": "several profiles have it; the oldest wins",
    "active_first": "several profiles have it; active first, then the oldest",
    "added": "added",
    "changed": "{0} → {1}",
    "already": "already {0}",
    "not_there": "nothing to unsubscribe",
    "bare": "nothing changed: one bare item",
    "active_on": "active on profile {0}",
    "moved": "moved away from profile {0}",
    "twice": "twice in one request",
    "not_configured": "{0} is not configured",
    "error": "error {0}",
    # Lints
    "unknown": "unknown parameter",
    "did_you_mean": 'unknown parameter, did you mean "{0}"?',
    "more_unknown": "and {0} more unknown parameters",
    "long_body": "is long: unknown parameters behind this one are not named",
    "some_duplicate": "is long and has a duplicate key somewhere",
    "duplicate_key": 'duplicate key "{0}"',
    "more_duplicates": "and {0} more duplicate keys",
    "other_case": "differs only in case from a token of profile {0} in database {1}",
    "more_other_case": "and {0} more tokens that differ only in case",
    "content_type": 'is "{0}", should be application/json',
    "no_content_type": "is missing, should be application/json",
    "token_form": "a token of {0} should {1}",
    "around_1": "has {0} before or after it: send the token alone",
    "around_2": "has {0} and {1} before or after it: send the token alone",
    "around_3": "has {0}, {1} and {2} before or after it: send the token alone",
    "inside": "has {0} inside",
    "printed_data": "is printed NSData: send its bytes as hex digits, without brackets and spaces",
    "more_tokens": "and {0} more remarks on tokens",
    "foreign_database": "database {0} is not one of the resource's",
    "more_foreign": "and {0} more that are not the resource's",
    "unused_id": 'is not used with matching "custom"',
    "odd_id": "is not 24 hex digits",
    "json_type": "is not a JSON value of the field's type {0} in database {1}",
    "more_types": "and {0} more databases in which it is not",
}
#: Positions of parameters that are words of these notes, not what a client sent.
WORDS: dict[str, tuple[int, ...]] = {
    "already": (0,),
    "changed": (0, 1),
    "field_takes": (1,),
    "token_form": (1,),
    "around_1": (0,),
    "around_2": (0, 1),
    "around_3": (0, 1, 2),
    "inside": (0,),
}
