"""``/__console/overview``: what there is, what happens, and how this workspace is set."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Blueprint, Response, render_template, request
from msgspec.structs import replace

from emulator.journal.entry import OUTCOMES
from emulator.rules.catalogue import RULES
from emulator.rules.model import RequestError
from emulator.settings import POLICY_CHOICES
from emulator.web.admin.clock import ClockSchema
from emulator.web.admin.clock import changed as moved
from emulator.web.admin.loading import load
from emulator.web.admin.settings import SettingsSchema
from emulator.web.console.later import page_later
from emulator.web.console.moving import see_other
from emulator.web.console.presenters.counts import Counts, count
from emulator.web.console.presenters.minutes import MINUTES, Minute, chart, minutes
from emulator.web.console.state import ConsoleState, console_state
from emulator.web.console.words import gettext
from emulator.web.current import emulator, workspace, workspace_to_change
from emulator.workspaces.registry import Workspaces, check_name
from emulator.workspaces.settings import LINT_IDS, WorkspaceSettings
from emulator.workspaces.workspace import DEFAULT_WORKSPACE, KEEPABLE, Workspace

#: Where each policy comes from, and what each choice means.
POLICIES = {
    "duplicate_token": (
        "S4",
        "A token that is active on another profile",
        {
            "error": "is refused: Duplicate push subscription",
            "move": "moves: the other profile is unsubscribed first",
        },
    ),
    "unknown_id": (
        "M8",
        "A profile made for an id that nobody has",
        {"keep": "gets that id", "new": "gets an id of its own"},
    ),
    "http_status": (
        "A3",
        "The HTTP status of a refused request",
        {"mirror": "is the error's code", "always_200": "is always 200"},
    ),
}


class Gathered(NamedTuple):
    """What takes a while to work out."""

    counts: Counts
    minutes: list[Minute]


def add_routes(blueprint: Blueprint) -> None:
    """Add this page's routes."""
    path = "/__console/overview"
    blueprint.add_url_rule(path, "overview", show_overview)
    blueprint.add_url_rule(path + "/settings", "set_choices", set_choices, methods=["POST"])
    blueprint.add_url_rule(path + "/clock", "set_clock", set_clock, methods=["POST"])
    blueprint.add_url_rule(path + "/reset", "reset", reset, methods=["POST"])
    blueprint.add_url_rule(path + "/workspaces", "make_workspace", make_workspace, methods=["POST"])
    blueprint.add_url_rule(
        path + "/workspaces/delete", "delete_workspace", delete_workspace, methods=["POST"]
    )


def show_overview() -> Response:
    """The page."""
    found = workspace()
    settings, workspaces = emulator().settings, emulator().workspaces

    def render(gathered: Gathered) -> str:
        return render_template(
            "console/overview.html",
            chart=chart(gathered.minutes, gettext("Requests per minute by outcome"), gettext),
            counts=gathered.counts,
            databases=found.store.databases(),
            found=found,
            keepable=KEEPABLE,
            limits=settings,
            lints=[(rule, RULES[rule].text, found.settings.lints.get(rule)) for rule in LINT_IDS],
            minutes=MINUTES,
            outcomes=OUTCOMES,
            policies=POLICIES,
            policy_choices=POLICY_CHOICES,
            recent=gathered.minutes,
            workspaces=_listed(workspaces),
        )

    return page_later(_gather(console_state(), found), render)


async def _gather(state: ConsoleState, found: Workspace) -> Gathered:
    counts = state.counts.get(found)
    if counts is None or not counts.good_for(found.store):
        counts = state.counts[found] = await count(found.store)
    return Gathered(counts, await minutes(found.requests, found.clock.now_ms()))


def set_choices() -> Response:
    """Change policies, strict mode and lints."""
    form = request.form
    asked: dict[str, Any] = {
        "policies": {name: form[name] for name in POLICY_CHOICES if name in form},
        "strict": "strict" in form,
        "lints": {rule: "report" if rule in form else "off" for rule in LINT_IDS},
    }
    choices = _without_defaults(workspace().settings.changed(load(SettingsSchema(), asked)))
    workspace_to_change().set_settings(choices)
    return see_other("console.overview")


def _without_defaults(choices: WorkspaceSettings) -> WorkspaceSettings:
    return replace(choices, lints={rule: choice for rule, choice in choices.lints.items() if choice == "off"})


def set_clock() -> Response:
    """Freeze the clock, move it, or let it run."""
    form = request.form
    asked = load(ClockSchema(), {name: form[name].strip() for name in ("now", "advance") if form.get(name)})
    setting = moved(workspace().clock.setting, asked)
    workspace_to_change().set_clock(setting)
    return see_other("console.overview")


def reset() -> Response:
    """Back to the fixtures, but for what the form wants to keep."""
    workspace_to_change().reset([name for name in KEEPABLE if name in request.form])
    return see_other("console.overview")


def make_workspace() -> Response:
    """Make a workspace, or find it, and go there."""
    name = request.form.get("name", "").strip()
    check_name(name)
    return _overview_of(emulator().workspaces.get(name).name)


def delete_workspace() -> Response:
    """Delete a workspace with all that is in it."""
    name = request.form.get("name", "")
    if not emulator().workspaces.delete(name):
        raise RequestError(404, f"workspace {name} not found", "A3")
    return _overview_of(DEFAULT_WORKSPACE)


def _overview_of(name: str) -> Response:
    response = see_other("console.overview")
    prefix = "" if name == DEFAULT_WORKSPACE else f"/w/{name}"
    response.headers["Location"] = f"{prefix}/__console/overview"
    return response


def _listed(workspaces: Workspaces) -> list[tuple[str, Workspace | None]]:
    opened = {one.name: one for one in workspaces}
    return [(name, opened.get(name)) for name in workspaces.names()]
