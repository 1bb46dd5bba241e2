"""``run.py import``: load a file of collected tokens."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from time import sleep
from typing import Any

import click

from emulator.cli.options import StateDirectory
from emulator.cli.target import workspace_option
from emulator.emulator import Emulator
from emulator.fixtures.load import FixtureError
from emulator.importer.checking import Checked, check_plan, declared_fields, find_resource
from emulator.importer.columns import describe_columns, guess
from emulator.importer.execution import Import
from emulator.importer.layout import DELIMITERS, Layout, read_layout
from emulator.importer.plan import MATCH_FORMS, ImportPlan, parse_match
from emulator.importer.problem import ImportRefused
from emulator.importer.report import REPORT_DELIMITERS, Description, count_lines, refusal_file, report_csv
from emulator.importer.sources import Source
from emulator.rules.errors import Refused
from emulator.settings import DEFAULT_FIXTURES, Settings
from emulator.store.errors import StateError, StateInUse, Unavailable
from emulator.store.files import replace_file
from push_emulator.errors import EmulatorError
from push_emulator.workspace_answers import ImportState

#: Refusals that are printed; the report has all.
_PRINTED = 10
_PARTS = 1 << 20
_JOURNAL_BYTES = 1 << 30
#: Seconds between two queries for the state of an import in a server: at first, for small files, and at most.
_LOOK_AT_FIRST_S, _LOOK_AT_MOST_S = 0.05, 0.5
#: Seconds that the server may take for one answer; it reads a large upload first.
_PATIENCE_S = 600.0

_path = click.Path(path_type=Path)


def _regular(ctx: click.Context, param: click.Parameter, file: Path) -> Path:
    if os.path.exists(file) and not os.path.isfile(file):
        raise click.BadParameter(
            f"{file} is a pipe or a device; the file is read several times: save it first"
        )
    return file


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), callback=_regular)
@click.option("--resource", required=True, metavar="TOKEN|ID", help="The resource to subscribe to.")
@click.option("--provider", required=True, help="The provider of all tokens in the file.")
@click.option("--match", metavar="HOW", help=f"What finds the profile: {MATCH_FORMS}.")
@click.option("--token-column", metavar="COLUMN", help="The tokens: a header, or #N from 1.")
@click.option(
    "--status-column",
    metavar="COLUMN",
    help="subscribed, suspended or unsubscribed; blank is subscribed. Without it all rows subscribe.",
)
@click.option("--header/--no-header", default=None, help="Whether the first row names the columns.")
@click.option("--delimiter", help="comma, semicolon, tab, pipe or any one character.")
@click.option("--quote", help='" or \', or "" where nothing is quoted.')
@click.option("--encoding", help="utf-8, windows-1251, utf-16 …")
@click.option("--dry-run", is_flag=True, help="Change nothing, show what would happen.")
@click.option("--report", type=_path, help="Save the report here, as CSV.")
@click.option(
    "--report-delimiter",
    type=click.Choice(list(REPORT_DELIMITERS)),
    default="comma",
    show_default=True,
    help="Separates the report's columns; Excel in Russian expects semicolon.",
)
@click.option(
    "--state", type=StateDirectory(), default=Settings.state, show_default=True, help="The state's directory."
)
@click.option("--fixtures", type=_path, default=DEFAULT_FIXTURES, help="What a fresh state starts from.")
@workspace_option
@click.option("--url", help="Import through the server that runs there, e.g. http://127.0.0.1:8080.")
@click.option("--admin-token", envvar="EMULATOR_ADMIN_TOKEN", help="The server's admin token.")
def command(
    file: Path, resource: str, provider: str, match: str | None, token_column: str | None, **options: Any
) -> int:
    """Import a table of tokens (.csv, .txt, .csv.gz) into a state directory or a running server.

    The content of the file decides what the options leave open. Exit status: 0 if the import reached the end
    of the file, whatever rows were refused; 1 if not, or if nothing was started.
    """
    written = {name: options[name] for name in ("header", "delimiter", "quote", "encoding")}
    try:
        if match is None or token_column is None:
            return _suggest(Source(file), resource, provider, read_layout(Source(file), **written), options)
        how = {"dry_run": options["dry_run"], "status_column": options["status_column"], **written}
        plan = ImportPlan(resource, provider, parse_match(match), token_column, **how)
        ended = (_import_remotely if options["url"] else _import_here)(file, plan, options)
        if options["report"] is not None:
            click.echo(f"report: {options['report']}")
        return 0 if ended.state == "finished" else 1
    except ImportRefused as error:
        for one in error.problems:
            click.echo(f"error: {one._replace(path=str(file)) if one.path == 'file' else one}", err=True)
        click.echo("nothing was imported", err=True)
        return 1
    except EmulatorError as error:
        raise click.ClickException(_of_file(file, error.error_text)) from error
    except (StateError, Unavailable, Refused) as error:
        hint = ": import through it with --url http://HOST:PORT" if isinstance(error, StateInUse) else ""
        raise click.ClickException(f"{error}{hint}") from error
    except FixtureError as error:
        click.echo(str(error), err=True)
        raise click.ClickException(f"the fixtures in {options['fixtures']} cannot be used") from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or file}: {error.strerror or error}") from error


def _of_file(file: Path, problem: str) -> str:
    """A problem with the file's path in place of the name of its part in the call."""
    return f"{file}: {problem.removeprefix('file: ')}" if problem.startswith("file: ") else problem


def _import_here(file: Path, plan: ImportPlan, options: Mapping[str, Any]) -> Description:
    report_path: Path | None = options["report"]
    if report_path is not None and report_path.resolve() == file.resolve():
        raise click.ClickException("--report names the file itself")
    source = Source(file)
    with _emulator(options) as emulator:
        checked = check_plan(plan, source, emulator.workspaces.look(options["workspace"]).store)
        _announce(checked)
        refused = None if report_path is None else refusal_file(report_path.parent)
        importing = Import(checked, emulator.workspaces.get(options["workspace"]), refused)
        with _stopped_by_signals(importing.cancel), _bar() as advance:
            while importing.look():
                pass
            _note(importing.description.lints)
            more = True
            while more:
                more = importing.step()
                ended = importing.description
                advance(importing.progress[0], ended.counts["rows"] / (ended.seconds or 1.0))
    if report_path is not None and refused is not None:
        with refused:
            refused.seek(0)
            delimiter = REPORT_DELIMITERS[options["report_delimiter"]]
            replace_file(report_path, report_csv(ended, refused, delimiter))
    _conclude(plan, ended)
    return ended


def _import_remotely(file: Path, plan: ImportPlan, options: Mapping[str, Any]) -> ImportState:
    given = {name: value for name, value in vars(plan).items() if value is not None}
    # Takes long to load, and a state directory needs none of it.
    from push_emulator.emulator_client import EmulatorClient  # noqa: PLC0415

    with EmulatorClient(options["url"], options["workspace"], options["admin_token"], _PATIENCE_S) as client:
        job = client.imports.start(file, **given | {"match": str(plan.match)})
        click.echo(_written(job.file, job.encoding, job.delimiter, job.header))
        noted = False
        pause = _LOOK_AT_FIRST_S
        with _bar() as advance, _stopped_by_signals(lambda: client.imports.cancel(job.id)):
            while True:
                if not noted and (job.counts["rows"] or not job.running):  # all rows were looked at
                    _note(job.lints)
                    noted = True
                advance(job.progress or 0.0, job.rows_per_s or 0.0)
                if not job.running:
                    break
                sleep(pause)
                pause = min(pause * 1.5, _LOOK_AT_MOST_S)
                job = client.imports.get(job.id)
        if options["report"] is not None:
            text = client.imports.report(job.id, options["report_delimiter"])
            options["report"].write_bytes(text.encode("utf-8-sig"))
    _conclude(plan, job)
    return job


def _suggest(source: Source, resource: str, provider: str, layout: Layout, options: Mapping[str, Any]) -> int:
    """Print the columns of the file and possible options; exit status 2, because an option is missing."""
    fields: list[str] = []
    if not options["url"]:
        with _emulator(options) as emulator:
            store = emulator.workspaces.look(options["workspace"]).store
            fields = declared_fields(find_resource(resource, store), store)
    columns = describe_columns(layout, fields, provider)
    click.echo(_written(source.name, layout.encoding, layout.dialect.delimiter, layout.names))
    for column in columns:
        looks = f"  looks like: {column.looks}" if column.looks else ""
        click.echo(f"  #{column.number} {column.name or '':20} {_short(column.example):40}{looks}")
    guessed = guess(columns)
    if guessed.match is not None:
        status = "" if guessed.status_column is None else f" --status-column '{guessed.status_column}'"
        click.echo(f"perhaps: --match '{guessed.match}' --token-column '{guessed.token_column}'{status}")
    click.echo("error: say which columns with --match and --token-column", err=True)
    return 2


def _emulator(options: Mapping[str, Any]) -> closing[Emulator]:
    # The end writes a snapshot anyway; an earlier one would only slow the import down.
    state, fixtures = options["state"], options["fixtures"]
    return closing(Emulator(Settings(state=state, fixtures=fixtures, min_log_bytes=_JOURNAL_BYTES)))


def _announce(checked: Checked) -> None:
    plan = checked.plan
    layout = checked.layout
    click.echo(_written(checked.source.name, layout.encoding, layout.dialect.delimiter, layout.names))
    into = ", ".join(map(str, checked.resource.db_ids))
    statuses = "" if plan.status_column is None else f", statuses in {plan.status_column}"
    click.echo(
        f"into resource {checked.resource.id} ({checked.resource.name}), databases {into}: "
        f"{plan.provider}, matching {plan.match}, tokens in {plan.token_column}{statuses}"
    )


def _note(lints: Sequence[object]) -> None:
    for lint in lints:
        click.echo(f"note: {lint}", err=True)


def _written(name: str, encoding: str, delimiter: str, names: Sequence[str] | None) -> str:
    header = "no header" if names is None else f"a header of {len(names)} columns"
    return f"{name}: {encoding}, {DELIMITERS.get(delimiter, delimiter)}, {header}"


def _conclude(plan: ImportPlan, ended: Description | ImportState) -> None:
    if plan.dry_run:
        click.echo("dry run: nothing was changed; this is what would happen")
    for words, number in count_lines(ended.counts):
        click.echo(f"  {words:24}{number:>12,}")
    for refusal in ended.refusals[:_PRINTED]:
        in_database = "" if refusal.db_id is None else f", database {refusal.db_id}"
        token = f" ({_short(refusal.token)})" if refusal.token else ""
        click.echo(f"  line {refusal.line}{in_database}: {refusal.reason}{token}")
    rows, refused = ended.counts["rows"], ended.counts["refused"]
    if refused > _PRINTED:
        click.echo(f"  … and {refused - _PRINTED:,} more; --report FILE has all")
    seconds = ended.seconds
    rate = f", {rows / seconds:,.0f} rows/s" if seconds > 0.1 else ""  # too short to measure
    done = "looked at" if plan.dry_run else "done"
    click.echo(
        f"{ended.state} after {seconds:.1f} s{rate}; every row up to line {ended.up_to_line} is {done}"
    )
    if ended.problem is not None:
        click.echo(f"error: {ended.problem}", err=True)


@contextmanager
def _bar() -> Iterator[Callable[[float, float], None]]:
    """A progress bar with rows/s and the time left; none without a terminal."""
    if not sys.stderr.isatty():
        yield lambda part, rows_per_s: None
        return

    def rate(rows_per_s: float | None) -> str:
        return f"{rows_per_s or 0:,.0f} rows/s"

    with click.progressbar(length=_PARTS, item_show_func=rate, file=sys.stderr) as bar:
        yield lambda part, rows_per_s: bar.update(int(part * _PARTS) - bar.pos, rows_per_s)


@contextmanager
def _stopped_by_signals(stop: Callable[[], object]) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the import between two transactions."""
    before = {number: signal.signal(number, lambda *_: stop()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _short(text: str) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= 36 else f"{shown[:20]}…{shown[-12:]}"
