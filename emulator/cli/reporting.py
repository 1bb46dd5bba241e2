"""The end of a comparison: the calls answered once more, the report printed and saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from emulator.compare.inference import infer_fixtures
from emulator.compare.recorded import RecordedCall
from emulator.compare.replay import replay, replay_apart
from emulator.compare.report import Report, add_results, secrets_of
from emulator.compare.report_text import report_lines
from emulator.fixtures.load import load_fixtures
from emulator.fixtures.write import write_fixtures
from emulator.settings import Settings
from emulator.store.files import replace_file
from emulator.store.fixture_set import FixtureSet


def complete(report: Report, calls: Sequence[RecordedCall], options: dict[str, Any]) -> None:
    """Answer the calls once more, and put the result into the report."""
    given = FixtureSet() if options["fixtures"] is None else load_fixtures(options["fixtures"])
    fixtures = given if options["apart"] else infer_fixtures(calls, given)
    if options["infer"] is not None:
        write_fixtures(options["infer"], fixtures)
        report.notes.append(
            f"{options['infer']}: the fixtures of the scratch workspace, with resource tokens"
        )
    settings = Settings(
        durability="none", policies=options["policies"], strict=options["strict"], journal_count=1
    )
    answer_again = replay_apart if options["apart"] else replay
    known = secrets_of(calls, [one.token for one in fixtures.resources])
    add_results(report, answer_again(calls, fixtures, settings), known)


def conclude(report: Report, options: dict[str, Any]) -> int:
    """Print the report; the exit status."""
    if options["report"] is not None:
        save(report, options["report"])
    click.echo(_document(report).decode() if options["as_json"] else "\n".join(report_lines(report)))
    return 1 if report.differing or report.stopped else 0


def _document(report: Report) -> bytes:
    return msgspec.json.format(msgspec.json.encode(report), indent=2)


def save(report: Report, path: Path) -> None:
    """Write the report as JSON. Raises :class:`click.ClickException`."""
    try:
        replace_file(path, [_document(report), b"\n"])
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror or error}") from error
