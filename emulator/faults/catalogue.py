"""Every error that the platform can answer, and how to get it: by a fault, by a token, or by a request."""

import json
import shlex
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from emulator.faults.model import ErrorAnswer, Fault, ItemFault
from emulator.faults.tokens import PREFIX, parse_token
from emulator.rules.model import Database, Resource
from emulator.rules.providers import DOCUMENTED

#: Placeholders in :attr:`Call.body`, replaced by a workspace's own values: the token of a resource with
#: databases, of one without, of one that lists its providers; a provider that this last one does not
#: accept; a database id that no resource has; a number field.
TOKEN, EMPTY_TOKEN, CHOOSY_TOKEN = "{resource}", "{resource without databases}", "{resource with providers}"
FOREIGN_PROVIDER, FOREIGN_DB, NUMBER_FIELD = "{other provider}", "{other database}", "{number field}"


class Call(NamedTuple):
    """An example request. ``body``: a document, or a text to send as it is."""

    body: Any
    method: str = "POST"
    path: str = "/push_subscribe"


def push(**parameters: Any) -> Call:
    """A call of the documented endpoint, valid unless a parameter makes it invalid."""
    one = {"provider": "android-firebase", "subscription_id": "some-token"}
    return Call({"resource_token": TOKEN, "subscriptions": [one]} | parameters)


#: A valid request.
FIRST_CALL = push()


def curl(call: Call, base_url: str, resources: Sequence[Resource], databases: Sequence[Database]) -> str:
    """The command that sends the call to ``base_url`` (no trailing slash), with this workspace's values."""
    url = shlex.quote(base_url + call.path)
    if call.body is None:
        return f"curl -i -X {call.method} {url}" if call.method != "GET" else f"curl -i {url}"
    body = call.body if isinstance(call.body, str) else json.dumps(call.body, ensure_ascii=False)
    for mark, value in _places(resources, databases).items():
        body = body.replace(json.dumps(mark), json.dumps(value, ensure_ascii=False))
    method = "" if call.method == "POST" else f" -X {call.method}"
    return f"curl -i{method} {url} -H 'Content-Type: application/json' \\\n  -d {shlex.quote(body)}"


def _places(resources: Sequence[Resource], databases: Sequence[Database]) -> dict[str, Any]:
    """The value of each placeholder; a word in capitals where the workspace has no such value."""
    usable = next((one for one in resources if one.db_ids), None)
    empty = next((one.token for one in resources if not one.db_ids), "TOKEN_OF_A_RESOURCE_WITHOUT_DATABASES")
    choosy = next((one for one in resources if one.db_ids and one.providers), None)
    accepted = choosy.providers if choosy and choosy.providers else []
    own = [one for one in databases if usable and one.id in usable.db_ids]
    numbers = (name for one in own for name, kind in one.fields.items() if kind.kind in ("int", "float"))
    return {
        TOKEN: usable.token if usable else "RESOURCE_TOKEN",
        EMPTY_TOKEN: empty,
        CHOOSY_TOKEN: choosy.token if choosy else "TOKEN_OF_A_RESOURCE_THAT_LISTS_ITS_PROVIDERS",
        FOREIGN_PROVIDER: next((one for one in DOCUMENTED if one not in accepted), "ios-apns"),
        FOREIGN_DB: max((db_id for one in resources for db_id in one.db_ids), default=0) + 1,
        NUMBER_FIELD: next(numbers, "NUMBER_FIELD"),
    }


Group = Literal["request", "items", "server", "network", "lost"]

#: What each group shows, in the order of the catalogue.
GROUPS: dict[Group, str] = {
    "request": "The whole request is refused",
    "items": "Some items fail",
    "server": "Server errors",
    "network": "Network errors",
    "lost": "The change is made, but the answer is lost",
}


class Recipe(NamedTuple):
    """One error: its ``id``, the ``status`` that the client sees (empty: no answer), and how to get it.

    ``token`` is what to send as a ``subscription_id``, ``fault`` the body of ``POST /__admin/faults``,
    ``call`` a request that needs no fault, ``rule`` the rule that refuses the call.
    """

    id: str
    group: Group
    title: str
    shows: str
    status: str
    token: str | None = None
    fault: dict[str, Any] | None = None
    call: Call | None = None
    rule: str | None = None


_TWICE = [{"provider": "android-firebase", "subscription_id": "same-token"}] * 2
_TOO_MANY = [{"provider": "android-firebase", "subscription_id": f"token-{n}"} for n in range(101)]
_PIGEON = [{"provider": "pigeon", "subscription_id": "some-token"}]
_FOREIGN = [{"provider": FOREIGN_PROVIDER, "subscription_id": "some-token"}]

#: Requests that cause an error without a fault, by the recipe's id, each with the rule that refuses it.
_CALLS: dict[str, tuple[str, Call]] = {
    "no-json": ("A3", Call('{"resource_token":')),
    "no-subscriptions": ("A3", Call({"resource_token": TOKEN})),
    "unknown-provider": ("S6", push(subscriptions=_PIGEON)),
    "unknown-matching": ("M10", push(matching="email")),
    "no-id": ("M2", push(matching="profile_id")),
    "no-field": ("M3", push(matching="custom", field_value=100)),
    "filtered-out": ("B3", push(db_ids=[FOREIGN_DB])),
    "no-databases": ("B3", push(resource_token=EMPTY_TOKEN)),
    "too-many": ("A3", push(subscriptions=_TOO_MANY)),
    "unknown-resource": ("B4", push(resource_token="nobody")),
    "unknown-path": ("A4", Call({}, path="/push_subscribed")),
    "wrong-method": ("A4", Call(None, "GET")),
    "item-duplicate": ("S4", push(subscriptions=_TWICE)),
    "item-provider": ("S6", push(resource_token=CHOOSY_TOKEN, subscriptions=_FOREIGN)),
    "item-unknown-field": ("M4", push(matching="custom", field_name="no_such_field", field_value=1)),
    "item-invalid-value": (
        "M5",
        push(matching="custom", field_name=NUMBER_FIELD, field_value="not a number"),
    ),
}
_RATE_LIMIT = {"then": {"rate_limit": {"per_second": 1}}, "apply": "before"}


def _refused(id: str, title: str, shows: str, status: str = "400") -> Recipe:
    rule, call = _CALLS[id]
    return Recipe(id, "request", title, shows, status, call=call, rule=rule)


def _armed(group: Group, word: str, title: str, shows: str, status: str = "200") -> Recipe:
    """A recipe with a token; its id is the group's prefix and the word of the token."""
    id = {"items": "item-", "lost": "lost-"}.get(group, "") + word.partition("=")[0]
    token = PREFIX + ("after!" if group == "lost" else "") + word
    rule, call = _CALLS.get(id, (None, None))
    return Recipe(id, group, title, shows, status, token, _body(parse_token(token)), call, rule)


def _status(code: int, title: str, shows: str, group: Group = "server") -> Recipe:
    return _armed(group, str(code), title, shows, str(code))._replace(id=f"http-{code}")


def _body(fault: Fault) -> dict[str, Any]:
    """The body of ``POST /__admin/faults`` for the fault of a token."""
    then: Any = fault.then
    if isinstance(then, ErrorAnswer):
        text = {} if then.error_text is None else {"error_text": then.error_text}
        then = {"status": then.status, **text}
    elif isinstance(then, ItemFault):
        then = {"item_error": then.item_error}
    what = {"delay_ms": fault.delay_ms} if then is None else {"then": then}
    return {**what, "apply": "after" if fault.after else "before"}


_ALL = (
    _refused("no-json", "Not JSON", "The body cannot be read; error_text says where."),
    _refused("no-subscriptions", "Missing parameter", "error_text names it by its path."),
    _refused("unknown-provider", "Unknown provider", "error_text names the entry and the provider."),
    _refused("unknown-matching", "Unknown matching", "Only custom and profile_id are known."),
    _refused("no-id", "Matching by id without an id", "id is required with matching profile_id."),
    _refused(
        "no-field", "Matching by a field without its name", "field_name is required with matching custom."
    ),
    _refused(
        "filtered-out", "The filter leaves no database", "db_ids names none of the resource's databases."
    ),
    _refused("no-databases", "A resource without databases", "The resource exists but has no databases."),
    _refused("too-many", "More than 100 subscriptions", "A request may carry at most 100 subscriptions."),
    _refused(
        "unknown-resource",
        "Unknown resource token",
        "Resource not found: a wrong or old resource_token.",
        "404",
    ),
    _refused("unknown-path", "Unknown path", "Unknown paths answer with the JSON envelope, too.", "404"),
    _refused("wrong-method", "Wrong HTTP method", "Only POST is allowed; the header Allow says so.", "405"),
    _status(
        400,
        "Incorrect request",
        "The platform refuses the request for a reason of its own. The client should not retry.",
        "request",
    ),
    _status(401, "Unauthorized", "A gateway in front of the platform requires authentication.", "request"),
    _status(403, "Forbidden", "A gateway or a firewall refuses the request.", "request"),
    _status(413, "Too large", "The body is over the limit of 1 MiB.", "request"),
    _armed(
        "request",
        "incorrect-field",
        "SDK: unknown profile field",
        "The platform's text for a profile field that the database does not declare (R4).",
        "400",
    ),
    _armed(
        "request",
        "failed-convert",
        "SDK: a value of the wrong type",
        "The platform's text for a value that is not of the field's type (R5).",
        "400",
    ),
    _armed(
        "request",
        "unknown-category",
        "SDK: unknown category",
        "The platform's text for a category that the resource does not have (R5).",
        "400",
    ),
    _armed(
        "items",
        "duplicate",
        "Duplicate push subscription",
        "Every item has the error of a token that is active on another profile.",
    ),
    _armed(
        "items",
        "provider",
        "provider is not configured",
        "Every item has the error of a provider that the resource does not accept.",
    ),
    _armed(
        "items",
        "unknown-field",
        "matching error: unknown field",
        "Each database answers with the error of a field that it does not declare.",
    ),
    _armed(
        "items",
        "invalid-value",
        "matching error: invalid field value",
        "Each database answers with the error of a value that is not of the field's type.",
    ),
    _status(429, "Too many requests", "The client should wait and try again."),
    Recipe(
        "rate-limit",
        "server",
        "Rate limit",
        "One request a second passes; others get 429 and Retry-After.",
        "429",
        fault=_RATE_LIMIT,
    ),
    _status(500, "Internal error", "The platform failed; nothing has changed."),
    _status(502, "Bad gateway", "The gateway cannot reach the platform."),
    _status(503, "Service unavailable", "Maintenance or overload; a retry should help."),
    _status(504, "Gateway timeout", "The gateway gave up waiting; nothing has changed."),
    _armed("network", "delay=2000", "Delay of two seconds", "The usual answer after two seconds."),
    _armed(
        "network",
        "delay=60000",
        "Delay of a minute",
        "Most clients stop waiting earlier, so their timeout shows.",
    )._replace(id="timeout"),
    _armed("network", "reset", "Connection reset", "The connection breaks without an answer.", ""),
    _armed("network", "empty", "Empty reply", "The connection closes without a byte.", ""),
    _armed("network", "truncated", "Body cut short", "The body is shorter than its Content-Length."),
    _armed("network", "malformed", "Broken JSON", "The answer ends in the middle, with status 200."),
    _armed("network", "slow", "Slow body", "The usual answer, sent in pieces over three seconds."),
    _armed(
        "lost", "reset", "Applied, then reset", "The state changes; a retry finds it already changed.", ""
    ),
    _armed("lost", "empty", "Applied, then an empty reply", "The state changes; the reply is empty.", ""),
    _armed("lost", "500", "Applied, then 500", "The state changes; the client gets an error.", "500"),
    _armed("lost", "504", "Applied, then 504", "The state changes; the gateway gave up waiting.", "504"),
)

#: Every recipe by its id, group by group.
CATALOGUE: dict[str, Recipe] = {
    recipe.id: recipe for group in GROUPS for recipe in _ALL if recipe.group == group
}
