"""``run.py doctor``: verify a state directory and report what it holds."""

from collections.abc import Iterator
from pathlib import Path

import click

from emulator.cli.options import StateDirectory, setting
from emulator.store.doctor import DoctorReport, examine
from emulator.store.lock import holder
from emulator.workspaces.remembered import read_remembered

#: A running server creates and deletes files while they are read.
_LOOKS = 5


@click.command("doctor")
@setting("--state", type=StateDirectory(), help="The directory of the state.")
def command(state: Path) -> int:
    """Verify the checksums, indexes and rules of a state directory and report what it holds.

    It only reads. For a damaged state it reports what is lost and prints the commands that let a server
    start again.

    Exit status: 0 if everything is valid, 1 if there are problems, 2 if the directory cannot be read.
    """
    try:
        reports = _look(state)
    except OSError as error:
        raise click.ClickException(f"{error.filename or state}: {error.strerror or error}") from error
    for report in reports:
        click.echo("\n".join(_lines(report)))
    return 1 if any(report.findings for report in reports) else 0


def _look(folder: Path) -> list[DoctorReport]:
    for look in range(_LOOKS):
        moving = holder(folder) is not None and look < _LOOKS - 1
        try:
            reports = examine(folder, read_remembered)
        except FileNotFoundError:
            if not moving or not folder.is_dir():
                raise
            continue
        if not moving or not any(report.findings for report in reports):
            break
    if not reports:
        raise click.ClickException(f"{folder}: there is no state here")
    return reports


def _lines(report: DoctorReport) -> Iterator[str]:
    if report.size is None and not report.findings:
        yield f"{report.path.name}: nothing is stored yet"
        return
    facts = ["missing" if report.size is None else f"{report.size:,} bytes"]
    if report.format is not None:
        facts += [f"format {report.format}", f"generation {report.generation}"]
    yield f"{report.path.name}: {', '.join(facts)}"
    if report.counts:
        yield "  " + ", ".join(f"{name} {count:,}" for name, count in report.counts.items())
    for log in report.logs:
        text = f"  {log.path.name}: {log.transactions:,} transaction(s), {log.size:,} bytes"
        if log.superseded:
            text += ", superseded: removed at the next start"
        elif log.torn_bytes:
            text += f", the last {log.torn_bytes:,} of a torn one: cut off at the next start"
        yield text
    for finding in report.findings:
        yield f"  FOUND {finding}"
    if report.more_findings:
        yield f"  FOUND {report.more_findings:,} more of the same file"
    for line in report.advice:
        yield f"  {line}"
    if not report.findings:
        yield "  good"
