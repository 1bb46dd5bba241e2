"""Example requests, and the ``curl`` commands that send them to a workspace."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Any, NamedTuple

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
