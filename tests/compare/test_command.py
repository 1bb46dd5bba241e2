"""``compare FILE…`` as a person uses it: exit status, texts, JSON, secrets, the page's examples."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from emulator.compare.traffic import read_traffic
from emulator.fixtures.load import load_fixtures
from tests.command_line import assert_one_line, run_here
from tests.compare import HOST, TOKEN, added, answer, bare, body, har, har_entry, pair, write_lines
from tests.server import PATIENCE_S, ROOT, Server, subscription

P, Q = "59db33d269d426509e9c4bf9", "5fb62e815ae47a4aa04dfadd"
EXAMPLES = json.loads((ROOT / "tests/seed/examples.json").read_text("utf-8"))["examples"]
MOVED = [pair(body("a", id=P), answer(added("a", P))), pair(body("a", id=Q), answer(added("a", Q)))]


def example_entry(example: dict[str, Any]) -> dict[str, Any]:
    answered = example["response"]
    status = answered["error"] if answered["error"] in (400, 404) else 200
    return har_entry(example["request"], answered, status)


@pytest.mark.parametrize("how", ["--fixtures", "--infer"])
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one["name"].replace(" ", "_"))
def test_each_example_of_the_page_as_a_har_has_no_difference(
    example: dict[str, Any], how: str, tmp_path: Path
) -> None:
    (tmp_path / "page.har").write_text(har(example_entry(example)))
    folder = tmp_path / "fixtures"
    if how == "--fixtures":
        folder.mkdir()
        for name, entries in example["given"].items():
            (folder / f"{name}.json").write_text(json.dumps(entries))
    finished = run_here("compare", tmp_path / "page.har", how, folder)
    assert (finished.returncode, finished.stdout.splitlines()[-1]) == (0, "no difference"), finished.stdout


def test_all_examples_of_the_page_in_one_har_have_no_difference_apart(tmp_path: Path) -> None:
    (tmp_path / "page.har").write_text(har(*map(example_entry, EXAMPLES)))
    finished = run_here("compare", "--apart", tmp_path / "page.har")
    assert (finished.returncode, finished.stdout.splitlines()[-1]) == (0, "no difference"), finished.stdout


def test_a_difference_stands_side_by_side_under_its_rule_and_ends_with_1(tmp_path: Path) -> None:
    finished = run_here("compare", write_lines(tmp_path / "t.jsonl", MOVED))
    assert finished.returncode == 1
    assert "t.jsonl, entry 2: differs by S4" in finished.stdout
    marked = [line.split() for line in finished.stdout.splitlines() if line.startswith("  ! ")]
    assert ["!", "data[0].status", '"ok"', '"error"'] in marked
    assert "  differs  S4" in finished.stdout
    assert "  agrees   S1" in finished.stdout
    assert "not observable in these calls: Q1," in finished.stdout


def test_the_report_as_json_has_every_rule_and_goes_to_a_file_too(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    lines = write_lines(tmp_path / "t.jsonl", MOVED)
    printed = run_here("compare", lines, "--json", "--report", file).stdout
    report = json.loads(printed)
    assert json.loads(file.read_text()) == report
    verdicts = {one["rule"]: one["verdict"] for one in report["rules"]}
    assert (verdicts["S4"], verdicts["S1"], verdicts["B3"]) == ("differs", "agrees", "not observable")
    (call,) = report["differences"]
    assert call["rules"] == ["S4"]
    assert {"path": "data[0].status", "platform": "ok", "emulator": "error", "differs": True} in call[
        "members"
    ]


def test_no_secret_is_in_any_report(tmp_path: Path) -> None:
    echoed = answer(error=404, text=f"Resource {TOKEN} not found")
    entries = [har_entry(body("a"), echoed, 404, url=f"https://{HOST}/push_subscribe?token={TOKEN}")]
    (tmp_path / "t.har").write_text(har(*entries))
    for how in ((), ("--json",), ("--report", tmp_path / "report.json")):
        finished = run_here("compare", tmp_path / "t.har", *how)
        assert finished.returncode == 1
        assert "0123…oken" in finished.stdout
        assert TOKEN not in finished.stdout + finished.stderr
        assert "do-not-show-me" not in finished.stdout
    assert TOKEN not in (tmp_path / "report.json").read_text()


def test_inferred_fixtures_are_a_valid_set_that_leaves_the_same_result(tmp_path: Path) -> None:
    known = pair(body("a", matching="custom", field_name="card", field_value=7), answer(bare(P), error=200))
    gone = subscription("b", unsubscribe=True)
    lines = write_lines(
        tmp_path / "t.jsonl",
        [known, pair(body(subscriptions=[gone]), answer(added("b", Q, unsubscribe=True)))],
    )
    folder = tmp_path / "inferred"
    assert run_here("compare", lines, "--infer", folder).returncode == 0
    found = load_fixtures(folder)
    assert [(one.id, one.token, one.db_ids) for one in found.resources] == [(5, TOKEN, [17])]
    assert [(one.id, one.fields) for one in found.profiles] == [(P, {"card": 7}), (Q, {})]
    assert run_here("compare", lines, "--fixtures", folder).returncode == 0


def test_the_export_of_a_journal_is_compared_without_its_masked_tokens(fresh: Server, tmp_path: Path) -> None:
    for parameters in ({}, {"id": "mine"}, {"matching": "profile_id"}, {"id": "mine"}):
        fresh.push(subscriptions=[subscription("exported")], **parameters)
    fresh.push(subscriptions=[subscription("emu!503")])
    export = tmp_path / "journal.json"
    export.write_bytes(fresh.get("/__admin/requests").body)
    for fixtures in ((), ("--fixtures", ROOT / "fixtures" / "default")):
        finished = run_here("compare", export, *fixtures)
        assert finished.stdout.splitlines()[-1] == "no difference", finished.stdout
        assert "4 calls compared" in finished.stdout
        assert "1  answered by a fault" in finished.stdout


_WITHOUT_CONNECTIONS = """
import sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.bind"):
        raise AssertionError(event)

sys.addaudithook(watch)
from emulator.cli import main
main(sys.argv[1:])
"""


def test_recorded_traffic_is_compared_without_any_connection(tmp_path: Path) -> None:
    lines = write_lines(tmp_path / "t.jsonl", MOVED)
    command = [sys.executable, "-c", _WITHOUT_CONNECTIONS, "compare", str(lines)]
    finished = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE_S, cwd=ROOT, check=False
    )
    assert (finished.returncode, finished.stderr) == (1, "")


def test_policies_say_how_the_emulator_answers(tmp_path: Path) -> None:
    lines = write_lines(tmp_path / "t.jsonl", MOVED)
    assert run_here("compare", lines, "--policy", "duplicate_token=move").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["FILES"]),
        (["nothing.har"], ["nothing.har", "No such file"]),
        (["empty.har"], ["empty.har", "must be a HAR"]),
        (["other.har"], ["no call of POST /push_subscribe", "1 another call"]),
        (["good.jsonl", "--fixtures", "nowhere"], ["the fixtures in nowhere cannot be used"]),
        (["good.jsonl", "--infer", "."], ["is not empty"]),
        (["good.jsonl", "--policy", "x=y"], ['no policy "x"']),
        (["good.jsonl", "--report", "no/such/report.json"], ["report.json", "No such file"]),
    ],
)
def test_an_error_of_use_is_one_line_and_status_2(
    arguments: list[str], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.har").touch()
    Path("other.har").write_text(har(har_entry(body("a"), {}, url="https://h/x")))
    write_lines(Path("good.jsonl"), MOVED)
    finished = run_here("compare", *arguments)
    finished.stderr = finished.stderr.splitlines(keepends=True)[-1]
    assert_one_line(finished, *words)


def test_a_har_of_100_mb_is_read_an_entry_at_a_time(tmp_path: Path) -> None:
    image = json.dumps(har_entry(body("a"), "x" * 1_000_000, url=f"https://{HOST}/video"))
    call = json.dumps(har_entry(body("a"), answer(added("a", P))))
    with (tmp_path / "t.har").open("w") as file:
        file.write('{"log": {"version": "1.2", "entries": [' + call)
        for _ in range(100):
            file.write("," + image)
        file.write("]}}")
    tracemalloc.start()
    try:
        traffic = read_traffic([tmp_path / "t.har"])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (len(traffic.calls), traffic.left_out) == (1, {"another call": 100})
    assert peak < 20_000_000
