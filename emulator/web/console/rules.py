"""``/__console/rules`` and ``/comparison``: every rule, the real platform, a report that compares both."""

import json
from functools import partial
from typing import Any

import msgspec
from flask import Response, render_template, request

from emulator.compare.report import ComparisonReport
from emulator.rules.catalogue import GRADES
from emulator.rules.errors import Invalid, TooLarge
from emulator.rules.overrides import ANSWERS
from emulator.rules.texts import Problem
from emulator.web.admin.health import rule_states
from emulator.web.admin.loading import load
from emulator.web.admin.settings import SettingsSchema, change_settings
from emulator.web.console.pages import console_state, pages, read_json, see_other
from emulator.web.current import workspace, workspace_to_change

_PATH = "/__console/rules"


@pages.get(_PATH)
def rules() -> str:
    """Every rule, family by family."""
    found = workspace()
    settings = found.settings
    return render_template(
        "console/rules.html",
        answers=ANSWERS,
        grades=GRADES,
        overridden=_shown(settings.answers),
        platform=settings.platform,
        states=rule_states(found),
        platform_file="" if settings.platform is None else _shown(settings.platform),
        trusted=settings.trust_platform,
    )


def _shown(value: Any) -> str:
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=False, indent=2)


@pages.post(_PATH + "/platform")
def set_platform() -> Response:
    """Follow a platform file, or none."""
    asked = {"platform": read_json("platform", None), "trust_platform": "trust_platform" in request.form}
    return _change(asked)


@pages.post(_PATH + "/answers")
def set_answers() -> Response:
    """Override these answers, and no others."""
    asked = read_json("answers", {})
    gone = dict.fromkeys(workspace().settings.answers)
    return _change({"answers": {**gone, **asked} if isinstance(asked, dict) else asked})


def _change(asked: dict[str, Any]) -> Response:
    change_settings(load(SettingsSchema(), asked))
    return see_other("console.rules")


_COMPARISON = "/__console/comparison"
#: The largest report that is read, in bytes: a run shows a few hundred calls at most.
_MOST_BYTES = 32 << 20


@pages.get(_COMPARISON)
def comparison() -> str:
    """The report that was opened last in this workspace, and the form that opens one."""
    return _comparison_page(console_state().reports.get(workspace()))


def _comparison_page(report: ComparisonReport | None) -> str:
    shown = partial(json.dumps, ensure_ascii=False)
    return render_template("console/comparison.html", report=report, shown=shown)


@pages.post(_COMPARISON)
def open_report() -> Response:
    """Show another report. Raises :class:`Invalid` for any other file, and :class:`TooLarge`."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise Invalid(Problem("file", "choose a file"))
    content = sent.stream.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise TooLarge(Problem.of("file", "must be at most %(bytes)s bytes", bytes=_MOST_BYTES))
    try:
        report = msgspec.json.decode(content, type=ComparisonReport)
        _comparison_page(report)  # one that is kept and cannot be shown would break this page from now on
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ArithmeticError) as error:
        raise Invalid(Problem("file", "must be a report that compare --report FILE wrote")) from error
    workspace_to_change()
    console_state().reports[workspace()] = report
    return see_other("console.comparison")
