"""The work of ``compare``: calls are answered again, and the report is written."""

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click
import msgspec

from emulator.compare.inference import infer_fixtures
from emulator.compare.learning import learn
from emulator.compare.recorded import RecordedCall
from emulator.compare.replay import replay, replay_apart
from emulator.compare.report import ComparisonReport, Secrets, add_results, report_lines
from emulator.fixtures.load import load_fixtures, load_platform, write_fixtures
from emulator.rules.platform import Platform
from emulator.rules.texts import message
from emulator.settings import Settings
from emulator.store.files import replace_file
from emulator.store.fixture_set import FixtureSet


def complete(report: ComparisonReport, calls: Sequence[RecordedCall], options: dict[str, Any]) -> None:
    """Answer the calls once more, and put the result into the report."""
    platform = options["platform"]
    if options["fixtures"] is not None:
        given = load_fixtures(options["fixtures"], platform)
    else:
        given = FixtureSet(platform=None if platform is None else load_platform(platform))
    fixtures = given if options["apart"] else infer_fixtures(calls, given)
    if options["infer"] is not None:
        write_fixtures(options["infer"], fixtures)
        text = "%(file)s: the fixtures of the scratch workspace, with resource tokens"
        report.notes.append(report.said(message(text, file=str(options["infer"]))))
    settings = Settings(
        durability="none",
        policies=options["policies"],
        answers=options["answers"],
        strict=options["strict"],
        trust_platform=options["trust_platform"],
        journal_count=1,
    )
    answer_again = replay_apart if options["apart"] else replay
    known = Secrets(calls, [one.token for one in fixtures.resources])
    add_results(report, answer_again(calls, fixtures, settings), known)
    if options["learn"] is not None:
        _learn(report, calls, fixtures, known, options)


def _learn(
    report: ComparisonReport,
    calls: Sequence[RecordedCall],
    fixtures: FixtureSet,
    known: Secrets,
    options: dict[str, Any],
) -> None:
    times = [one.at for one in calls if one.at is not None]
    day = datetime.fromtimestamp(times[-1] / 1000, timezone.utc) if times else datetime.now(timezone.utc)
    host = report.host or "unknown"
    platform = learn(calls, fixtures, options["strict"], host, day.date().isoformat())
    platform = msgspec.convert(known.masked(msgspec.to_builtins(platform)), Platform)
    replace_file(options["learn"], [msgspec.json.format(msgspec.json.encode(platform), indent=2), b"\n"])
    said = [*(f"{name}={value}" for name, value in platform.policies.items()), *platform.answers]
    seen = ", ".join(said) or message("as the emulator answers")
    text = "%(file)s: the platform as these calls show it: %(seen)s"
    notes = [message(text, file=str(options["learn"]), seen=seen)]
    for rule, difference in platform.differs.items():
        notes.append(message("nothing explains %(rule)s: %(difference)s", rule=rule, difference=difference))
    report.notes += map(report.said, notes)


def conclude(report: ComparisonReport, options: dict[str, Any]) -> int:
    """Print the report; the exit status."""
    if options["report"] is not None:
        save(report, options["report"])
    click.echo(
        _document(report).decode()
        if options["as_json"]
        else "\n".join(report_lines(report, options["report"]))
    )
    return 1 if report.differing or report.stopped else 0


def _document(report: ComparisonReport) -> bytes:
    return msgspec.json.format(msgspec.json.encode(report), indent=2)


def save(report: ComparisonReport, path: Path) -> None:
    """Write the report as JSON. Raises :class:`click.ClickException`."""
    try:
        replace_file(path, [_document(report), b"\n"])
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror or error}") from error
