"""The texts of refusals that a request can meet though it is right by the schema.

Every complaint of a refusal must be one of these, from its first character to its last: a text that is new,
or that says more, is a failure of the run.
"""

from __future__ import annotations

import re
from typing import Any

_PATH = r"[\w.\[\]]*"
#: Anything up to the next complaint, which begins with a path: what is quoted can be any text.
_ANY = r"(?:(?!; (?:[\w.\[\]]*fields\.|[\w.\[\]]+: )).)*"
_ID = r"-?\d+"
_VALUE = (
    "an integer of 64 bits|a number|a finite number|a string|true or false|a date as YYYY-MM-DD"
    f"|a time as YYYY-MM-DDTHH:MM:SSZ|an IP address|one of {_ANY}"
)

#: What is there decides, or what is not there.
OF_THE_STATE = (
    "No databases left after db_ids filter",  # B3
    "Resource has no databases",  # B3
    f'{_PATH}provider: unknown provider "{_ANY}"',  # S6
    "the default workspace cannot be deleted, only reset",
    "cursor: must be what a list gave as next",
    f"{_PATH}: there is no (database|profile|resource) {_ANY}",
    f"{_PATH}fields\\.{_ANY}: database {_ID} does not declare this field{_ANY}",
    f"{_PATH}fields\\.{_ANY}: must be ({_VALUE})",  # of the type that the database declares
    f"fields\\.{_ANY}: \\d+ profile\\(s\\) have a value {_ANY}",
    f"{_PATH}(id|token): {_ANY} (is there already|is in database {_ID} already)",
    f"{_PATH}: is active on the profile {_ANY} already \\(S4\\); make one of them unsubscribed",
    f"{_PATH}resource_id: resource {_ID} does not have database {_ID}",
    f"{_PATH}provider: resource {_ID} accepts {_ANY}",  # S6
    f"{_PATH}role_tokens\\[\\d+\\]\\.db_id: resource {_ID} does not have database {_ID}",
    f"{_PATH}fields\\.{_ANY}: resource {_ID} does not declare this subscription field{_ANY}",
    f"{_PATH}cats\\[\\d+\\]\\.name: resource {_ID} does not have this category{_ANY}",
    f"body: is on this profile already, as {_ANY}",
    f"profile_id: say which, {_ANY} is on the profiles {_ANY}",
    f"(database|resource) {_ID} is in use: {_ANY}",
    f"db_ids: leaves out a database in which it has subscriptions {_ANY}",
    r"match\.resource_token: no resource has this token, so it can never match",
    f'match\\.provider: nobody knows "{_ANY}", so it can never match',
    f"(match\\.)?[\\w.]+: {_ANY} can never match{_ANY}",
    f"(match\\.q: )?{_ANY}: (no search word has this name|must have a value){_ANY}",
    f"(match\\.q: )?{_ANY}: must be a (number or a )?range{_ANY}",
    f"events\\[\\d+\\]\\.time: must be a time {_ANY}",  # from 1970 on
    "(match\\.q: )?unsubscribe: must be true or false",
    f"(match\\.q: )?since: must be a time {_ANY}",
    "(advance|clock.offset_ms): leads out of the years 1970 to 9998",
    f"expected {_ANY} (request|event)\\(s\\), found {_ANY}",
    f"plan\\.resource: {_ANY} has no databases",  # B3
    f"plan\\.resource: there is no resource with this token or id; there are {_ANY}",
    f"plan\\.provider: {_ANY} is not configured for the resource {_ID}; it accepts {_ANY}",  # S6
    f"plan\\.match: no database declares the field {_ANY}; there are {_ANY}",  # M4
)
#: Two parts of the request do not go together, or a part is right in a way that no schema knows.
OF_THE_WHOLE = (
    f"(id|db_id): must be {_ANY}, as in the path, or left out",
    f"{_PATH}: is a duplicate on this profile",
    f"{_PATH}(id|token|name): {_ANY} is a duplicate",
    f"{_PATH}role_tokens\\[\\d+\\]\\.token: is another role token's, too",
    f"{_PATH}jwt_key: must be a secret, or {_ANY}",  # what is in a PEM
    f"{_PATH}role_tokens\\[\\d+\\]\\.expires: must be {_ANY}",  # a time of the calendar
    f"{_PATH}subscription_fields\\.{_ANY}: every resource declares this field{_ANY}",
    f"{_PATH}fields\\.{_ANY}: must be a version as {_ANY}",  # 14.0 is an integer of JSON Schema
    f"{_PATH}delay_ms: must be \\[from, to\\] with from ≤ to",
    "expect: at_least must not be more than at_most",
    f"{_PATH}id: must be 1 to 64 printable characters",  # its length is in the schema
    # a digest of the key
    f"{_PATH}hash_id: (must be [0-9a-f]+ \\(A5\\), or left out|is another subscription's|is {_ANY})",
    f"file: {_ANY}",  # what kind of table it is
    f"plan\\.(token_column|status_column|match): there is no column {_ANY}(; there are {_ANY})?",
    f'plan\\.(token_column|status_column|match): "{_ANY}" names several columns: {_ANY}',
    f"plan\\.(token_column|status_column|match): the file has no header: {_ANY}",
    r"plan\.match: is the same column as the tokens",
    r"plan\.status_column: is the column of the tokens or of the search values",
    f'plan\\.encoding: (there is no "{_ANY}": try utf-8, windows-1251, utf-16|"{_ANY}" does not make text)',
    "body: must not contain NUL",  # in what an event of a snapshot holds
    "… and perhaps more; the rest was not looked at",
    r"and \d+ more",  # of the endpoint's, which shows the first few
)
#: 1.0 is an integer to JSON Schema, not to this server.
OF_WHOLE_FLOATS = (
    f"{_ANY}: must be (an integer|an array of integers of 64 bits)",
    f'{_PATH}delay_ms: must be milliseconds or \\{{"uniform": \\[from, to\\]\\}}',
)


def _complaints(*forms: str) -> re.Pattern[str]:
    one = "|".join(forms)
    return re.compile(f"({one})(; ({one}))*", re.DOTALL)


_BEYOND = _complaints(*OF_THE_STATE, *OF_THE_WHOLE)
_BEYOND_WITH_FLOATS = _complaints(*OF_THE_STATE, *OF_THE_WHOLE, *OF_WHOLE_FLOATS)


def is_beyond_schemas(text: str, body: Any) -> bool:
    """Whether no schema could say that a request with this ``body`` is refused with this ``error_text``."""
    form = _BEYOND_WITH_FLOATS if _has_whole_float(body) else _BEYOND
    return form.fullmatch(text) is not None


def _has_whole_float(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_whole_float, value.values()))
    if isinstance(value, list):
        return any(map(_has_whole_float, value))
    return isinstance(value, float) and value.is_integer()
