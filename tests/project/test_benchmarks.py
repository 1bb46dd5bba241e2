"""The benchmark's own parts: what it reads, what it writes, how it judges. No load is put on anything."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from random import Random
from time import perf_counter

import orjson
import psutil
import pytest

from benchmarks import quiet
from benchmarks.__main__ import PARTS
from benchmarks.alternating import alternate
from benchmarks.guest_memory import memory_kept
from benchmarks.isolation import FRESH, RESET
from benchmarks.load import RESULT_MARK, Load, LoadError, Pressure, middle, read_result
from benchmarks.mixes import MIXES, NEW_TOKEN, write_script
from benchmarks.quiet import Patience, quietest
from benchmarks.report import markdown, table
from benchmarks.results import (
    Dearest,
    Idle,
    JournalCost,
    LongWork,
    Peer,
    Plugin,
    Results,
    Series,
    Size,
    Timing,
    Waiting,
    profile_bytes,
)
from benchmarks.running import StartError, family, free_port, running
from benchmarks.servers import BARE, EMULATOR, ROOT, bare_flask
from benchmarks.stored import firebase_token, write_fixtures
from benchmarks.targets import judge

PRINTED = f"""Running 2s test @ http://127.0.0.1:1
  1 threads and 8 connections
{RESULT_MARK}{{"requests": 4000, "duration_us": 2000000, "p50_us": 400, "p99_us": 1500, "p999_us": 3000, \
"max_us": 9000, "unexpected": 1, \
"errors": {{"connect": 1, "read": 2, "write": 0, "status": 5, "timeout": 3}}}}
"""


def a_load(per_second: int = 1000, p99: float = 1.0, refused: int = 0) -> Load:
    return Load(per_second, 1.0, p99 / 2, p99, p99 * 2, p99 * 3, refused, 0)


def a_series(server: str, profiles: int | None = None, per_second: int = 1000, p99: float = 1.0) -> Series:
    ratios = [] if server == BARE else [per_second / 1000]
    return Series(server, "new", profiles, loads=[a_load(per_second, p99)], beside=[a_load()], ratios=ratios)


def test_result_line_of_the_script_is_read_with_its_units() -> None:
    load = read_result(PRINTED)
    assert (load.requests, load.per_second, load.p50, load.p99, load.p999, load.slowest) == (
        4000,
        2000.0,
        0.4,
        1.5,
        3.0,
        9.0,
    )
    assert (load.refused, load.broken, load.unexpected) == (5, 6, 1)
    assert not load.clean


def test_output_without_a_result_line_is_refused_with_what_was_printed() -> None:
    with pytest.raises(LoadError, match="unable to connect"):
        read_result("unable to connect to 127.0.0.1:1 Connection refused")


def test_middle_takes_medians_and_loses_no_error() -> None:
    found = middle([a_load(100, 3.0), a_load(900, 1.0, refused=2), a_load(500, 2.0, refused=1)])
    assert (found.per_second, found.p99, found.refused) == (500, 2.0, 3)


def test_ratio_is_the_middle_of_those_measured_in_turns() -> None:
    assert Series("x", "new", ratios=[0.9, 0.7, 0.8]).ratio == 0.8
    assert Series(BARE, "new", loads=[a_load()]).ratio == 1.0


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk, the benchmark's load tool, is not installed")
def test_loads_in_turns_share_the_time(tmp_path: Path) -> None:
    with bare_flask(tmp_path / "bare") as server:
        scripts = [write_script(NEW_TOKEN, tmp_path / f"{name}.lua") for name in "ab"]
        since = perf_counter()
        first, second = alternate([(server.url, one) for one in scripts], Pressure(1, 2, 1))
        assert 2 <= perf_counter() - since < 20
    for one in (first, second):
        assert 1 <= one.seconds < 10
        assert one.requests > 20
        assert one.refused == one.broken == 0


def test_rate_beside_those_who_wait_is_compared_round_by_round_and_judged() -> None:
    found = Results(waiting=Waiting(alone=[100, 200, 400], beside=[95, 170, 388]))
    assert [(each.measured, each.reached) for each in judge(found)] == [("0.95", True)]
    assert "leave 95.0% of the rate" in markdown(found)


def test_requests_beside_long_work_are_judged_by_their_rate_and_their_tail() -> None:
    quiet = a_load(1000, 4.0)
    work = [LongWork("opens", 500, 0.5, a_load(600, 12.0), quiet)]
    work.append(LongWork("exports", 500, 0.7, a_load(400, 25.0), quiet))
    found = Results(long_work=work)
    judged = [(each.measured, each.reached) for each in judge(found)]
    assert judged == [("12.0 ms", True), ("0.60", True), ("25.0 ms", False), ("0.40", False)]
    assert "exports" in markdown(found)


def test_journals_share_is_what_is_saved_without_it_and_is_judged() -> None:
    found = Results(journal=JournalCost.of([(100, 90), (300, 150), (200, 180)]))
    assert found.journal is not None
    assert (found.journal.share, found.journal.recorded_us) == (pytest.approx(0.1), 200)
    assert [(each.what, each.measured, each.reached) for each in judge(found)] == [
        ("the request journal's share of a request", "10.0%", True)
    ]
    assert "the journal costs 10.0% of it" in markdown(found)
    with pytest.raises(RuntimeError, match="too few requests"):
        JournalCost.of([(100, 90)])


def test_firebase_token_has_the_shape_and_length_of_a_real_one() -> None:
    token = firebase_token(Random(1))
    assert len(token) == 160
    assert token[22:29] == ":APA91b"


@pytest.mark.parametrize("profiles", [0, 300])
def test_written_fixtures_are_whole_and_known_profiles_are_in_them(tmp_path: Path, profiles: int) -> None:
    known = write_fixtures(tmp_path, profiles)
    stored = orjson.loads((tmp_path / "profiles.json").read_bytes())
    assert len(stored) == len({each["id"] for each in stored}) == profiles
    by_number = {
        each["fields"]["CustomNumber1"]: each["subscriptions"][0]["subscription_id"] for each in stored
    }
    assert known
    if profiles:
        assert all(by_number[each.number] == each.token for each in known)


@pytest.mark.parametrize("mix", MIXES, ids=lambda mix: mix.name)
@pytest.mark.parametrize("check", [False, True])
def test_script_has_no_blank_left_to_fill(tmp_path: Path, mix, check: bool) -> None:  # type: ignore[no-untyped-def]
    script = write_script(
        mix, tmp_path / "load.lua", write_fixtures(tmp_path, 0), threads=2, check=check
    ).read_text()
    assert "%(" not in script
    assert "%%" not in script
    assert ("function response" in script) is check


def test_two_scripts_never_make_the_same_tokens(tmp_path: Path) -> None:
    first, second = (write_script(NEW_TOKEN, tmp_path / name).read_text() for name in ("a.lua", "b.lua"))
    assert _nonce(first) != _nonce(second)


def _nonce(script: str) -> str:
    return script.split('string.format("')[1].split("%02d")[0]


@pytest.mark.parametrize(
    ("stolen", "puts"),
    [([0.01, 0.0], 1), ([0.3, 0.01, 0.0], 2), ([0.3, 0.1, 0.2, 0.4, 0.0], 4)],
    ids=["undisturbed", "once disturbed", "always disturbed"],
)
def test_load_that_the_host_disturbs_is_put_again(
    monkeypatch: pytest.MonkeyPatch, stolen: list[float], puts: int
) -> None:
    monkeypatch.setattr(quiet, "patience", Patience(0))
    loads = iter([replace(read_result(PRINTED), stolen=each) for each in stolen])
    kept = quietest(lambda: next(loads), attrgetter("stolen"))
    assert kept.stolen == min(stolen[:puts])
    assert len(list(loads)) == len(stolen) - puts


@pytest.mark.parametrize(("shares", "looks"), [([0.0, 0.3], 1), ([0.3, 0.1, 0.0, 0.3], 3), ([0.3] * 9, 4)])
def test_a_run_waits_for_a_quiet_host_as_long_as_its_patience_lasts(
    monkeypatch: pytest.MonkeyPatch, shares: list[float], looks: int
) -> None:
    monkeypatch.setattr(quiet, "sleep", lambda seconds: None)
    patience, left = Patience(20), iter(shares)
    patience.wait_for_quiet(lambda: next(left))
    assert len(list(left)) == len(shares) - looks


@pytest.mark.skipif(sys.platform != "linux", reason="free memory is kept where Linux reports it to a host")
def test_kept_memory_is_free_but_for_a_page_of_each_block() -> None:
    own = psutil.Process()
    before = own.memory_info().rss
    with memory_kept(256 << 20):
        assert own.memory_info().rss - before < 64 << 20


def test_table_pads_columns_and_puts_numbers_to_the_right() -> None:
    assert table(["server", "req/s"], [["a", "12"], ["longer", "3"]]).splitlines() == [
        "| server | req/s |",
        "| ------ | ----: |",
        "| a      |    12 |",
        "| longer |     3 |",
    ]


def some_results() -> Results:
    stored = [a_series(BARE), a_series(EMULATOR, 0, 900), a_series(EMULATOR, 1_000_000, 850, p99=1.5)]
    peers = [
        Peer(a_series(EMULATOR, 0, 900), a_load(800), "", "rules", 0.3, 50 << 20),
        Peer(a_series("WireMock", None, 700, p99=20.0), a_load(400), "3", "a constant", 1.0, 900 << 20),
    ]
    sizes = [
        Size(0, memory=50 << 20),
        Size(1_000_000, loaded_s=5.0, seeded_s=500.0, memory=(50 << 20) + 1_500_000_000),
    ]
    return Results({"processor": "x"}, {"loads": "y"}, stored, sizes, starts_s=[0.4, 0.2, 0.3], peers=peers)


def test_judge_compares_every_number_with_what_was_measured() -> None:
    verdicts = {each.what: each.reached for each in judge(some_results())}
    assert verdicts == {
        "requests/s over bare Flask on the same server, every mix and size": True,
        "p99 over bare Flask's p99 of the same rounds": True,
        "p99.9 over bare Flask's p99 of the same rounds": True,
        "start to first 200, default fixtures": True,
        "load of 1,000,000 profiles from the state": True,
        "load of 1,000,000 profiles from fixtures": False,
        "memory of a stored profile": True,
        "requests/s over the fastest peer, right after the start": True,
        "requests/s over the fastest peer, all warm": False,
    }


def test_isolation_is_judged_and_shown_beside_what_peers_offer() -> None:
    found = Results(
        timings=[
            Timing(EMULATOR, FRESH, "default fixtures", 0.9, 1.4),
            Timing(EMULATOR, RESET, "default fixtures", 0.7, 0.9),
            Timing("WireMock", "reset of mappings and journal", "", 1.5, 2.0),
        ],
        idle=Idle(2000, 14 * 1024, 0),
        plugin=Plugin([0.01], [0.4], [0.8]),
        dearest=Dearest("arrays", 30.0, 20.0),
        import_rows={"push": 60_000, "id": 55_000},
    )
    assert [(each.measured, each.reached) for each in judge(found)] == [
        ("30.0 ms", False),
        ("0.91 s", True),
        ("0.90 ms", True),
        ("0.70 ms", False),
        ("14.0 KiB", True),
        ("0", True),
        ("0.800 ms", True),
        ("0.400 s", False),
        ("0.010 s", True),
    ]
    text = markdown(found)
    assert "| WireMock " in text
    assert "2,000 idle workspaces, each after one push: 14.0 KiB" in text


def test_times_to_reach_follow_the_machine() -> None:
    """A bare Flask answers 7,000 requests/s in place of 14,000: twice the time is enough."""
    reset = Timing(EMULATOR, RESET, "default fixtures", 0.9, 1.2)
    on_quick, on_slow = (
        Results(
            timings=[reset],
            starts_s=[0.62],
            import_rows={"id": 26_000},
            bare_rates=dict.fromkeys(("start", "isolation", "import"), rate),
        )
        for rate in (14_000, 7_000)
    )
    assert {each.what: (each.reach, each.reached) for each in judge(on_slow)} == {
        "CSV import of 50,000 rows, one core (id)": ("≤ 2 s (1)", True),
        "reset after one push, default fixtures": ("≤ 1 ms (0.5)", True),
        "start to first 200, default fixtures": ("≤ 0.6 s (0.3)", False),
    }
    assert not any(each.reached for each in judge(on_quick))
    assert "start 7,000, isolation 7,000, import 7,000" in markdown(on_slow)


def test_a_quicker_machine_has_to_take_less_time_for_loads_alone() -> None:
    reset, sizes = Timing(EMULATOR, RESET, "default fixtures", 0.4, 0.6), [Size(0), Size(1_000_000)]
    found = judge(Results(timings=[reset], sizes=sizes, bare_rates={"isolation": 28_000, "stored": 28_000}))
    assert [each.reach for each in found[:3]] == ["≤ 0.5 ms (0.5)", "≤ 4 s (8)", "≤ 7.5 s (15)"]


def test_judge_says_nothing_of_what_was_not_measured() -> None:
    assert judge(Results()) == []


def test_profile_bytes_are_the_difference_between_most_and_none() -> None:
    assert profile_bytes(some_results().sizes) == 1500.0
    assert profile_bytes([Size(0, memory=1)]) is None


def test_report_shows_problems_and_only_what_was_measured() -> None:
    results = some_results()
    assert "good status" in markdown(results, ["stored.png"])
    results.problems.append("emulator, new token: 3 answers with a bad status")
    results.peers.clear()
    text = markdown(results)
    assert "- emulator, new token: 3 answers with a bad status" in text
    assert "good status" not in text
    assert "## Peers" not in text
    assert "stored.png" not in text


def test_results_are_written_as_json(tmp_path: Path) -> None:
    some_results().write(tmp_path / "results.json")
    assert orjson.loads((tmp_path / "results.json").read_bytes())["stored"][1]["profiles"] == 0


def test_server_is_stopped_and_gone_after_its_measurement(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    with running("http.server", command, tmp_path, port=port, ready_path="/") as server:
        assert server.memory() > 0
        assert server.started_s > 0
    assert family(server.process.pid) == []


def test_server_that_ends_at_once_is_reported_with_what_it_printed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no fixtures here')"]
    with (
        pytest.raises(StartError, match="status 1: no fixtures here"),
        running("x", command, tmp_path, port=1),
    ):
        pass


def test_unknown_part_is_refused_with_status_2_and_the_choices() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--only", "nothing"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert f"choose from {', '.join(PARTS)}" in ended.stderr
