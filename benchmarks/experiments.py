"""The experiments: what is started, and which loads it gets."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks.isolation import time_calls
from benchmarks.mixes import MIXES, NEW_TOKEN
from benchmarks.packages import InstallError
from benchmarks.peers import PEERS, PeerSoftware
from benchmarks.quiet import undisturbed
from benchmarks.results import JournalCost, Peer, Results, Size, Waiting
from benchmarks.rounds import Plan, Say, Target, Turns
from benchmarks.running import MIB, StartError
from benchmarks.servers import (
    EMULATOR,
    Emulator,
    bare_flask,
    bare_flask_wsgi,
    fill_journal,
    settle,
    verifications,
)
from benchmarks.stored import write_fixtures
from benchmarks.yardstick import beside_bare


def measure_stored(plan: Plan, folder: Path, results: Results, say: Say) -> None:
    """Every mix at every number of stored profiles, beside a bare Flask; and what the profiles cost."""
    turns = Turns(plan, folder, say, results.problems)
    with ExitStack() as stack:
        with beside_bare("stored", folder, results, say):
            sized = [_start_with(profiles, folder, results, stack, say) for profiles in plan.profiles]
        # The yardsticks get the same requests as the emulator with the fewest profiles.
        bare = Target(stack.enter_context(bare_flask(folder / "bare")), sized[0].known)
        wsgi = Target(stack.enter_context(bare_flask_wsgi(folder / "wsgi")), sized[0].known)
        for mix in MIXES:
            say(f"{mix.title}:")
            extra = [wsgi] if mix is NEW_TOKEN else []
            results.stored += turns.take(mix, [bare, *extra, *sized])
        for size, target in zip(results.sizes, sized, strict=True):
            size.memory_after = target.server.memory()


def _start_with(profiles: int, folder: Path, results: Results, stack: ExitStack, say: Say) -> Target:
    own = folder / f"emulator-{profiles}"
    known = write_fixtures(own / "fixtures", profiles)
    size = Size(profiles)
    results.sizes.append(size)
    emulator = Emulator(own, fixtures=own / "fixtures")
    stack.callback(emulator.stop)
    size.seeded_s = undisturbed(emulator.renew).started_s
    emulator.keep()
    size.stopped_s = emulator.stop()
    server = undisturbed(emulator.restart)
    size.loaded_s, size.memory = server.started_s, server.memory()
    say(
        f"{profiles:,} profiles: {size.seeded_s:.2f} s from the fixtures, "
        f"{size.loaded_s:.2f} s from the state, "
        f"stopped in {size.stopped_s:.2f} s, {size.memory / MIB:,.0f} MiB"
    )
    return Target(server, known, profiles, emulator.renew)


def measure_durability(plan: Plan, folder: Path, results: Results, say: Say) -> None:
    """New tokens in each durability mode, with few and with many connections."""
    say("durability modes:")
    turns = Turns(plan, folder, say, results.problems)
    with ExitStack() as stack:
        targets = [Target(stack.enter_context(bare_flask(folder / "bare-d")))]
        for mode in ("os", "fsync", "none"):
            own = folder / f"durability-{mode}"
            known = write_fixtures(own / "fixtures", 0)
            emulator = Emulator(own, fixtures=own / "fixtures", durability=mode, name=f"{EMULATOR}, {mode}")
            stack.enter_context(emulator)
            targets.append(Target(emulator.server, known, 0, emulator.renew))
        for connections in (plan.connections, plan.many_connections):
            results.durability += turns.take(NEW_TOKEN, targets, connections)


def measure_journal(plan: Plan, folder: Path, results: Results, say: Say) -> None:
    """New tokens on one server, in turns with its request journal and without it. The journal is full."""
    say("request journal:")
    own = folder / "journal"
    write_fixtures(own / "fixtures", 0)
    program = ("-m", "benchmarks.journal_turns", str(own / "turns.json"))
    with Emulator(own, fixtures=own / "fixtures", program=program) as emulator:
        target = Target(emulator.server, profiles=0)
        fill_journal(target.server)
        Turns(plan, folder, say, results.problems).take(NEW_TOKEN, [target])
    results.journal = JournalCost.of(json.loads((own / "turns.json").read_text()))


def measure_waiting(plan: Plan, folder: Path, results: Results, say: Say) -> None:
    """New tokens on one server whose journal is full, in turns alone and beside ten waiting verifications."""
    say("waiting verifications:")
    own = folder / "waiting"
    write_fixtures(own / "fixtures", 0)
    waiting = Waiting()
    with Emulator(own, fixtures=own / "fixtures") as emulator:
        target = Target(emulator.server, profiles=0)
        fill_journal(target.server)
        turns = Turns(plan, folder, say, results.problems)
        for number in range(plan.rounds):
            # Every other round runs backwards, as in Turns.
            for clients in (0, 10)[:: -1 if number % 2 else 1]:
                with verifications(target.server, clients):
                    rate = _new_tokens(turns, target)
                (waiting.beside if clients else waiting.alone).append(rate)
    results.waiting = waiting


def _new_tokens(turns: Turns, target: Target) -> float:
    """Requests/s of one turn."""
    one_round = Turns(replace(turns.plan, rounds=1), turns.folder, turns.say, turns.problems)
    (series,) = one_round.take(NEW_TOKEN, [target])
    return series.middle.per_second


def measure_start(plan: Plan, folder: Path, results: Results, say: Say) -> None:
    """From the start of the process to the first 200, with the fixtures that the emulator brings along."""
    with Emulator(folder / "start") as emulator:
        results.starts_s = [undisturbed(emulator.renew).started_s for _ in range(plan.starts)]
    say(
        "start to first 200, default fixtures: "
        + ", ".join(f"{each:.2f}" for each in results.starts_s)
        + " s"
    )


def measure_peers(plan: Plan, folder: Path, peers_dir: Path, results: Results, say: Say) -> None:
    """The nearest thing to a new token that each peer can do, beside the emulator and a bare Flask."""
    say("peers:")
    turns = Turns(plan, folder, say, results.problems)
    with ExitStack() as stack:
        own = folder / "emulator-p"
        write_fixtures(own / "fixtures", 0)
        targets = [
            Target(stack.enter_context(bare_flask(folder / "bare-p"))),
            Target(stack.enter_context(Emulator(own, fixtures=own / "fixtures")).server, profiles=0),
        ]
        ready: list[PeerSoftware] = []
        about = [("", "answers a constant"), ("", "all of its rules, state kept")]
        for peer in PEERS:
            try:
                installed = peer.install(peers_dir, say)
                server = stack.enter_context(peer.start(installed, folder / peer.name.replace(" ", "-")))
                targets.append(Target(server, mix=peer.mix(server)))
                about.append((installed.version, peer.does))
            except (InstallError, StartError) as problem:
                results.problems.append(f"SKIPPED {peer.name}: {problem}")
                say(f"  SKIPPED {peer.name}: {problem}")
                continue
            ready.append(peer)
        settle([each.server for each in targets])
        first = [turns.first(NEW_TOKEN, each) for each in targets]
        series = turns.take(NEW_TOKEN, targets)
        results.peers += [
            Peer(one, load, version, does, target.server.started_s, target.server.memory())
            for one, load, target, (version, does) in zip(series, first, targets, about, strict=True)
        ]
        for peer, target in zip(ready, targets[-len(ready) :], strict=True):
            time_calls(target.server, peer.resets, results, say)
