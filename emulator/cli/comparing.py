"""The work of ``compare``: probes are sent and taken back, calls answered again, the report is written."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from emulator.compare.inference import infer_fixtures
from emulator.compare.learning import learn
from emulator.compare.probes import PROBES, Given, Ready, ready_probes
from emulator.compare.recorded import RecordedCall
from emulator.compare.replay import replay, replay_apart
from emulator.compare.report import Report, Secrets, add_results, created_lines, report_lines
from emulator.fixtures.load import load_fixtures, load_platform, write_fixtures
from emulator.rules.platform import Platform
from emulator.settings import Settings
from emulator.store.files import replace_file
from emulator.store.fixture_set import FixtureSet
from push_emulator.masking import mask

if TYPE_CHECKING:
    from emulator.compare import live


def complete(report: Report, calls: Sequence[RecordedCall], options: dict[str, Any]) -> None:
    """Answer the calls once more, and put the result into the report."""
    platform = options["platform"]
    if options["fixtures"] is not None:
        given = load_fixtures(options["fixtures"], platform)
    else:
        given = FixtureSet(platform=None if platform is None else load_platform(platform))
    fixtures = given if options["apart"] else infer_fixtures(calls, given)
    if options["infer"] is not None:
        write_fixtures(options["infer"], fixtures)
        report.notes.append(
            f"{options['infer']}: the fixtures of the scratch workspace, with resource tokens"
        )
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
    report: Report,
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
    seen = ", ".join(said) or "as the emulator answers"
    report.notes.append(f"{options['learn']}: the platform as these calls show it: {seen}")
    report.notes += [f"nothing explains {rule}: {text}" for rule, text in platform.differs.items()]


def conclude(report: Report, options: dict[str, Any]) -> int:
    """Print the report; the exit status."""
    if options["report"] is not None:
        save(report, options["report"])
    click.echo(
        _document(report).decode()
        if options["as_json"]
        else "\n".join(report_lines(report, options["report"]))
    )
    return 1 if report.differing or report.stopped else 0


def _document(report: Report) -> bytes:
    return msgspec.json.format(msgspec.json.encode(report), indent=2)


def save(report: Report, path: Path) -> None:
    """Write the report as JSON. Raises :class:`click.ClickException`."""
    try:
        replace_file(path, [_document(report), b"\n"])
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror or error}") from error


_INTERRUPTED = 130


def probe(options: dict[str, Any]) -> int:
    """Send the probes if the person agrees, and report; the exit status."""
    if not options["resource_token"]:
        raise click.ClickException("--to needs --resource-token, the resource that the probes go to")
    run = secrets.token_hex(4)
    options["report"] = options["report"] or Path(f"emu-probe-{run}.json")
    report = Report([options["to"]], "")
    platform = _platform(options, report)
    ready = list(ready_probes(run, Given(**{name: options[name] for name in Given.__struct_fields__})))
    calls: list[RecordedCall] = []
    try:
        if not _agreed(platform, ready, run, options):
            return 0
        _send(platform, report, ready, calls, options)
    except KeyboardInterrupt:
        return _interrupted(report, options["report"])
    finally:
        platform.close()
    if not calls:
        save(report, options["report"])
        raise click.ClickException(report.stopped or "no probe was answered")
    report.notes += _left_out(options)
    complete(report, calls, options)
    return conclude(report, options)


def clean_up(path: Path, options: dict[str, Any]) -> int:
    """Unsubscribe what a report names as created; the exit status."""
    try:
        report = msgspec.json.decode(path.read_bytes(), type=Report)
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
    platform = _platform(options, report)
    platform.created = {one.subscription_id: one for one in report.created}
    try:
        _take_back(platform, report)
    except KeyboardInterrupt:
        return _interrupted(report, path)
    finally:
        platform.close()
    if report.stopped:
        raise click.ClickException(report.stopped)
    click.echo(f"unsubscribed: {names}")
    return 0


def _send(
    platform: live.Platform,
    report: Report,
    ready: Sequence[Ready],
    calls: list[RecordedCall],
    options: dict[str, Any],
) -> None:
    from emulator.compare.live import Stopped  # noqa: PLC0415 (httpx takes long to load)

    try:
        for call in platform.ask(ready):
            calls.append(call)
            click.echo(f"  {call.place}: {call.status}", err=True)
    except Stopped as why:
        report.stopped = str(why)
    if not options["no_cleanup"]:
        _take_back(platform, report)


def _take_back(platform: live.Platform, report: Report) -> None:
    from emulator.compare.live import Stopped  # noqa: PLC0415

    try:
        platform.clean()
    except Stopped as why:
        report.stopped = "; ".join(one for one in (report.stopped, str(why)) if one)


def _interrupted(report: Report, path: Path) -> int:
    report.stopped = "interrupted"
    save(report, path)
    click.echo("\n".join(created_lines(report, path)), err=True)
    return _INTERRUPTED


def _platform(options: dict[str, Any], report: Report) -> live.Platform:
    from emulator.compare import live  # noqa: PLC0415 (httpx takes long to load)

    def keep() -> None:
        report.created = list(platform.created.values())
        save(report, options["report"])

    try:
        platform = live.Platform(
            options["to"],
            options["resource_token"],
            options["ca_file"],
            options["rate"],
            options["timeout"],
            keep,
        )
    except live.AddressError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"--ca-file {options['ca_file']}: {error.strerror or error}") from error
    report.address, report.host = platform.base, platform.host
    return platform


def _agreed(platform: live.Platform, ready: Sequence[Ready], run: str, options: dict[str, Any]) -> bool:
    """Print the plan; whether it is to be carried out."""
    click.echo("\n".join(_plan(platform, ready, run, options)), err=options["as_json"])
    if options["dry_run"]:
        click.echo("dry run: nothing was sent", err=options["as_json"])
        return False
    click.echo(f"report: {options['report']}", err=True)
    _ask(options)
    return True


def _plan(
    platform: live.Platform, ready: Sequence[Ready], run: str, options: dict[str, Any]
) -> Iterator[str]:
    often = f"{options['rate']:g} a second" if options["rate"] else "as fast as they are answered"
    databases = ", ".join(map(str, options["db_ids"])) or "all of the resource"
    after = "stay subscribed" if options["no_cleanup"] else "are unsubscribed at the end"
    yield f"{len(ready)} requests go to {platform.base}, {often}, and nowhere else."
    yield f"Resource {mask(options['resource_token'])}, databases: {databases}, {options['provider']}."
    yield f"All tokens and ids that are made up begin with emu-probe-{run}-. Subscriptions {after};"
    yield "profiles stay: there is no call that deletes them."
    for number, one in enumerate((each.probe for each in ready), 1):
        yield f"{number:>3}  {one.rule:4} {'(in preparation) ' if one.prepares else ''}{one.asks}"
        yield f"          creates {one.creates}"
        yield from (f"          answer: {meaning}" for meaning in one.meanings)


def _left_out(options: dict[str, Any]) -> Iterator[str]:
    """Which probes were not sent for want of an option."""
    for needed, flag in (("field", "--field NAME=VALUE"), ("other_provider", "--other-provider NAME")):
        if options[needed] is None:
            rules = dict.fromkeys(one.rule for one in PROBES if one.needs == needed)
            yield f"not asked without {flag}: {', '.join(rules)}"


def _ask(options: dict[str, Any]) -> None:
    """Ask whether to send. Raises :class:`click.ClickException` where the person does not agree."""
    try:
        agreed = options["yes"] or click.confirm("Send them?", err=True)
    except click.Abort:
        agreed = False
    if not agreed:
        raise click.ClickException("nothing was sent: agree to the plan, or give --yes")
