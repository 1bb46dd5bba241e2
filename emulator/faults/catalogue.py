"""Every error the platform can give, and how to see it: by an armed fault, by a token, or by a request.

Words only: nothing here arms or sends anything.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from emulator.faults.calls import (
    CHOOSY_TOKEN,
    EMPTY_TOKEN,
    FOREIGN_DB,
    FOREIGN_PROVIDER,
    NUMBER_FIELD,
    TOKEN,
    Call,
    push,
)
from emulator.faults.tokens import PREFIX

Group = Literal["request", "items", "server", "network", "lost"]

#: What each group shows, in the order of the catalogue.
GROUPS: dict[Group, str] = {
    "request": "The whole request is refused",
    "items": "Some items fail",
    "server": "The server has trouble",
    "network": "The network has trouble",
    "lost": "It worked, but the answer is lost",
}


class Recipe(NamedTuple):
    """One error: its ``id``, the ``status`` that the client sees (empty: no answer), and how to get it.

    ``fault`` is the body of ``POST /__admin/faults``, ``token`` what to send as a ``subscription_id``,
    ``call`` a request that needs no fault. ``rule`` is the rule that a call meets.
    """

    id: str
    group: Group
    title: str
    shows: str
    status: str
    fault: dict[str, Any] | None = None
    token: str | None = None
    call: Call | None = None
    rule: str | None = None


def _refused(id: str, title: str, shows: str, call: Call, rule: str, status: str = "400") -> Recipe:
    return Recipe(id, "request", title, shows, status, call=call, rule=rule)


def _status(code: int, title: str, shows: str, group: Group = "server") -> Recipe:
    fault = {"then": {"status": code}, "apply": "before"}
    return Recipe(f"http-{code}", group, title, shows, str(code), fault, f"{PREFIX}{code}")


def _item(word: str, token: str, title: str, shows: str, call: Call, rule: str) -> Recipe:
    fault = {"then": {"item_error": word}, "apply": "before"}
    return Recipe(f"item-{token}", "items", title, shows, "200", fault, PREFIX + token, call, rule)


def _spoil(spoil: str, token: str, title: str, shows: str, status: str) -> Recipe:
    apply = "before" if token in ("reset", "empty") else "after"
    fault = {"then": spoil, "apply": apply}
    return Recipe(token, "network", title, shows, status, fault, PREFIX + token)


def _lost(then: Any, token: str, title: str, shows: str, status: str) -> Recipe:
    fault = {"then": then, "apply": "after"}
    return Recipe(f"lost-{token}", "lost", title, shows, status, fault, f"{PREFIX}after!{token}")


_TWICE = [{"provider": "android-firebase", "subscription_id": "same-token"}] * 2
_TOO_MANY = [{"provider": "android-firebase", "subscription_id": f"token-{n}"} for n in range(101)]

_ALL: tuple[Recipe, ...] = (
    _refused(
        "no-json",
        "Not JSON",
        "The body cannot be read; error_text says where.",
        Call('{"resource_token":'),
        "A3",
    ),
    _refused(
        "no-subscriptions",
        "A parameter is missing",
        "error_text names it by its path.",
        Call({"resource_token": TOKEN}),
        "A3",
    ),
    _refused(
        "unknown-provider",
        "A provider that nobody knows",
        "error_text names the entry and the provider.",
        push(subscriptions=[{"provider": "pigeon", "subscription_id": "some-token"}]),
        "S6",
    ),
    _refused(
        "unknown-matching",
        "A matching that does not exist",
        "Only custom and profile_id are known.",
        push(matching="email"),
        "M10",
    ),
    _refused(
        "no-id",
        "Matching by id, without an id",
        "id is required with matching profile_id.",
        push(matching="profile_id"),
        "M2",
    ),
    _refused(
        "no-field",
        "Matching by a field, without the field",
        "field_name is required with matching custom.",
        push(matching="custom", field_value=100),
        "M3",
    ),
    _refused(
        "filtered-out",
        "The filter leaves no database",
        "db_ids names none of the resource's databases.",
        push(db_ids=[FOREIGN_DB]),
        "B3",
    ),
    _refused(
        "no-databases",
        "A resource without databases",
        "The resource exists, but has nowhere to look.",
        push(resource_token=EMPTY_TOKEN),
        "B3",
    ),
    _refused(
        "too-many",
        "More than 100 subscriptions",
        "One request may carry 100.",
        push(subscriptions=_TOO_MANY),
        "A3",
    ),
    _refused(
        "unknown-resource",
        "A token of no resource",
        "Resource not found: a wrong or old resource_token.",
        push(resource_token="nobody"),
        "B4",
        "404",
    ),
    _refused(
        "unknown-path",
        "A path that does not exist",
        "Also unknown paths answer the JSON envelope.",
        Call({}, path="/push_subscribed"),
        "A4",
        "404",
    ),
    _refused(
        "wrong-method",
        "The wrong method",
        "Only POST is served; Allow says so.",
        Call(None, "GET"),
        "A4",
        "405",
    ),
    _item(
        "duplicate",
        "duplicate",
        "Duplicate push subscription",
        "Every item is an error, as for a token that is active on another profile.",
        push(subscriptions=_TWICE),
        "S4",
    ),
    _item(
        "provider",
        "provider",
        "provider is not configured",
        "Every item is an error, as for a provider that the resource does not accept.",
        push(
            resource_token=CHOOSY_TOKEN,
            subscriptions=[{"provider": FOREIGN_PROVIDER, "subscription_id": "some-token"}],
        ),
        "S6",
    ),
    _item(
        "unknown_field",
        "unknown-field",
        "matching error: unknown field",
        "Each database answers one error, as for a field that it does not declare.",
        push(matching="custom", field_name="no_such_field", field_value=1),
        "M4",
    ),
    _item(
        "invalid_value",
        "invalid-value",
        "matching error: invalid field value",
        "Each database answers one error, as for a value that is not of the field's type.",
        push(matching="custom", field_name=NUMBER_FIELD, field_value="not a number"),
        "M5",
    ),
    _status(
        400, "Incorrect request", "A refusal for no reason of the client's: it should not retry.", "request"
    ),
    _status(401, "Unauthorized", "A gateway before the platform wants a login.", "request"),
    _status(403, "Forbidden", "A gateway or a firewall says no.", "request"),
    _status(413, "Too large", "The body is over the limit of 1 MiB.", "request"),
    _status(429, "Too many requests", "The client should wait and try again."),
    Recipe(
        "rate-limit",
        "server",
        "A rate limit",
        "One request a second passes; others get 429 and Retry-After.",
        "429",
        {"then": {"rate_limit": {"per_second": 1}}, "apply": "before"},
    ),
    _status(500, "Internal error", "The platform failed; nothing has changed."),
    _status(502, "Bad gateway", "The platform is not there behind its gateway."),
    _status(503, "Service unavailable", "Maintenance or overload; a retry should help."),
    _status(504, "Gateway timeout", "The gateway gave up waiting; nothing has changed."),
    Recipe(
        "delay",
        "network",
        "Two seconds late",
        "The right answer, after two seconds.",
        "200",
        {"delay_ms": 2000, "apply": "before"},
        f"{PREFIX}delay=2000",
    ),
    Recipe(
        "timeout",
        "network",
        "A minute late",
        "Longer than most clients wait: their timeout shows.",
        "200",
        {"delay_ms": 60000, "apply": "before"},
        f"{PREFIX}delay=60000",
    ),
    _spoil("connection_reset", "reset", "Connection reset", "The connection breaks without an answer.", ""),
    _spoil("empty_response", "empty", "Empty reply", "The connection closes without a byte.", ""),
    _spoil(
        "truncated_body", "truncated", "Body cut short", "Content-Length promises more than comes.", "200"
    ),
    _spoil(
        "malformed_json", "malformed", "Broken JSON", "The answer ends in the middle, with status 200.", "200"
    ),
    _spoil("slow_body", "slow", "Slow body", "The right answer, trickling over three seconds.", "200"),
    _lost(
        "connection_reset", "reset", "Applied, then reset", "The state changes; a retry finds it changed.", ""
    ),
    _lost("empty_response", "empty", "Applied, then silence", "The state changes; the reply is empty.", ""),
    _lost(
        {"status": 500}, "500", "Applied, then 500", "The state changes; the client is told it failed.", "500"
    ),
    _lost(
        {"status": 504}, "504", "Applied, then 504", "The state changes; the gateway gave up waiting.", "504"
    ),
)

#: Every recipe by its id, group by group.
CATALOGUE: dict[str, Recipe] = {
    recipe.id: recipe for group in GROUPS for recipe in _ALL if recipe.group == group
}
