"""``/__console/comparison``: a report of ``push-emulator compare``, both answers side by side."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from flask import Response, render_template, request

from emulator.compare.report import Report
from emulator.rules.errors import Invalid, TooLarge
from emulator.web.console.language import gettext
from emulator.web.console.pages import console_state, pages, see_other
from emulator.web.current import workspace, workspace_to_change

_PATH = "/__console/comparison"
#: The largest report that is read, in bytes: a run shows a few hundred calls at most.
_MOST_BYTES = 32 << 20


@pages.get(_PATH)
def comparison() -> str:
    """The report that was opened last in this workspace, and the form that opens one."""
    report = console_state().reports.get(workspace())
    by_verdict: dict[str, list[Any]] = {"differs": [], "agrees": [], "not observable": []}
    for one in report.rules if report is not None else ():
        by_verdict[one.verdict].append(one)
    return render_template("console/comparison.html", report=report, results=by_verdict, shown=_shown)


@pages.post(_PATH)
def open_report() -> Response:
    """Show another report. Raises :class:`Invalid` for what is none, and :class:`TooLarge`."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise Invalid(f"file: {gettext('choose a file')}", "A3")
    content = sent.stream.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise TooLarge(f"file: must be at most {_MOST_BYTES} bytes", "A3")
    try:
        report = msgspec.json.decode(content, type=Report)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        text = gettext("must be a report that compare --report FILE wrote")
        raise Invalid(f"file: {text}", "A3") from error
    workspace_to_change()
    console_state().reports[workspace()] = report
    return see_other("console.comparison")


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
