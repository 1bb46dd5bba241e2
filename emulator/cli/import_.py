"""``run.py import``: load a file of collected tokens."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from emulator.cli.target import workspace_option
from emulator.emulator import Emulator
from emulator.fixtures.load import FixtureError
from emulator.importer.checking import Checked, check_plan, find_resource
from emulator.importer.columns import describe_columns, guess
from emulator.importer.dialect import DELIMITERS
from emulator.importer.execution import Import
from emulator.importer.interfaces import ImportStore
from emulator.importer.layout import Layout, read_layout
from emulator.importer.plan import MATCH_FORMS, ImportPlan, parse_match
from emulator.importer.problem import ImportRefused
from emulator.importer.remote import RemoteError, RemoteImport
from emulator.importer.report import Counts, Report
from emulator.importer.sources import Source
from emulator.rules.model import RequestError
from emulator.settings import DEFAULT_FIXTURES, Settings
from emulator.store.errors import StateError, Unavailable

#: Refusals that are printed; the report has all.
_PRINTED = 10
_BAR = "{percentage:3.0f}%|{bar:30}| {postfix} [{elapsed}<{remaining}]"
_PARTS = 1 << 20
_LOG_BYTES = 1 << 30

_path = click.Path(path_type=Path)


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--resource", required=True, metavar="TOKEN|ID", help="The resource to subscribe to.")
@click.option("--provider", required=True, help="The provider of all tokens in the file.")
@click.option("--match", "match_text", metavar="HOW", help=f"What finds the profile: {MATCH_FORMS}.")
@click.option("--token-column", metavar="COLUMN", help="The tokens: a header, or #N from 1.")
@click.option("--header/--no-header", default=None, help="Whether the first row names the columns.")
@click.option("--delimiter", help="comma, semicolon, tab, pipe or any one character.")
@click.option("--quote", help='" or \', or "" where nothing is quoted.')
@click.option("--encoding", help="utf-8, windows-1251, utf-16 …")
@click.option("--dry-run", is_flag=True, help="Change nothing, show what would happen.")
@click.option("--report", "report_path", type=_path, help="Save the report here, as CSV.")
@click.option("--state", type=_path, default=Settings.state, show_default=True, help="The state's directory.")
@click.option("--fixtures", type=_path, default=DEFAULT_FIXTURES, help="What a fresh state starts from.")
@workspace_option
@click.option("--url", help="Import through the server that runs there, e.g. http://127.0.0.1:8080.")
@click.option("--admin-token", envvar="EMULATOR_ADMIN_TOKEN", help="The server's admin token.")
def command(
    file: Path,
    resource: str,
    provider: str,
    match_text: str | None,
    token_column: str | None,
    header: bool | None,
    delimiter: str | None,
    quote: str | None,
    encoding: str | None,
    report_path: Path | None,
    dry_run: bool,
    **where: Any,
) -> int:
    """Import a table of tokens (.csv, .txt, .csv.gz, .zip) into a state directory or a running server.

    What is not said of the file is told from its content. Exit status: 0 if it came to its end, whatever
    rows were refused; 1 if not, or if nothing was started.
    """
    written: dict[str, Any] = {"header": header, "delimiter": delimiter, "quote": quote, "encoding": encoding}
    try:
        if match_text is None or token_column is None:
            return _suggest(file, resource, provider, written, where)
        plan = ImportPlan(
            resource, provider, parse_match(match_text), token_column, dry_run=dry_run, **written
        )
        if where["url"]:
            return _import_remotely(file, plan, report_path, where)
        return _import_here(file, plan, report_path, where)
    except ImportRefused as error:
        for problem in error.problems:
            click.echo(f"error: {problem}", err=True)
        click.echo("nothing was imported", err=True)
        return 1
    except (RemoteError, StateError, Unavailable, RequestError) as error:
        raise click.ClickException(_hint(error)) from error
    except FixtureError as error:
        click.echo(str(error), err=True)
        raise click.ClickException(f"the fixtures in {where['fixtures']} cannot be used") from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or file}: {error.strerror or error}") from error


def _import_here(file: Path, plan: ImportPlan, report_path: Path | None, where: Mapping[str, Any]) -> int:
    if report_path is not None and report_path.resolve() == file.resolve():
        raise click.ClickException("--report names the file itself")
    source = Source(file)
    emulator = Emulator(_settings(where))
    try:
        checked = check_plan(plan, source, emulator.workspaces.look(where["workspace"]).store)
        workspace = emulator.workspaces.get(where["workspace"])
        _announce(checked)
        report = Report(report_path)
        importing = Import(checked, workspace, report, workspace.store.sync)
        with _bar(source.size) as advance, _stopped_by_signals(importing.cancel):
            for done in importing.steps():
                advance(done.bytes_done, done.rows_per_s)
        seconds = importing.progress.seconds
    finally:
        emulator.close()
    refusals = [one._asdict() for one in report.refusals[: _PRINTED + 1]]
    _conclude(plan, report.state, report.problem, report.up_to_line, report.counts, refusals, seconds)
    if report_path is not None:
        click.echo(f"report: {report_path}")
    return 0 if report.state == "finished" else 1


def _import_remotely(file: Path, plan: ImportPlan, report_path: Path | None, where: Mapping[str, Any]) -> int:
    url = where["url"].rstrip("/") + (f"/w/{where['workspace']}" if where["workspace"] else "")
    with RemoteImport(url, where["admin_token"]) as remote:
        job = remote.start(file, plan)
        for lint in job["lints"]:
            click.echo(f"note: {lint}", err=True)
        with _bar(_PARTS) as advance, _stopped_by_signals(remote.cancel):
            for job in remote.follow():
                advance(int((job["progress"] or 0) * _PARTS), job["rows_per_s"] or 0.0)
        if report_path is not None:
            remote.save_report(report_path)
    counts = Counts(**job["counts"])
    _conclude(plan, job["state"], job["problem"], job["up_to_line"], counts, job["refusals"], job["seconds"])
    if report_path is not None:
        click.echo(f"report: {report_path}")
    return 0 if job["state"] == "finished" else 1


def _suggest(
    file: Path, resource: str, provider: str, written: Mapping[str, Any], where: Mapping[str, Any]
) -> int:
    """The columns of the file, and what could be said of them; exit status 2, for something is missing."""
    source = Source(file)
    layout = read_layout(source, **written)
    fields: list[str] = []
    if not where["url"]:
        emulator = Emulator(_settings(where))
        try:
            fields = _declared(emulator.workspaces.look(where["workspace"]).store, resource)
        finally:
            emulator.close()
    columns = describe_columns(layout, fields, provider)
    click.echo(_written(source.name, layout))
    for column in columns:
        looks = f"  looks like: {column.looks}" if column.looks else ""
        click.echo(f"  #{column.number} {column.name or '':20} {_short(column.example):40}{looks}")
    guessed = guess(columns)
    if guessed.match is not None:
        click.echo(f"perhaps: --match '{guessed.match}' --token-column '{guessed.token_column}'")
    click.echo("error: say which columns with --match and --token-column", err=True)
    return 2


def _settings(where: Mapping[str, Any]) -> Settings:
    # The end writes a snapshot anyway; one on the way would only take time from the import.
    return Settings(state=where["state"], fixtures=where["fixtures"], min_log_bytes=_LOG_BYTES)


def _declared(store: ImportStore, resource: str) -> list[str]:
    databases = map(store.database, find_resource(resource, store).db_ids)
    return [name for database in databases for name in database.fields]


def _announce(checked: Checked) -> None:
    plan = checked.plan
    click.echo(_written(checked.source.name, checked.layout))
    into = ", ".join(map(str, checked.resource.db_ids))
    click.echo(
        f"into resource {checked.resource.id} ({checked.resource.name}), databases {into}: "
        f"{plan.provider}, matching {plan.match}, tokens in {plan.token_column}"
    )
    for lint in checked.lints:
        click.echo(f"note: {lint}", err=True)


def _written(name: str, layout: Layout) -> str:
    delimiter = DELIMITERS.get(layout.dialect.delimiter, layout.dialect.delimiter)
    header = "a header" if layout.names is not None else "no header"
    return f"{name}: {layout.encoding}, {delimiter}, {header}, {layout.width} columns"


def _conclude(
    plan: ImportPlan,
    state: str,
    problem: str | None,
    up_to_line: int,
    counts: Counts,
    refusals: list[dict[str, Any]],
    seconds: float,
) -> None:
    if plan.dry_run:
        click.echo("dry run: nothing was changed; this is what would happen")
    for words, number in counts.lines():
        click.echo(f"  {words:24}{number:>12,}")
    for refusal in refusals[:_PRINTED]:
        in_database = "" if refusal["db_id"] is None else f", database {refusal['db_id']}"
        token = f" ({_short(refusal['token'])})" if refusal["token"] else ""
        click.echo(f"  line {refusal['line']}{in_database}: {refusal['reason']}{token}")
    if counts.refused > _PRINTED:
        click.echo(f"  … and {counts.refused - _PRINTED:,} more; --report FILE has all")
    rate = f", {counts.rows / seconds:,.0f} rows/s" if seconds > 0.1 else ""  # less says nothing
    done = "looked at" if plan.dry_run else "done"
    click.echo(f"{state} after {seconds:.1f} s{rate}; every row up to line {up_to_line} is {done}")
    if problem:
        click.echo(f"error: {problem}", err=True)


@contextmanager
def _bar(total: int) -> Iterator[Callable[[int, float], None]]:
    """A progress bar over bytes, with rows/s and the time left; nothing where nobody watches."""
    with tqdm(total=total, bar_format=_BAR, disable=None, file=sys.stderr, leave=False) as bar:

        def advance(bytes_done: int, rows_per_s: float) -> None:
            if not bar.disable:
                bar.set_postfix_str(f"{rows_per_s:,.0f} rows/s", refresh=False)
                bar.update(bytes_done - bar.n)

        yield advance


@contextmanager
def _stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the import between two transactions."""
    before = {number: signal.signal(number, lambda *_: stop()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _hint(error: Exception) -> str:
    if isinstance(error, StateError) and "in use by" in str(error):
        return f"{error}: import through it with --url http://HOST:PORT"
    return str(error)


def _short(text: str) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= 36 else f"{shown[:20]}…{shown[-12:]}"
