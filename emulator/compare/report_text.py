"""The report as text for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emulator.compare.differences import ABSENT
from emulator.compare.report import DifferingCall, Report, RuleResult

#: The widest column of an answer, in characters; the JSON report has all.
_WIDEST = 48
_REQUEST = 300


def report_lines(report: Report, saved: Path | None = None) -> Iterator[str]:
    """The lines of the report; ``saved``: the file that has it, too."""
    yield f"{', '.join(report.sources)}: {_count(report.compared, 'call')} compared" + (
        f" (host {report.host})" if report.host else ""
    )
    for reason, number in sorted(report.left_out.items(), key=lambda one: -one[1]):
        first = f"  (first: {report.first_left_out[reason]})" if reason in report.first_left_out else ""
        yield f"  not compared: {number:>6,}  {reason}{first}"
    for note in report.notes:
        yield f"note: {note}"
    for one in report.differences:
        yield ""
        yield from _call(one)
    if report.more:
        yield f"\n… and {report.more:,} more calls that differ by these rules"
    yield ""
    yield "by rule (D documented, O observed, I inferred; calls that show the rule)"
    hidden = [result.rule for result in report.rules if result.verdict == "not observable"]
    for verdict in ("differs", "agrees"):
        yield from (_rule(result) for result in report.rules if result.verdict == verdict)
    if hidden:
        yield f"  not observable in these calls: {', '.join(hidden)}"
    yield ""
    yield from created_lines(report, saved)
    yield _conclusion(report)


def created_lines(report: Report, saved: Path | None = None) -> Iterator[str]:
    """What probes left at the platform, and how to take it back."""
    if report.stopped:
        yield f"stopped early: {report.stopped}"
    left = [one for one in report.created if one.state != "unsubscribed"]
    for one in left:
        where = ", ".join(f"profile {place.profile_id} in database {place.db_id}" for place in one.places)
        yield f"  {one.state:12} {one.provider} {one.subscription_id}" + (f" on {where}" if where else "")
    if left:
        yield f"take back: compare --clean {saved or 'REPORT'} --resource-token …"
    elif report.created:
        yield f"{_count(len(report.created), 'subscription')} made by probes, unsubscribed again"


def _conclusion(report: Report) -> str:
    if not report.differing:
        return "no difference"
    rules = ", ".join(one.rule for one in report.rules if one.verdict == "differs")
    return f"{_count(report.differing, 'call')} of {report.compared:,} answered differently: {rules}"


def _rule(one: RuleResult) -> str:
    number = f"{one.differing:,} of {one.calls:,}" if one.differing else f"{one.calls:,}"
    return f"  {one.verdict:8} {one.rule:4} {one.grade}  {number:>12}  {one.text}"


def _call(one: DifferingCall) -> Iterator[str]:
    yield f"{one.place}: differs by {', '.join(one.rules)}"
    yield f"  request  {_cut(_text(one.request), _REQUEST)}"
    rows = [(each.differs, each.path, _text(each.platform), _text(each.emulator)) for each in one.members]
    paths = max(len(path) for _, path, _, _ in rows)
    wide = min(_WIDEST, max(len("platform"), *(len(there) for _, _, there, _ in rows)))
    yield f"    {'':{paths}}  {'platform':{wide}}  emulator"
    for differs, path, there, here in rows:
        yield f"  {'!' if differs else ' '} {path:{paths}}  {_cut(there, wide):{wide}}  {_cut(here, _WIDEST)}"


def _text(value: Any) -> str:
    return ABSENT if value == ABSENT else json.dumps(value, ensure_ascii=False)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
