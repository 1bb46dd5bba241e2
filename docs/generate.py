"""Write the pages that say what the code says: ``python docs/generate.py``. A test checks for drift."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from emulator.cli.serve import command as serve  # noqa: E402 (the clone's own package)
from emulator.rules.catalogue import GRADES, RULES  # noqa: E402
from emulator.rules.overrides import ANSWERS, OwnAnswer  # noqa: E402
from emulator.settings import DEFAULT_FIXTURES, POLICY_CHOICES, Settings  # noqa: E402
from emulator.web.openapi.document import as_text, openapi_document, schema_documents  # noqa: E402
from emulator.workspaces.settings import LINT_IDS  # noqa: E402

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
        "A flag is set in the environment by `1` or `true`. `EMULATOR_POLICY` has several policies apart by",
        "spaces, `EMULATOR_ANSWER` several answers. Errors of use are one line on standard error, with exit",
        "status 2.",
        "",
        "## Policies",
        "",
        "Where the page is silent, a workspace can choose. `--policy NAME=VALUE` is what new workspaces",
        "start with; `PATCH /__admin/settings` changes it for one while the server runs.",
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
        if tag != "push_subscribe":
            lines += [f"## {tag.capitalize()}", "", "| call | does | takes |", "|---|---|---|", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"


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
    "rules.md": rules_page,
    "configuration.md": configuration_page,
    "admin-api.md": admin_page,
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
