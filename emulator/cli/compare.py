"""``run.py compare``: hold the emulator against recorded answers of the platform."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from emulator.cli.policies import policy_option
from emulator.compare.inference import infer_fixtures
from emulator.compare.replay import replay, replay_apart
from emulator.compare.report import Report, add_results, secrets_of
from emulator.compare.report_text import report_lines
from emulator.compare.traffic import TrafficError, read_traffic
from emulator.fixtures.load import FixtureError, load_fixtures
from emulator.fixtures.write import NotWritten, write_fixtures
from emulator.settings import Settings
from emulator.store.files import replace_file
from emulator.store.fixture_set import FixtureSet

_path = click.Path(path_type=Path)


@click.command("compare")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--host", metavar="HOST[:PORT]", help="Compare the calls to this host (default: the most used)."
)
@click.option("--fixtures", type=_path, metavar="DIR", help="What existed before the first call.")
@click.option("--infer", type=_path, metavar="DIR", help="Write the fixtures that the traffic shows to DIR.")
@click.option("--apart", is_flag=True, help="Answer each call in a scratch workspace of its own.")
@policy_option
@click.option("--strict", is_flag=True, help="Refuse unknown parameters (Q5).")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--report", type=_path, metavar="FILE", help="Write the report as JSON to FILE, too.")
def command(files: Sequence[Path], as_json: bool, report: Path | None, **options: Any) -> int:
    """Answer recorded requests once more and compare each answer with the recorded one.

    FILE: a HAR of a browser, Charles, Proxyman or mitmproxy; JSON lines of {request, status, answer}; or what
    GET /__admin/requests answers. Nothing is sent anywhere: the requests are answered in this process, in
    memory. What existed before the first call is inferred from the answers, where --fixtures does not say it.
    --apart is for samples from which calls are missing in between.

    Exit status: 0 if no answer differs, 1 if some do, 2 for an error of use.
    """
    found = _compare(files, options)
    document = msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"
    if report is not None:
        try:
            replace_file(report, [document])
        except OSError as error:
            raise click.ClickException(f"{error.filename or report}: {error.strerror or error}") from error
    click.echo(document.decode() if as_json else "\n".join(report_lines(found)))
    return 1 if found.differing else 0


def _compare(files: Sequence[Path], options: dict[str, Any]) -> Report:
    try:
        traffic = read_traffic(files, options["host"])
        given = FixtureSet() if options["fixtures"] is None else load_fixtures(options["fixtures"])
        if not traffic.calls:
            reasons = "".join(f"; {count} {reason}" for reason, count in traffic.left_out.items())
            raise click.ClickException(
                f"{', '.join(map(str, files))}: no call of POST /push_subscribe with a JSON answer{reasons}"
            )
        fixtures = given if options["apart"] else infer_fixtures(traffic.calls, given)
        if options["infer"] is not None:
            write_fixtures(options["infer"], fixtures)
    except (TrafficError, NotWritten) as error:
        raise click.ClickException(str(error)) from error
    except FixtureError as error:
        click.echo(str(error), err=True)
        raise click.ClickException(f"the fixtures in {options['fixtures']} cannot be used") from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror or error}") from error
    settings = Settings(
        durability="none", policies=options["policies"], strict=options["strict"], journal_count=1
    )
    notes = list(traffic.notes)
    if options["infer"] is not None:
        notes.append(f"{options['infer']}: the fixtures of the scratch workspace, with the resource tokens")
    result = Report([path.name for path in files], traffic.host, left_out=dict(traffic.left_out), notes=notes)
    secrets = secrets_of(traffic.calls, [one.token for one in fixtures.resources])
    answer_again = replay_apart if options["apart"] else replay
    add_results(result, answer_again(traffic.calls, fixtures, settings), secrets)
    return result
