"""Fair turns: the servers that are compared take turns, round by round, while the others are at rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from benchmarks.alternating import alternate
from benchmarks.load import Load, Pressure, put_load
from benchmarks.mixes import Mix, write_script
from benchmarks.quiet import quietest
from benchmarks.results import Series
from benchmarks.running import Running
from benchmarks.servers import BARE, EMULATOR, make_known, profiles_in, settle
from benchmarks.stored import Known

#: A warm-up may have this share of answers with another code: those left over by the load before it.
_LEFT_OVER = 0.05
#: A load in turns with the bare Flask's has so many times the seconds of a load alone.
_IN_TURNS = 3

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How much is measured: ``rounds`` of loads of ``seconds`` each, for each number of ``profiles``."""

    rounds: int = 3
    seconds: int = 5
    connections: int = 8
    many_connections: int = 64
    threads: int = 1
    profiles: tuple[int, ...] = (0, 10_000, 100_000, 1_000_000)
    starts: int = 9

    def pressure(self, connections: int | None = None) -> Pressure:
        """The pressure of one load."""
        return Pressure(self.seconds, connections or self.connections, self.threads)


@dataclass
class Target:
    """A server that takes turns.

    ``known``: the profiles that loads come back to. ``profiles``: how many it has stored, if it is an
    emulator. ``renew``: starts it anew from its fixtures, where it must be before each load. ``mix``: its own
    kind of request, where it cannot take the emulator's.
    """

    server: Running
    known: Sequence[Known] = ()
    profiles: int | None = None
    renew: Callable[[], Running] | None = None
    mix: Mix | None = None

    @property
    def is_emulator(self) -> bool:
        return self.server.name.startswith(EMULATOR)

    def label(self, mix: Mix) -> str:
        """What is loaded, and with what."""
        stored = "" if self.profiles is None else f", {self.profiles:,} profiles"
        return f"{self.server.name}, {(self.mix or mix).title}{stored}"


@dataclass
class Turns:
    """Takes the turns and collects what they measured, and every problem that they showed."""

    plan: Plan
    folder: Path
    say: Say
    problems: list[str] = field(default_factory=list)

    def take(self, mix: Mix, targets: Sequence[Target], connections: int | None = None) -> list[Series]:
        """All rounds of one mix over all targets; the bare Flask among them is the measure of the others."""
        pressure = self.plan.pressure(connections)
        series = [Series(each.server.name, mix.name, each.profiles, pressure.connections) for each in targets]
        yardstick = next((each for each in targets if each.server.name == BARE), None)
        for number in range(self.plan.rounds):
            # Every other round runs backwards: a machine that warms up or slows down favours nobody.
            for at in range(len(targets))[:: -1 if number % 2 else 1]:
                turn = partial(self._turn, mix, targets[at], pressure, targets, check=number == 0)
                series[at].loads.append(quietest(turn))
                if yardstick is not None and targets[at] is not yardstick:
                    series[at].ratios.append(self._ratio(mix, targets[at], yardstick, pressure))
        bare = next((each for each in series if each.server == BARE), series[0])
        for one in series:
            one.beside = bare.loads
        return series

    def first(self, mix: Mix, target: Target) -> Load:
        """The very first load of a server that has just started, not warm yet."""
        label = f"{target.label(mix)}, first load"
        load = self._load(target.mix or mix, target, label, self.plan.pressure())
        self._check_answers(label, load)
        return load

    def _turn(
        self, mix: Mix, target: Target, pressure: Pressure, everyone: Sequence[Target], check: bool
    ) -> Load:
        mix = target.mix or mix
        if target.renew is not None:
            target.server = target.renew()
        server, label = target.server, target.label(mix)
        if mix.known and target.profiles == 0:
            make_known(server, target.known)
        self._warm_up(mix, target, pressure, label, check)
        settle([each.server for each in everyone])
        before = profiles_in(server) if target.is_emulator else 0
        load = self._load(mix, target, label, pressure)
        self._check(mix, target, label, load, before, pressure)
        return load

    def _load(self, mix: Mix, target: Target, label: str, pressure: Pressure) -> Load:
        script = write_script(mix, self.folder / "load.lua", target.known, pressure.threads)
        load = put_load(target.server.url, script, pressure)
        self.say(
            f"  {label}, {pressure.connections} connections: {load.per_second:,.0f}/s, p99 {load.p99:.2f} ms"
        )
        return load

    def _ratio(self, mix: Mix, target: Target, yardstick: Target, pressure: Pressure) -> float:
        """The target's rate over the bare Flask's, both in turns."""
        pressure = replace(pressure, seconds=pressure.seconds * _IN_TURNS)
        settle([target.server, yardstick.server])
        before = profiles_in(target.server) if target.is_emulator else 0
        loads: list[tuple[str, Path]] = []
        for one in (target, yardstick):
            file = self.folder / f"in-turns-{len(loads)}.lua"
            script = write_script(one.mix or mix, file, one.known, pressure.threads)
            loads.append((one.server.url, script))
        mine, bare = alternate(loads, pressure)
        label = f"{target.label(mix)}, in turns"
        self._check(mix, target, label, mine, before, pressure)
        ratio = mine.per_second / bare.per_second
        self.say(f"  {label}: {ratio:.2f} of the bare Flask's {bare.per_second:,.0f}/s")
        return ratio

    def _warm_up(self, mix: Mix, target: Target, pressure: Pressure, label: str, check: bool) -> None:
        check = check and target.is_emulator
        script = write_script(mix, self.folder / "warm-up.lua", target.known, pressure.threads, check)
        load = put_load(target.server.url, script, Pressure(1, pressure.connections, pressure.threads))
        if load.unexpected > load.requests * _LEFT_OVER:
            self._problem(
                label, f"{load.unexpected} of {load.requests} answers had another error code than expected"
            )

    def _check(
        self, mix: Mix, target: Target, label: str, load: Load, before: int, pressure: Pressure
    ) -> None:
        """Note what went wrong in a load; ``before``: the emulator's profiles before it."""
        self._check_answers(label, load)
        if target.is_emulator:
            self._count(mix, label, profiles_in(target.server) - before, load, pressure)

    def _check_answers(self, label: str, load: Load) -> None:
        if not load.clean:
            self._problem(
                label, f"{load.refused} answers with a bad status, {load.broken} broken connections"
            )

    def _count(self, mix: Mix, label: str, added: int, load: Load, pressure: Pressure) -> None:
        # Requests that were under way when the load ended are done, but wrk does not count them.
        least, most = load.requests * mix.creates, (load.requests + pressure.connections) * mix.creates
        if not least <= added <= most:
            self._problem(
                label, f"{load.requests} requests added {added} profiles, {least} to {most} expected"
            )

    def _problem(self, label: str, what: str) -> None:
        self.problems.append(f"{label}: {what}")
        self.say(f"  PROBLEM: {self.problems[-1]}")
