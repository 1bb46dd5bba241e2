"""The report: tables for people, as Markdown. The same text is printed and written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.journal_turns import TURN
from benchmarks.mixes import MIXES
from benchmarks.quiet import MOST_STOLEN, PATIENCE_S, TRIES
from benchmarks.results import Results, Series, find, profile_bytes
from benchmarks.running import MIB
from benchmarks.servers import BARE, BARE_WSGI, EMULATOR
from benchmarks.targets import BARE_RATE, judge

_TITLES = {mix.name: mix.title for mix in MIXES}
_NOTES = f"""\
How to read it

- Every server is a real process on 127.0.0.1, loaded by wrk from the same machine; servers take turns, round
  by round, every other round backwards, and each number is the median of the rounds.
- *÷ bare*: requests/s over the bare Flask's, both loaded in turns of a tenth of a second, so that a machine
  that changes its speed slows down both. It follows each round's load, and is the median of the rounds: not
  the quotient of two rates of the table.
- A time to reach is that of a machine on which a bare Flask answers {BARE_RATE:,} requests/s, times that rate
  over the rate here, which is measured just before and just after what is timed. A quicker machine has to
  take less time for the loads alone.
- *Bare Flask* answers one constant JSON answer of the page's shape through orjson and does not look at the
  body, on the emulator's own server and bridge. The emulator does everything: validation, rules, state,
  journal of requests.
- *New token*: each token is new (160 characters, as Firebase makes them) and creates a profile. *Unchanged*:
  a known token. *Unsubscribe, subscribe*: a known token goes and comes back; *custom matching* finds its
  profile by an int field. *Two databases*: a new token in each of two.
- The emulator is started anew from its fixtures for each load. With none stored, the mixes that come back to
  known profiles come back to 1,024 that are created first.
- A measurement during which the host of a virtual machine took more than {MOST_STOLEN:.0%} of the processors
  is repeated when the host is quiet again; of {TRIES} such measurements the least disturbed one counts. All
  waits of a run together take {PATIENCE_S / 60:.0f} minutes at most. The plugin's runs and the loads in turns
  are not repeated.
- *First requests/s* of the peers: those of the first seconds after the start, which is when a test run meets
  them. What Java runs is several times as fast once it is compiled.
- wrk keeps a fixed number of connections busy: the latencies are those at full speed, not at a chosen rate.
"""


#: Where each plot stands.
_PICTURED = {"stored.png": "Over stored profiles", "long_work.png": "Long work in another workspace"}


def markdown(results: Results, pictures: Sequence[str] = (), notes: str = "") -> str:
    """The whole report. ``pictures``: the file names of the plots beside it. ``notes``: Markdown."""
    parts = [
        "# Results",
        "`python -m benchmarks` made this file.",
        _pairs({**results.machine, **results.how, **_stolen(results)}),
    ]
    for title, body in (
        ("Numbers to reach", _targets(results)),
        ("Notes", notes.strip()),
        ("Over stored profiles", _stored(results)),
        ("Durability", _durability(results)),
        ("Request journal", _journal(results)),
        ("Waiting verifications", _waiting(results)),
        ("Long work in another workspace", _long_work(results)),
        ("Isolation", _isolation(results)),
        ("Start, load and memory", _sizes(results)),
        ("Peers", _peers(results)),
    ):
        if body:
            parts += [f"## {title}", body]
            parts += [f"![{title}]({name})" for name in pictures if _PICTURED.get(name) == title]
    if results.problems:
        parts += ["## Problems in this run", "\n".join(f"- {each}" for each in results.problems)]
    else:
        parts.append("Every request of every load was answered with a good status and had its effect.")
    return "\n\n".join([*parts, _NOTES])


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its columns padded so that it reads as plain text too; numbers to the right."""
    whole = [list(heads), *[list(row) for row in rows]]
    widths = [max(len(row[at]) for row in whole) for at in range(len(heads))]
    right = [bool(rows) and all(_is_number(row[at]) for row in rows) for at in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(cells, widths, right, strict=True)
        )
        return f"| {' | '.join(padded)} |"

    rule = [
        f"{'-' * (width - 1)}:" if to_right else "-" * width
        for width, to_right in zip(widths, right, strict=True)
    ]
    return "\n".join([line(heads), line(rule), *[line(row) for row in rows[0:]]])


def _is_number(cell: str) -> bool:
    return not cell or cell[0].isdigit() or cell in ("–", "yes", "no")


def _pairs(values: dict[str, str]) -> str:
    return "\n".join(f"- {label}: {text}" for label, text in values.items())


def _stolen(results: Results) -> dict[str, str]:
    """What the host of a virtual machine took during the loads over stored profiles."""
    found = [load.stolen for series in results.stored for load in series.loads]
    if not any(found):
        return {}
    middle, most = f"{median(found):.1%}", f"{max(found):.1%}"
    return {"taken by the host": f"{middle} of the processors in the middle load, at most {most}"}


def _targets(results: Results) -> str:
    words = {True: "yes", False: "**no**", None: "–"}
    rows = [[each.what, each.reach, each.measured, words[each.reached]] for each in judge(results)]
    if not rows:
        return ""
    found, rates = table(["what", "reach", "measured (worst case)", "reached"], rows), results.bare_rates
    if not rates:
        return found
    beside = ", ".join(f"{part} {rate:,.0f}" for part, rate in rates.items())
    return (
        f"In brackets: the time for a machine on which a bare Flask answers {BARE_RATE:,} requests/s.\n"
        f"The times are scaled by what it answered beside each part: {beside}.\n\n{found}"
    )


_LOAD_HEADS = ["requests/s", "÷ bare", "p50 ms", "p99 ms", "p99.9 ms", "failed"]


def _load_cells(series: Series) -> list[str]:
    load = series.middle
    return [
        f"{load.per_second:,.0f}",
        f"{series.ratio:.2f}",
        f"{load.p50:.2f}",
        f"{load.p99:.2f}",
        f"{load.p999:.2f}",
        f"{load.refused + load.broken:,}",
    ]


def _stored(results: Results) -> str:
    rows = [
        [
            _TITLES[each.mix],
            each.server,
            "–" if each.profiles is None else f"{each.profiles:,}",
            *_load_cells(each),
        ]
        for each in results.stored
    ]
    return table(["mix", "server", "profiles", *_LOAD_HEADS], rows) if rows else ""


def _durability(results: Results) -> str:
    rows = [[each.server, f"{each.connections}", *_load_cells(each)] for each in results.durability]
    return table(["server, mode", "connections", *_LOAD_HEADS], rows) if rows else ""


def _journal(results: Results) -> str:
    cost = results.journal
    if cost is None:
        return ""
    return (
        f"A request takes {cost.recorded_us:.0f} µs with its line in the journal and "
        f"{cost.unrecorded_us:.0f} µs without: the journal costs {cost.share:.1%} of it (medians of "
        f"{cost.pairs:,} pairs of neighbouring turns of {TURN} requests on one server; half of the pairs "
        f"are between {cost.lower:.1%} and {cost.upper:.1%})."
    )


def _waiting(results: Results) -> str:
    waiting = results.waiting
    if waiting is None:
        return ""
    return (
        f"Ten clients that wait in verify leave {waiting.ratio:.1%} of the rate of new tokens "
        f"(median of {len(waiting.alone)} rounds on one server with a full journal; "
        f"{median(waiting.alone):,.0f}/s without them)."
    )


def _long_work(results: Results) -> str:
    if not results.long_work:
        return ""
    rows = [
        [
            one.kind,
            f"{one.seconds:.2f}",
            f"{one.quiet.per_second:,.0f}",
            f"{one.load.per_second:,.0f}",
            f"{one.ratio:.2f}",
            f"{one.load.p99:.2f}",
            f"{one.load.slowest:.1f}",
        ]
        for one in results.long_work
    ]
    heads = ["the other one", "s", "quiet requests/s", "requests/s", "over quiet", "p99, ms", "slowest, ms"]
    profiles = results.long_work[0].profiles
    return f"New tokens, beside a workspace of {profiles:,} profiles.\n\n" + table(heads, rows)


def _isolation(results: Results) -> str:
    rows = [
        [one.server, one.what, one.state, f"{one.median_ms:.2f}", f"{one.p95_ms:.2f}"]
        for one in results.timings
    ]
    parts = [table(["server", "what", "state", "median, ms", "p95, ms"], rows)] if rows else []
    if results.idle is not None:
        idle = results.idle
        parts.append(
            f"{idle.workspaces:,} idle workspaces, each after one push: {idle.each_bytes / 1024:.1f} KiB of "
            f"memory each, {idle.files} more open files."
        )
    if results.plugin is not None:
        plugin = results.plugin
        parts.append(
            f"The pytest plugin: {median(plugin.per_test_ms):.2f} ms for a test that uses it, "
            f"{median(plugin.first_s):.2f} s for the first, {median(plugin.unused_s):.3f} s for a run that "
            f"does not use it (medians of {len(plugin.first_s)} runs)."
        )
    return "\n\n".join(parts)


def _sizes(results: Results) -> str:
    return "\n\n".join(_size_lines(results))


def _size_lines(results: Results) -> Iterator[str]:
    if results.starts_s:
        yield (
            f"Start to first 200 with the default fixtures: {median(results.starts_s):.2f} s "
            f"(median of {len(results.starts_s)}, "
            f"{min(results.starts_s):.2f} to {max(results.starts_s):.2f})."
        )
    if not results.sizes:
        return
    heads = [
        "profiles",
        "start from fixtures s",
        "start from state s",
        "stop s",
        "memory MiB",
        "after the last load MiB",
    ]
    rows = [
        [
            f"{each.profiles:,}",
            f"{each.seeded_s:.2f}",
            f"{each.loaded_s:.2f}",
            f"{each.stopped_s:.2f}",
            f"{each.memory / MIB:,.0f}",
            f"{each.memory_after / MIB:,.0f}",
        ]
        for each in results.sizes
    ]
    yield table(heads, rows)
    each_bytes = profile_bytes(results.sizes)
    if each_bytes is not None:
        yield f"A stored profile with one subscription costs {each_bytes:,.0f} bytes of memory."


def _peers(results: Results) -> str:
    rows = [
        [
            f"{each.series.server} {each.version}".strip(),
            each.does,
            f"{each.first.per_second:,.0f}",
            *_load_cells(each.series),
            f"{each.memory_after / MIB:,.0f}",
            f"{each.started_s:.2f}",
        ]
        for each in sorted(results.peers, key=lambda each: -each.series.middle.per_second)
    ]
    heads = ["server", "does", "first requests/s", *_LOAD_HEADS, "memory MiB", "start s"]
    return table(heads, rows) if rows else ""


def summary(results: Results) -> str:
    """One line: the emulator against the bare Flasks with new tokens, for the end of the output."""
    mine = find(results.stored, EMULATOR, "new", 0)
    bare, wsgi = find(results.stored, BARE, "new"), find(results.stored, BARE_WSGI, "new")
    if mine is None or bare is None:
        return ""
    line = f"new token, nothing stored: {mine.middle.per_second:,.0f}/s"
    line += f", bare Flask {bare.middle.per_second:,.0f}/s"
    return line + (f", on granian's WSGI {wsgi.middle.per_second:,.0f}/s" if wsgi else "")
