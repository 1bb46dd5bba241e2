"""The report of a comparison, by rule; secrets are masked in all of it."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, field

from emulator.compare.differences import ABSENT
from emulator.compare.recorded import RecordedCall
from emulator.compare.replay import Compared
from emulator.journal.masking import SHORTEST_KNOWN
from emulator.rules.catalogue import RULES, SDK_RULES
from emulator.rules.texts import Message, Text
from push_emulator.masking import mask

#: The most differing calls of one rule that a report shows; further ones are counted.
MOST_SHOWN = 20
#: The most characters of a text of a request that a report shows.
_LONGEST_TEXT = 1000
Verdict = Literal["agrees", "differs", "not observable"]


class RuleResult(Struct, frozen=True):
    """A rule, the number of compared calls that show it, and in how many of them the answers differ."""

    rule: str
    grade: str
    text: str
    verdict: Verdict
    calls: int
    differing: int


class Member(Struct, frozen=True):
    """One member of both answers. Ids are the same by their pattern of equality, whatever their values."""

    path: str
    platform: Any
    emulator: Any
    differs: bool


class DifferingCall(Struct, frozen=True):
    """A call whose answers differ: where it was recorded, its request, both answers, the rules concerned."""

    place: str
    request: Any
    rules: list[str]
    members: list[Member]


class Place(Struct, frozen=True):
    """A profile of the platform."""

    db_id: Any
    profile_id: Any


class Created(Struct):
    """A token that was sent to be subscribed, and what is known of it.

    ``uncertain``: sent, and no answer came. ``places``: the profiles that have it, or had it.
    """

    subscription_id: str
    provider: str
    state: Literal["uncertain", "subscribed", "unsubscribed"] = "uncertain"
    places: list[Place] = field(default_factory=list)


class ComparisonReport(Struct):
    """What was compared, and what came of it.

    ``left_out``: the records that were not compared, by reason; ``first_left_out``: the first of each.
    ``more``: differing calls beyond the first ones of each rule, which ``differences`` has. ``address``,
    ``created``, ``stopped``: of live probes, the platform's address, what was sent to be subscribed, why the
    run ended early. ``texts``: what the English texts with values are made of, by the text.
    """

    sources: list[str]
    host: str
    compared: int = 0
    differing: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    first_left_out: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    rules: list[RuleResult] = field(default_factory=list)
    differences: list[DifferingCall] = field(default_factory=list)
    more: int = 0
    address: str = ""
    created: list[Created] = field(default_factory=list)
    stopped: str = ""
    texts: dict[str, Message] = field(default_factory=dict)

    def said(self, text: Text) -> str:
        """The text in English; the report keeps what it is made of."""
        if isinstance(text, Message):
            self.texts[str(text)] = text
        return str(text)


class Secrets:
    """Masks resource tokens, these and those of the calls, wherever they stand in a document."""

    def __init__(self, calls: Sequence[RecordedCall], tokens: Iterable[str]) -> None:
        sent = (call.request.get("resource_token") for call in calls)
        every = {*tokens, *(one for one in sent if isinstance(one, str))}
        long = {token for token in every if len(token) >= SHORTEST_KNOWN}
        self._tokens = sorted(long, key=len, reverse=True)

    def masked(self, value: Any) -> Any:
        """The document with its secrets masked."""
        if isinstance(value, str):
            for token in self._tokens:
                value = value.replace(token, mask(token))
            return value
        if isinstance(value, Mapping):
            return {
                self.masked(name): mask(str(inner))
                if name in ("resource_token", "token")
                else self.masked(inner)
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [self.masked(inner) for inner in value]
        return value


def add_results(report: ComparisonReport, compared: Iterable[Compared], secrets: Secrets) -> None:
    """Complete the report with what the comparison of each call shows."""
    seen: Counter[str] = Counter()
    differing: Counter[str] = Counter()
    for one in compared:
        report.compared += 1
        seen.update({*one.seen, *one.differing})
        if not one.differing:
            continue
        report.differing += 1
        if any(differing[rule] < MOST_SHOWN for rule in one.differing):
            report.differences.append(_shown(report, one, secrets))
        else:
            report.more += 1
        differing.update(list(one.differing))
    report.rules = [
        RuleResult(*rule, _verdict(seen[rule.id], differing[rule.id]), seen[rule.id], differing[rule.id])
        for rule in RULES.values()
        if rule.id[0] not in "L" + SDK_RULES
    ]


def _verdict(seen: int, differing: int) -> Verdict:
    return "differs" if differing else "agrees" if seen else "not observable"


def _shown(report: ComparisonReport, one: Compared, secrets: Secrets) -> DifferingCall:
    request = one.call.request or _text(one.call)
    members = [
        Member(report.said(row.path), secrets.masked(row.there), secrets.masked(row.here), row.differs)
        for row in one.rows
    ]
    place = report.said(one.call.place)
    return DifferingCall(place, _shortened(secrets.masked(request)), list(one.differing), members)


def _text(call: RecordedCall) -> str:
    packed = call.headers.get("content-encoding")
    return f"({len(call.body)} bytes of {packed})" if packed else call.body.decode("utf-8", "replace")


def _shortened(value: Any) -> Any:
    """The request with its very long texts cut: probes send a megabyte of one letter."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_TEXT else f"{value[:_LONGEST_TEXT]}… ({len(value)} characters)"
    if isinstance(value, dict):
        return {name: _shortened(inner) for name, inner in value.items()}
    return [_shortened(inner) for inner in value] if isinstance(value, list) else value


#: The widest column of an answer, in characters; the JSON report has all.
_WIDEST = 48
_REQUEST = 300


def report_lines(report: ComparisonReport, saved: Path | None) -> Iterator[str]:
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


def created_lines(report: ComparisonReport, saved: Path | None) -> Iterator[str]:
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


def _conclusion(report: ComparisonReport) -> str:
    if not report.differing:
        return "no difference"
    rules = ", ".join(one.rule for one in report.rules if one.verdict == "differs")
    return f"{_count(report.differing, 'call')} of {report.compared:,} answered differently: {rules}"


def _rule(one: RuleResult) -> str:
    number = f"{one.differing:,} of {one.calls:,}" if one.differing else f"{one.calls:,}"
    return f"  {one.verdict:8} {one.rule:4} {one.grade}  {number:>12}  {one.text}"


def _call(one: DifferingCall) -> Iterator[str]:
    yield f"{one.place}: differs by {', '.join(one.rules)}"
    yield f"  request  {_cut(_json(one.request), _REQUEST)}"
    rows = [(each.differs, each.path, _json(each.platform), _json(each.emulator)) for each in one.members]
    paths = max(len(path) for _, path, _, _ in rows)
    wide = min(_WIDEST, max(len("platform"), *(len(there) for _, _, there, _ in rows)))
    yield f"    {'':{paths}}  {'platform':{wide}}  emulator"
    for differs, path, there, here in rows:
        yield f"  {'!' if differs else ' '} {path:{paths}}  {_cut(there, wide):{wide}}  {_cut(here, _WIDEST)}"


def _json(value: Any) -> str:
    return ABSENT if value == ABSENT else json.dumps(value, ensure_ascii=False)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
