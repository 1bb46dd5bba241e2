"""The search box: examples of its words, and a search with another outcome."""

from __future__ import annotations

import re

#: Examples of a search, each with what it finds.
EXAMPLES = {
    "outcome:refused": "requests that were refused; also added, changed, unchanged, fault",
    "provider:ios-apns": "requests with a subscription of this provider",
    "subscription_id:TOKEN": "requests with this push token",
    "unsubscribe:true": "requests that unsubscribe",
    "status:5xx": "requests answered with HTTP status 500 to 599; also status:>=400, status:400..499",
    "error:400": "requests answered with this error",
    'error_text:"Resource not found"': (
        "requests answered with this error text; put a value with spaces in quotes"
    ),
    "took:>100": "requests that took longer than 100 ms; also took:0.5..2, took:>2s",
    "resource:App": "requests to the resource of this name",
    "resource_id:5": "requests to the resource of this id",
    "resource_token:TOKEN": "requests with this resource token",
    "db_id:17": "requests that the database 17 answered",
    "profile_id:59db33d269d426509e9c4bf9": "requests whose answer names this profile",
    "subscription_hash_id:0a1b2c3d": "requests whose answer names this subscription",
    "item_status:error": "requests with an item that failed",
    'description:"Duplicate push subscription"': "requests with an item that failed for this reason",
    "id:42": "requests that send this profile id",
    "matching:custom": "requests that match a profile by a field",
    "field_name:CustomNumber1": "requests that match a profile by this field",
    "field_value:100": "requests that match a profile by this value",
    "field.CustomNumber1:100": "requests that match a profile by this field and value",
    "db_ids:17": "requests that send this id in db_ids",
    "rule:M4": "requests that this rule decided",
    "lint:L3": "requests with this lint",
    "fault:emu!503": "requests that this fault answered",
    "effect:reset": "faults that did this; also empty, truncated, malformed, slow, delay, error",
    "request_id:app-0007": "requests with this Request-ID",
    "method:GET": "requests by this HTTP method",
    "path:/push_subscribe": "requests to this path",
    "since:2026-01-31T12:00:00Z": "requests since this time",
    "-outcome:unchanged": "a minus excludes the requests that match",
    "anna 555": "any other words: the request or its answer contains both",
    '"one phrase"': "the request or its answer contains the text in quotes",
}


def with_outcome(text: str, outcome: str | None) -> str:
    """The search text with another outcome; ``None`` takes it away."""
    without = re.sub(r'(?<!\S)outcome[:=]("[^"]*"|\S*)', " ", text, flags=re.IGNORECASE)
    rest = " ".join(without.split())
    return f"{rest} outcome:{outcome}".strip() if outcome else rest
