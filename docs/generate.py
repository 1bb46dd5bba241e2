"""Write the pages that say what the code says: ``python docs/generate.py``. A test checks for drift."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from marshmallow import Schema

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from emulator.cli.serve import command as serve  # noqa: E402 (the clone's own package)
from emulator.fixtures.schema import DatabaseSchema, ProfileEntrySchema, ResourceSchema  # noqa: E402
from emulator.rules.catalogue import GRADES, RULES  # noqa: E402
from emulator.rules.fields import FIELD_KINDS, InvalidFieldValue, read_value  # noqa: E402
from emulator.rules.model import FieldType, FieldValue  # noqa: E402
from emulator.rules.overrides import ANSWERS, OwnAnswer  # noqa: E402
from emulator.rules.providers import DOCUMENTED  # noqa: E402
from emulator.settings import DEFAULT_FIXTURES, POLICY_CHOICES, Settings  # noqa: E402
from emulator.web.openapi.document import as_text, openapi_document, schema_documents  # noqa: E402
from emulator.workspaces.settings import LINT_IDS  # noqa: E402
from push_emulator import errors, journal, records, world  # noqa: E402
from push_emulator.emulator_client import EmulatorClient  # noqa: E402
from push_emulator.local_server import LocalServer, StartError  # noqa: E402
from push_emulator.push_emulator import PushEmulator, Verification  # noqa: E402

#: The classes of the client, in the order in which a test meets them.
CLIENT: list[tuple[str, Any]] = [
    ("`push_emulator`, the fixture", PushEmulator),
    ("`push_emulator.verify(…)`", Verification),
    ("EmulatorClient", EmulatorClient),
    ("`client.requests`", journal.Requests),
    ("`client.faults`", world.Faults),
    ("`client.clock`", world.ClockCalls),
    ("`client.settings`", world.SettingsCalls),
    ("`client.databases`", records.Databases),
    ("`client.resources`", records.Resources),
    ("`client.profiles`", records.Profiles),
    ("`client.subscriptions`", records.Subscriptions),
    ("`client.workspaces`", world.WorkspaceList),
    ("`client.imports`", world.Imports),
    ("LocalServer", LocalServer),
    ("EmulatorError", errors.EmulatorError),
    ("VerificationFailed", errors.VerificationFailed),
    ("StartError", StartError),
]
#: Members that are not for tests: the client's own, and those of every exception.
HIDDEN = {"over", "forgotten", "add_note", "with_traceback"}
#: What each policy decides.
POLICIES = {
    "duplicate_token": "a token that is active on another profile: an error item, or it moves (S4)",
    "unknown_id": "a profile made for an unknown `id` keeps that id, or gets a new one (M8)",
    "several_profiles": "several profiles have the field's value or the inactive token: the oldest wins, "
    "or the newest, or the database answers an error item (M9)",
    "repeated_subscription": "a subscription twice in a request: the second is an error item or ignored (S5)",
    "unchanged_database": "a database in which nothing changed: one bare item, or none (S7)",
    "unchanged_error": "such a database makes the envelope's `error` 200, or leaves it 0 (A2)",
    "no_databases": "a resource without databases, or a filter that leaves none: an error, or an answer with "
    "`data: []` and `error: 0` (B3)",
    "error_data": "the envelope of an error has `data: []`, or no `data` (A3)",
    "http_status": "a refused request has the HTTP status of its code, or 200 (A3)",
    "sdk_retries": "a mobile SDK's repeated Request-ID gets the first answer again, or is carried out (K3)",
    "sdk_unknown_profile": "an SDK's update of an unknown profile: `profile: null`, or an error 400 (K50)",
}


def rules_page() -> str:
    """``rules.md``: every rule with its id and grade."""
    lines = [
        "# Rules",
        "",
        "What the emulator answers, rule by rule. `GET /__admin/rules` has the same as data, with how often",
        "each has decided; the tests are named after the ids. [Policies](configuration.md#policies),",
        "[overridden answers](configuration.md#codes-and-texts-of-answers) and a",
        "[platform file](configuration.md#the-platform-file) change what is answered.",
        "",
    ]
    lines += [f"- **{grade}** {text}" for grade, text in GRADES.items()]
    lines += ["", "| rule | grade | what it says |", "|---|---|---|"]
    lines += [f"| {rule.id} | {rule.grade} | {_cell(rule.text)} |" for rule in RULES.values()]
    return "\n".join(lines) + "\n"


def configuration_page() -> str:
    """``configuration.md``: every option of ``serve``, and the policies."""
    lines = [
        "# Configuration",
        "",
        "Each setting is an option of `run.py serve`, else a variable of the environment, else its default.",
        "",
        "| option | variable | default | what it does |",
        "|---|---|---|---|",
    ]
    lines += [_option_row(one) for one in serve.params if isinstance(one, click.Option)]
    lines += [
        "",
        "A flag is set in the environment by `1` or `true`. `EMULATOR_POLICY` has several policies,",
        "separated by spaces, `EMULATOR_ANSWER` several answers. Errors of use are one line on standard",
        "error, with exit status 2.",
        "",
        "## Policies",
        "",
        "Where the documentation does not say, a workspace can choose. `--policy NAME=VALUE` is what new",
        "workspaces start with; `PATCH /__admin/settings` changes it for one while the server runs.",
        "",
        "| policy | values, the default first | decides |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{name}` | {', '.join(f'`{choice}`' for choice in choices)} | {_cell(POLICIES[name])} |"
        for name, choices in POLICY_CHOICES.items()
    ]
    answers = ["| answer | when | what can be set | by default |", "|---|---|---|---|"]
    answers += [_answer_row(name, own) for name, own in ANSWERS.items()]
    prose = (FOLDER / "configuration.answers.head.md").read_text(encoding="utf-8")
    lines += ["", prose.replace("{answers}", "\n".join(answers)), "## Strict mode and lints", ""]
    lines += [
        f"`strict` and the lints {LINT_IDS[0]}–{LINT_IDS[-1]} (`report` or `off`) are set in the same way:",
        "",
        "```sh",
        "curl -X PATCH http://127.0.0.1:8080/__admin/settings \\",
        '  -d \'{"strict": true, "lints": {"L3": "off"}}\'',
        "```",
    ]
    return "\n".join(lines) + "\n"


#: Of each file its schema and an example.
FIXTURES: dict[str, tuple[type[Schema], str]] = {
    "databases.json": (
        DatabaseSchema,
        """[
  {"id": 17, "name": "Main", "fields": {
    "CustomNumber1": "int", "email": "string", "birthday": "date",
    "tier": {"type": "enum", "options": ["gold", "blue"]}}},
  {"id": 34, "name": "Club"}
]""",
    ),
    "resources.json": (
        ResourceSchema,
        """[
  {"id": 5, "name": "App", "token": "my-resource-token", "db_ids": [17, 34]},
  {"id": 6, "name": "App in RuStore", "token": "rustore", "db_ids": [17], "providers": ["android-rustore"]},
  {"id": 7, "name": "App with a mobile SDK", "token": "sdk", "db_ids": [17], "providers": ["ios-apns"],
   "role_tokens": [{"token": "my-role-token", "name": "Staging", "db_id": 17, "expires": "2030-01-01"}],
   "categories": [{"name": "news", "title": "News"}, {"name": "service", "title": "Service", "steady": true}],
   "subscription_fields": {"points": "int"}, "jwt_key": "a secret of at least 32 characters"}
]""",
    ),
    "profiles.json": (
        ProfileEntrySchema,
        """[
  {"id": "anna", "db_id": 17, "fields": {"CustomNumber1": 100, "birthday": "1990-02-28", "tier": "gold"},
   "subscriptions": [
     {"resource_id": 5, "provider": "android-firebase", "subscription_id": "annas-token"},
     {"resource_id": 6, "provider": "android-rustore", "subscription_id": "old", "status": "unsubscribed"},
     {"resource_id": 7, "provider": "ios-apns", "subscription_id": "annas-tablet", "status": "suspended",
      "fields": {"points": 12, "_os_ver": "17.5"}, "cats": [{"name": "news", "active": true}]}]},
  {"db_id": 34}
]""",
    ),
}
#: What a member says, beside its type.
MEMBERS = {
    "databases.json id": "unique",
    "databases.json fields": "the custom fields by name, each with its type (below)",
    "resources.json id": "unique",
    "resources.json token": "the `resource_token` of requests; unique",
    "resources.json db_ids": "the databases, in the order of the answer's items; may be empty (B3)",
    "resources.json providers": "what the resource accepts (S6); left out: the documented providers (below)",
    "resources.json role_tokens": "the role tokens of mobile SDKs (T1)",
    "resources.json categories": "the categories that its subscriptions choose from (K14)",
    "resources.json subscription_fields": "the fields of its subscriptions, each with its type, beside those "
    "that the SDKs send by themselves (`_os`, `_os_ver` …)",
    "resources.json jwt_key": "verifies the JWTs of its databases: a secret of HS256, or a public key in PEM "
    "(T4); left out: any signature is accepted",
    "role_tokens token": "what follows `rtoken@`; unique",
    "role_tokens name": "for people",
    "role_tokens db_id": "the database of its profiles; one of the resource's",
    "role_tokens expires": "when it expires (T5); left out: it does not",
    "categories name": "unique in the resource",
    "categories title": "for people",
    "categories steady": "true: an app cannot change it (K14)",
    "profiles.json id": "1 to 64 printable characters, unique in its database; left out: one is made",
    "profiles.json db_id": "the database",
    "profiles.json fields": "values of fields that the database declares",
    "profiles.json is_test": "left out: false",
    "profiles.json subscriptions": "the profile's push subscriptions; left out: none",
    "subscriptions resource_id": "a resource that has the profile's database",
    "subscriptions provider": "one that the resource accepts",
    "subscriptions subscription_id": "the token; active on one profile of a database at most (S4)",
    "subscriptions status": "`subscribed`, `suspended` or `unsubscribed`; left out: `subscribed`",
    "subscriptions fields": "values of the SDKs' fields and of the resource's `subscription_fields`",
    "subscriptions cats": "which of the resource's categories the subscription wants (K14)",
    "cats name": "a category of the resource",
    "cats active": "whether it is wanted",
}
#: Of each type of a field values in fixtures and requests.
VALUES: dict[str, tuple[FieldType, list[FieldValue]]] = {
    "int": (FieldType("int"), [123, "123", 123.0]),
    "float": (FieldType("float"), [4.5, 4, "4.5"]),
    "string": (FieldType("string"), ["Anna", 7]),
    "bool": (FieldType("bool"), [True, "false"]),
    "date": (FieldType("date"), ["1990-02-28"]),
    "datetime": (
        FieldType("datetime"),
        ["2026-01-31T12:00:00Z", "2026-01-31T15:00+03:00", "2026-01-31 12:00"],
    ),
    "ip": (FieldType("ip"), ["192.0.2.7", "2001:DB8::1"]),
    "enum": (FieldType("enum", ("gold", "blue")), ["gold"]),
}


def fixtures_page() -> str:
    """``fixtures.md``: the files of a fixture set."""
    lines = [(FOLDER / "fixtures.head.md").read_text(encoding="utf-8").rstrip(), ""]
    for name, (schema, example) in FIXTURES.items():
        lines += [f"## {name}", "", "```json", example, "```", "", *_members(name, schema())]
    lines += [
        "## Types of fields",
        "",
        'A type is its name, an enum `{"type": "enum", "options": […]}`. Values of fixtures and',
        "of requests are read alike (M5), stored in one form and compared in that form; a time without",
        "a zone is UTC.",
        "",
        "| type | a value must be | written → stored |",
        "|---|---|---|",
    ]
    for kind in FIELD_KINDS:
        field_type, values = VALUES.get(kind, (FieldType(kind), []))
        stored = (f"`{json.dumps(one)}` → `{json.dumps(read_value(field_type, one))}`" for one in values)
        lines.append(f"| `{kind}` | {_wanted(field_type)} | {', '.join(stored)} |")
    lines += [
        "",
        "## Providers",
        "",
        "Documented, and accepted by a resource without `providers`: "
        + ", ".join(f"`{one}`" for one in DOCUMENTED)
        + ".",
        "",
        "A resource's `providers` may name others, such as `android-rustore`. A name that is one or two",
        "letters away from a documented one, or differs in case or marks only, is a mistake:",
        "`android-firebse`, `iOS_APNS`.",
        "",
    ]
    lines.append((FOLDER / "fixtures.tail.md").read_text(encoding="utf-8").rstrip())
    return "\n".join(lines) + "\n"


def _members(name: str, schema: Schema) -> list[str]:
    lines = ["| member | type | needed | |", "|---|---|---|---|"]
    more: list[str] = []
    for member, field in schema.fields.items():
        needed = "yes" if field.required else ""
        kind = field.error_messages.get("invalid", "").removeprefix("must be ")
        lines.append(
            f"| `{member}` | {_cell(kind)} | {needed} | {_cell(MEMBERS.get(f'{name} {member}', ''))} |"
        )
        nested = getattr(getattr(field, "inner", None), "schema", None)
        if nested is not None:
            more += [f"Each of `{member}`:", "", *_members(member, nested)]
    return [*lines, "", *more]


def _wanted(field_type: FieldType) -> str:
    for wrong in (True, "\0"):
        try:
            read_value(field_type, wrong)
        except InvalidFieldValue as error:
            return str(error) if field_type.kind != "enum" else "one of its options"
    raise AssertionError(field_type)


def _answer_row(name: str, own: OwnAnswer) -> str:
    usual = [str(own.code)] if own.code is not None else []
    usual += [f'"{own.description}"'] if own.description is not None else []
    members = ", ".join(f"`{one}`" for one in own.members)
    return f"| `{name}` | {_cell(own.when)} | {members} | {', '.join(usual)} |"


def admin_page() -> str:
    """``admin-api.md``: every call of the admin API."""
    document = openapi_document()
    lines = [(FOLDER / "admin-api.head.md").read_text(encoding="utf-8")]
    calls: dict[str, list[str]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            row = f"| `{method.upper()} {path}` | {_cell(operation['summary'])} | {_sent(operation)} |"
            calls[operation["tags"][0]].append(row)
    for tag, rows in calls.items():
        if tag not in ("push_subscribe", "sdk"):
            lines += [f"## {tag.capitalize()}", "", "| call | does | takes |", "|---|---|---|", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"


def client_page() -> str:
    """``client.md``: every class and method that a test calls."""
    lines = [
        "# The Python client and the pytest fixture",
        "",
        "`push_emulator` is the fixture's object ([ci.md](ci.md) shows it in use); its `client` is an",
        "`EmulatorClient`. `AsyncEmulatorClient` has the methods of `EmulatorClient`, each awaited,",
        "and `aclose` for `close`.",
    ]
    for title, cls in CLIENT:
        lines += ["", f"## {title}", "", *_made(title, cls), _prose(cls)]
        for name, member in inspect.getmembers(cls):
            if not name.startswith("_") and name not in HIDDEN and inspect.getdoc(member):
                called = "" if isinstance(member, property) else _signature(member)
                lines += ["", f"### `{name}{called}`", "", _prose(member)]
    return "\n".join(lines) + "\n"


def _made(title: str, cls: type) -> list[str]:
    """How a test makes one, where it does: then the title is the name of the class."""
    if title != cls.__name__ or issubclass(cls, Exception):
        return []
    return [f"`{title}{_signature(cls).removesuffix(' -> None')}`", ""]


def _signature(method: Any) -> str:
    found = inspect.signature(method)
    kept = [one for name, one in found.parameters.items() if name != "self"]
    return re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(found.replace(parameters=kept)))


def _prose(member: Any) -> str:
    """A docstring as Markdown."""
    text = inspect.getdoc(member) or ""
    text = re.sub(r":(?:class|meth):`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", text)
    return text.replace("``", "`")


def _sent(operation: dict[str, Any]) -> str:
    """What a call takes: the names in its query, and its body's schema."""
    taken = [f"`{one['name']}`" for one in operation["parameters"] if one.get("in") == "query"]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        reference = content["schema"].get("$ref", "")
        properties = content["schema"].get("properties", {})
        names = ", ".join(f"`{name}`" for name in properties)
        taken.append(f"body: {reference.rpartition('/')[2]}" if reference else f"form: {names}")
    return ", ".join(taken)


def _option_row(option: click.Option) -> str:
    flags = ", ".join(f"`{flag}`" for flag in (*option.opts, *option.secondary_opts))
    variable = f"`{option.envvar}`" if isinstance(option.envvar, str) else ""
    return f"| {flags} | {variable} | {_default(option)} | {_cell(option.help or '')} |"


def _default(option: click.Option) -> str:
    value = getattr(Settings, option.name or "", None)
    if option.default == DEFAULT_FIXTURES:
        return "the default set"
    shown = value if value is not None else option.default
    if option.is_flag or option.multiple or not isinstance(shown, (str, int, float, Path)):
        return ""
    return f"`{shown}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PAGES: dict[str, Callable[[], str]] = {
    "fixtures.md": fixtures_page,
    "rules.md": rules_page,
    "configuration.md": configuration_page,
    "admin-api.md": admin_page,
    "client.md": client_page,
    "openapi.json": lambda: as_text(openapi_document()),
    "schemas/push_request.json": lambda: as_text(schema_documents()["push_request.json"]),
    "schemas/push_answer.json": lambda: as_text(schema_documents()["push_answer.json"]),
    "schemas/refusal.json": lambda: as_text(schema_documents()["refusal.json"]),
}


def main() -> None:
    """Write all pages."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
