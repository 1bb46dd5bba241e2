"""The probes of ``compare``: sent to a platform; what they subscribe is unsubscribed again."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from emulator.cli.comparing import complete, conclude, save
from emulator.compare.live import AddressError, LivePlatform, Stopped
from emulator.compare.probes import PROBES, Given, Ready, ready_probes
from emulator.compare.recorded import RecordedCall
from emulator.compare.report import ComparisonReport, created_lines
from emulator.rules.texts import Message, message
from emulator.store.files import read_given
from push_emulator.masking import mask


def probe(options: dict[str, Any]) -> int:
    """Send the probes if the person agrees, and report; the exit status."""
    if not options["resource_token"]:
        raise click.ClickException("--to needs --resource-token, the resource that the probes go to")
    run = secrets.token_hex(4)
    options["report"] = options["report"] or Path(f"emu-probe-{run}.json")
    report = ComparisonReport([options["to"]], "")
    with _reached(options, report) as platform:
        ready = list(ready_probes(run, Given(**{name: options[name] for name in Given.__struct_fields__})))
        click.echo("\n".join(_plan(platform, ready, run, options)), err=options["as_json"])
        if options["dry_run"]:
            click.echo("dry run: nothing was sent", err=options["as_json"])
            return 0
        click.echo(f"report: {options['report']}", err=True)
        _ask(options)
        calls = _send(platform, report, ready, options)
    if not calls:
        save(report, options["report"])
        raise click.ClickException(report.stopped or "no probe was answered")
    report.notes += map(report.said, _left_out(options))
    complete(report, calls, options)
    return conclude(report, options)


def clean_up(path: Path, options: dict[str, Any]) -> int:
    """Unsubscribe what a report names as created; the exit status."""
    try:
        report = msgspec.json.decode(read_given(path), type=ComparisonReport)
    except msgspec.MsgspecError as error:
        raise click.ClickException(f"{path}: is no report of compare: {error}") from error
    if not options["resource_token"]:
        raise click.ClickException("--clean needs --resource-token, the resource that the probes went to")
    options["to"], options["report"] = options["to"] or report.address, path
    if not options["to"]:
        raise click.ClickException(f"{path}: is a report of files, without probes")
    left = [one for one in report.created if one.state != "unsubscribed"]
    names = ", ".join(one.subscription_id for one in left) or "nothing"
    click.echo(f"to unsubscribe at {options['to']}: {names}")
    if not left or options["dry_run"]:
        return 0
    _ask(options)
    report.stopped = ""
    with _reached(options, report) as platform:
        platform.created = {one.subscription_id: one for one in report.created}
        try:
            platform.clean()
        except Stopped as why:
            raise click.ClickException(str(why)) from why
    click.echo(f"unsubscribed: {names}")
    return 0


@contextmanager
def _reached(options: dict[str, Any], report: ComparisonReport) -> Iterator[LivePlatform]:
    """The platform. An interruption is reported with what is still subscribed there."""

    def keep() -> None:
        report.created = list(platform.created.values())
        save(report, options["report"])

    address = options["to"], options["resource_token"], options["ca_file"]
    try:
        platform = LivePlatform(*address, options["rate"], options["timeout"], keep)
    except AddressError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"--ca-file {options['ca_file']}: {error.strerror or error}") from error
    report.address, report.host = platform.base, platform.host
    try:
        yield platform
    except KeyboardInterrupt:
        report.stopped = "interrupted"
        save(report, options["report"])
        click.echo("\n".join(created_lines(report, options["report"])), err=True)
        raise


def _send(
    platform: LivePlatform, report: ComparisonReport, ready: Sequence[Ready], options: dict[str, Any]
) -> list[RecordedCall]:
    """The calls that the platform has answered; why there are no more is in the report."""
    calls = []
    try:
        for call in platform.ask(ready):
            calls.append(call)
            click.echo(f"  {call.place}: {call.status}", err=True)
    except Stopped as why:
        report.stopped = str(why)
    try:
        if not options["no_cleanup"]:
            platform.clean()
    except Stopped as why:
        report.stopped = "; ".join(one for one in (report.stopped, str(why)) if one)
    return calls


def _plan(platform: LivePlatform, ready: Sequence[Ready], run: str, options: dict[str, Any]) -> Iterator[str]:
    often = f"{options['rate']:g} a second" if options["rate"] else "as fast as they are answered"
    databases = ", ".join(map(str, options["db_ids"])) or "all of the resource"
    after = "stay subscribed" if options["no_cleanup"] else "are unsubscribed at the end"
    yield f"{len(ready)} requests go to {platform.base}, {often}, and nowhere else."
    yield f"Resource {mask(options['resource_token'])}, databases: {databases}, {options['provider']}."
    yield f"All tokens and ids that are made up begin with emu-probe-{run}-. Subscriptions {after};"
    yield "profiles stay: there is no call that deletes them."
    for number, (one, asks) in enumerate(((each.probe, each.asks) for each in ready), 1):
        yield f"{number:>3}  {one.rule:4} {'(in preparation) ' if one.prepares else ''}{asks}"
        yield f"          creates {one.creates}"
        yield from (f"          answer: {meaning}" for meaning in one.meanings)


def _left_out(options: dict[str, Any]) -> Iterator[Message]:
    """Which probes were not sent for want of an option."""
    for needed, flag in (("field", "--field NAME=VALUE"), ("other_provider", "--other-provider NAME")):
        if options[needed] is None:
            rules = dict.fromkeys(one.rule for one in PROBES if one.needs == needed)
            yield message("not asked without %(flag)s: %(rules)s", flag=flag, rules=", ".join(rules))


def _ask(options: dict[str, Any]) -> None:
    """Ask whether to send. Raises :class:`click.ClickException` where the person does not agree."""
    try:
        agreed = options["yes"] or click.confirm("Send them?", err=True)
    except click.Abort:
        agreed = False
    if not agreed:
        raise click.ClickException("nothing was sent: agree to the plan, or give --yes")
