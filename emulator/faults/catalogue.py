"""Every error that the platform can answer, and how to get it: by a fault, by a token, or by a request."""

import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from emulator.faults.model import ErrorAnswer, Fault, ItemFault
from emulator.faults.tokens import PREFIX, parse_token
from emulator.rules.model import Database, Resource
from emulator.rules.providers import DOCUMENTED

#: Placeholders in the body of an :class:`ExampleRequest`, replaced by values of the workspace: the token of a
#: resource with databases, of one without, of one that lists its providers; a provider that this last one
#: does not accept; a database id that no resource has; a number field.
TOKEN, EMPTY_TOKEN, CHOOSY_TOKEN = "{resource}", "{resource without databases}", "{resource with providers}"
FOREIGN_PROVIDER, FOREIGN_DB, NUMBER_FIELD = "{other provider}", "{other database}", "{number field}"


class ExampleRequest(NamedTuple):
    """An example request. ``body``: a document, or a text to send as it is."""

    body: Any
    method: str = "POST"
    path: str = "/push_subscribe"


def push(**parameters: Any) -> ExampleRequest:
    """A call of the documented endpoint, valid unless a parameter makes it invalid."""
    one = {"provider": "android-firebase", "subscription_id": "some-token"}
    return ExampleRequest({"resource_token": TOKEN, "subscriptions": [one]} | parameters)


#: A valid request.
FIRST_CALL = push()


def curl(
    call: ExampleRequest, base_url: str, resources: Sequence[Resource], databases: Sequence[Database]
) -> str:
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
    call: ExampleRequest | None = None
    rule: str | None = None


_TWICE = [{"provider": "android-firebase", "subscription_id": "same-token"}] * 2
_TOO_MANY = [{"provider": "android-firebase", "subscription_id": f"token-{n}"} for n in range(101)]
_PIGEON = [{"provider": "pigeon", "subscription_id": "some-token"}]
_FOREIGN = [{"provider": FOREIGN_PROVIDER, "subscription_id": "some-token"}]

#: Requests that cause an error without a fault, by the recipe's id, each with the rule that refuses it.
_CALLS: dict[str, tuple[str, ExampleRequest]] = {
    "no-json": ("A3", ExampleRequest('{"resource_token":')),
    "no-subscriptions": ("A3", ExampleRequest({"resource_token": TOKEN})),
    "unknown-provider": ("S6", push(subscriptions=_PIGEON)),
    "unknown-matching": ("M10", push(matching="email")),
    "no-id": ("M2", push(matching="profile_id")),
    "no-field": ("M3", push(matching="custom", field_value=100)),
    "filtered-out": ("B3", push(db_ids=[FOREIGN_DB])),
    "no-databases": ("B3", push(resource_token=EMPTY_TOKEN)),
    "too-many": ("A3", push(subscriptions=_TOO_MANY)),
    "unknown-resource": ("B4", push(resource_token="nobody")),
    "unknown-path": ("A4", ExampleRequest({}, path="/push_subscribed")),
    "wrong-method": ("A4", ExampleRequest(None, "GET")),
    "item-duplicate": ("S4", push(subscriptions=_TWICE)),
    "item-provider": ("S6", push(resource_token=CHOOSY_TOKEN, subscriptions=_FOREIGN)),
    "item-unknown-field": ("M4", push(matching="custom", field_name="no_such_field", field_value=1)),
    "item-invalid-value": (
        "M5",
        push(matching="custom", field_name=NUMBER_FIELD, field_value="not a number"),
    ),
}


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


def _recipes() -> Iterator[Recipe]:
    """The recipes of the file. Where it says a token's word, the fault and the request follow from that."""
    groups = json.loads(Path(__file__).with_name("recipes.json").read_bytes())
    for group, rows in groups.items():
        for row in rows:
            if word := row.pop("word", None):
                row["token"] = PREFIX + ("after!" if group == "lost" else "") + word
                row["fault"] = _body(parse_token(row["token"]))
            rule, call = _CALLS.get(row["id"], (None, None))
            yield Recipe(group=group, call=call, rule=rule, **row)


#: Every recipe by its id, group by group, as ``recipes.json`` has them.
CATALOGUE: dict[str, Recipe] = {recipe.id: recipe for recipe in _recipes()}
