"""``run.py compare``: compare the emulator with answers of the platform, recorded ones or those to probes."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from emulator.cli.behaviour import behaviour_options
from emulator.cli.comparing import complete, conclude
from emulator.compare.report import ComparisonReport
from emulator.compare.traffic import TrafficError, read_traffic
from emulator.fixtures.load import FixtureError
from emulator.store.files import NotWritten

_path = click.Path(path_type=Path)


def _db_ids(ctx: click.Context, param: click.Parameter, given: str | None) -> list[int]:
    try:
        return [int(one) for one in given.split(",")] if given else []
    except ValueError as error:
        raise click.BadParameter(f'must be numbers separated by commas, not "{given}"') from error


def _field(ctx: click.Context, param: click.Parameter, given: str | None) -> tuple[str, Any] | None:
    if given is None:
        return None
    name, equals, text = given.partition("=")
    if not (name and equals and text):
        raise click.BadParameter("must be NAME=VALUE, such as CustomNumber1=900001")
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    return name, value if isinstance(value, (str, int, float)) else text


@click.command("compare")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--host", metavar="HOST[:PORT]", help="The platform (default: the host with the most calls).")
@click.option("--fixtures", type=_path, metavar="DIR", help="What existed before the first call.")
@click.option("--infer", type=_path, metavar="DIR", help="Write the fixtures that the calls show to DIR.")
@click.option("--apart", is_flag=True, help="Answer each call in a scratch workspace of its own.")
@behaviour_options
@click.option(
    "--learn", type=_path, metavar="FILE", help="Write what the answers show, for serve --platform."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--report", type=_path, metavar="FILE", help="Write the report as JSON to FILE, too.")
@click.option("--to", metavar="URL", help="Send probes to the platform there, in place of FILES.")
@click.option(
    "--resource-token",
    envvar="EMULATOR_RESOURCE_TOKEN",
    show_envvar=True,
    help="The platform's resource that the probes go to.",
)
@click.option("--db-ids", callback=_db_ids, metavar="N,N", help="Keep the probes to these databases.")
@click.option("--provider", default="android-firebase", show_default=True, help="The provider of the probes.")
@click.option(
    "--field",
    callback=_field,
    metavar="NAME=VALUE",
    help="Ask by this custom field, too; a profile with this value may be created.",
)
@click.option(
    "--other-provider", metavar="NAME", help="Ask by this provider, too, which the resource does not accept."
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=30,
    show_default=True,
    help="Seconds for each whole answer.",
)
@click.option(
    "--rate", type=click.FloatRange(0), default=1, show_default=True, help="Probes a second; 0: no limit."
)
@click.option("--ca-file", type=_path, metavar="PEM", help="Trust these authorities instead of the system's.")
@click.option("--yes", is_flag=True, help="Send the probes without asking.")
@click.option("--dry-run", is_flag=True, help="Print the plan of the probes and send nothing.")
@click.option("--no-cleanup", is_flag=True, help="Leave subscribed what the probes subscribed.")
@click.option("--clean", type=_path, metavar="REPORT", help="Unsubscribe what the run of this report left.")
def command(files: Sequence[Path], clean: Path | None, **options: Any) -> int:
    """Compare answers of the platform with the emulator's, and report the differences by rule.

    FILES: HARs of a browser, Charles, Proxyman or mitmproxy; JSON lines of {request, status, answer}; or what
    GET /__admin/requests answers. Nothing is sent anywhere for them: the requests are answered in this
    process, in memory. What existed before the first call is inferred from the answers, where --fixtures
    does not say it. --apart is for samples from which calls are missing in between.

    With --to, probes are sent to the platform. The plan is printed first; nothing is sent until you agree.

    Exit status: 0 if no answer differs, 1 if some do, 2 for an error of use, 130 if interrupted.
    """
    if (bool(files) + (options["to"] is not None) + (clean is not None and options["to"] is None)) != 1:
        raise click.ClickException("say what to compare: FILES, or --to URL for probes; or --clean REPORT")
    try:
        if files:
            return _compare(files, options)
        from emulator.cli.probing import clean_up, probe  # noqa: PLC0415 (httpx takes long to load)

        return probe(options) if clean is None else clean_up(clean, options)
    except (TrafficError, NotWritten) as error:
        raise click.ClickException(str(error)) from error
    except FixtureError as error:
        click.echo(str(error), err=True)
        raise click.ClickException(f"the fixtures in {options['fixtures']} cannot be used") from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror or error}") from error


def _compare(files: Sequence[Path], options: dict[str, Any]) -> int:
    traffic = read_traffic(files, options["host"])
    if not traffic.calls:
        reasons = "".join(f"; {count} {reason}" for reason, count in traffic.left_out.items())
        names = ", ".join(map(str, files))
        raise click.ClickException(f"{names}: no call of POST /push_subscribe with a JSON answer{reasons}")
    report = ComparisonReport([path.name for path in files], traffic.host)
    report.left_out = dict(traffic.left_out)
    for reason, first in traffic.reasons.values():
        report.first_left_out[report.said(reason)] = report.said(first)
    report.notes = [*map(report.said, traffic.notes)]
    complete(report, traffic.calls, options)
    return conclude(report, options)
