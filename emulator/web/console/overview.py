"""``/__console/overview``: the contents, the activity and the settings of this workspace."""

from typing import Any

from flask import Response, flash, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from emulator.journal.entry import OUTCOMES
from emulator.rules.catalogue import POLICY_RULES, RULES
from emulator.settings import POLICY_CHOICES
from emulator.web.admin.loading import load
from emulator.web.admin.settings import ClockSchema, SettingsSchema, change_clock, change_settings
from emulator.web.admin.workspaces import deletion, making
from emulator.web.console.language import gettext
from emulator.web.console.pages import console_state, page_later, pages, see_other
from emulator.web.console.presenters.counts import MINUTES, Counts, Minute, count, minutes, round_up
from emulator.web.current import emulator, root_of, workspace
from emulator.web.later import reset_workspace
from emulator.workspaces.names import DEFAULT_WORKSPACE
from emulator.workspaces.settings import LINT_IDS
from emulator.workspaces.workspace import KEEPABLE

_PATH = "/__console/overview"


@pages.get(_PATH)
def overview() -> Response:
    """The page."""
    found = workspace()
    state, settings, workspaces = console_state(), emulator().settings, emulator().workspaces

    async def gather() -> tuple[Counts, list[Minute]]:
        counts = state.counts.get(found)
        if counts is None or not counts.good_for(found.store):
            counts = state.counts[found] = await count(found.store)
        return counts, await minutes(found.requests, found.clock.now_ms())

    def render(gathered: tuple[Counts, list[Minute]]) -> str:
        counts, recent = gathered
        opened = {one.name: one for one in workspaces}
        return render_template(
            "console/overview.html",
            counts=counts,
            databases=found.store.databases(),
            found=found,
            keepable=KEEPABLE,
            limits=settings,
            lints=[(rule, RULES[rule].text, found.settings.lints.get(rule)) for rule in LINT_IDS],
            minutes=MINUTES,
            outcomes=OUTCOMES,
            policy_rules=POLICY_RULES,
            policy_choices=POLICY_CHOICES,
            most=round_up(max(minute.total for minute in recent)),
            recent=recent,
            workspaces=[(name, opened.get(name)) for name in workspaces.names()],
        )

    return page_later(gather(), render)


@pages.post(_PATH + "/settings")
def set_choices() -> Response:
    """Change policies, strict mode and lints."""
    form = request.form
    asked: dict[str, Any] = {
        "policies": {name: form[name] for name in POLICY_CHOICES if name in form},
        "strict": "strict" in form,
        "lints": {rule: "report" if rule in form else "off" for rule in LINT_IDS},
    }
    change_settings(load(SettingsSchema(), asked))
    return see_other("console.overview", gettext("Saved."))


@pages.post(_PATH + "/clock")
def set_clock() -> Response:
    """Freeze the clock, move it, or let it run."""
    form = request.form
    given = {name: form[name].strip() for name in ("now", "advance") if name in form}
    change_clock(load(ClockSchema(), given))
    return see_other("console.overview", gettext("The clock is set."))


@pages.post(_PATH + "/reset")
def reset() -> Response:
    """Reset to the fixtures, except the parts that the form keeps."""
    work = reset_workspace([name for name in KEEPABLE if name in request.form])
    return page_later(work, lambda _: see_other("console.overview", gettext("The workspace is reset.")))


@pages.post(_PATH + "/workspaces")
def make_workspace() -> BaseResponse:
    """Make a workspace, or find it, and go there."""
    work = making(emulator().workspaces, request.form.get("name", "").strip())
    return page_later(work, lambda made: _overview_of(made.name, gettext("Created.")))


@pages.post(_PATH + "/workspaces/delete")
def delete_workspace() -> BaseResponse:
    """Delete a workspace with all that is in it."""
    work = deletion(emulator().workspaces, request.form.get("name", ""))
    return page_later(work, lambda _: _overview_of(DEFAULT_WORKSPACE, gettext("Deleted.")))


def _overview_of(name: str, said: str) -> BaseResponse:
    flash(said)
    return redirect(root_of(name) + _PATH, 303)
