"""``run.py import``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from emulator.cli.import_ import command
from emulator.store.lock import StateLock
from tests.command_line import assert_one_line
from tests.server import ROOT

TABLE = "customer;push token\n100;new:1\n777;new:1\n12x;new:2\n"
GOOD = ["--match", "field:CustomNumber1=customer", "--token-column", "push token"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "tokens.csv"
    path.write_text(TABLE)
    return path


def run(table: Path, *options: str) -> Result:
    state = ["--state", str(table.parent / "state")]
    arguments = [str(table), "--resource", "5", "--provider", "android-firebase", *state, *options]
    result = CliRunner().invoke(command, arguments, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result


def test_a_file_is_imported_into_a_state_directory(table: Path) -> None:
    result = run(table, *GOOD, "--report", str(table.with_name("report.csv")))
    assert result.return_value == 0
    assert "tokens.csv: utf-8, semicolon, a header of 2 columns" in result.stdout
    assert "  subscriptions added                1\n" in result.stdout
    assert "  line 3, database 17: Duplicate push subscription (new:1)\n" in result.stdout
    assert "  line 4, database 17: matching error: invalid field value (new:2)\n" in result.stdout
    assert "every row up to line 4 is done" in result.stdout
    assert table.with_name("report.csv").read_text().count("refused") == 3
    again = run(table, *GOOD)
    assert "  subscriptions unchanged            1\n" in again.stdout


@pytest.mark.skipif(os.name == "nt", reason="pipes and devices with names are POSIX's")
@pytest.mark.parametrize("server", [(), ("--url", "http://127.0.0.1:9")])
@pytest.mark.parametrize("kind", ["a pipe", "/dev/zero", "/dev/stdin"])
def test_pipes_and_devices_are_refused(tmp_path: Path, kind: str, server: tuple[str, ...]) -> None:
    file = kind
    if kind == "a pipe":
        file = str(tmp_path / "pipe")
        os.mkfifo(file)
    command = [sys.executable, str(ROOT / "run.py"), "import", file, "--resource", "5", "--provider", "p"]
    ran = subprocess.run(
        [*command, *GOOD, *server], cwd=tmp_path, input=TABLE, capture_output=True, text=True, timeout=60
    )
    assert_one_line(ran, f"{file} is a pipe or a device; the file is read several times: save it first")


@pytest.mark.skipif(os.name == "nt", reason="pipes and devices with names are POSIX's")
def test_a_file_as_standard_input_is_imported(table: Path) -> None:
    command = [sys.executable, str(ROOT / "run.py"), "import", "/dev/stdin", "--resource", "5", *GOOD]
    with table.open("rb") as file:
        ran = subprocess.run([*command, "--provider", "android-firebase"], cwd=table.parent, stdin=file)
    assert ran.returncode == 0


def test_a_dry_run_says_so_and_changes_nothing(table: Path) -> None:
    for _ in range(2):
        result = run(table, *GOOD, "--dry-run")
        assert "dry run: nothing was changed" in result.stdout
        assert "  subscriptions added                1\n" in result.stdout


def test_a_dry_run_counts_what_is_odd_and_changes_nothing(table: Path) -> None:
    table.write_text("customer;push token\n7.1E+11;new:1\n7.1E+11;new:2\n")
    how = ["--match", "field:nickname=customer", "--token-column", "push token"]
    for _ in range(2):
        result = run(table, *how, "--dry-run")
        assert "note: 1 of 2 search values are in an earlier row too" in result.stderr
        assert "note: 2 of 2 search values are numbers that a spreadsheet has rounded" in result.stderr
        assert "  subscriptions added                2\n" in result.stdout


def test_no_progress_bar_where_nobody_watches(table: Path) -> None:
    assert "%" not in run(table, *GOOD).output


def test_a_plan_that_cannot_be_carried_out_lists_its_problems(table: Path) -> None:
    result = run(table, "--match", "id:custmer", "--token-column", "x")
    assert result.return_value == 1
    assert result.stderr == (
        'error: token_column: there is no column "x"; there are "customer", "push token"\n'
        'error: match: there is no column "custmer", did you mean "customer"?\n'
        "nothing was imported\n"
    )


def test_without_columns_it_shows_what_is_there_and_what_to_say(table: Path) -> None:
    table.write_text("id;push token\n59db33d269d426509e9c4bf9;new:1\n")
    result = run(table)
    assert result.return_value == 2
    assert "#1 id" in result.stdout
    assert "perhaps: --match 'id:id' --token-column 'push token'" in result.stdout
    assert result.stderr == "error: say which columns with --match and --token-column\n"


def test_a_state_directory_in_use_points_to_the_server(table: Path) -> None:
    lock = StateLock(table.parent / "state")
    try:
        with pytest.raises(Exception, match=r"in use by .*import through it with --url http://HOST:PORT"):
            run(table, *GOOD)
    finally:
        lock.release()


def test_the_report_never_takes_the_place_of_the_file(table: Path) -> None:
    with pytest.raises(Exception, match="--report names the file itself"):
        run(table, *GOOD, "--report", str(table))
    assert table.read_text() == TABLE


def test_a_file_that_is_not_there_is_told(table: Path) -> None:
    nowhere = table.with_name("none.csv")
    result = run(nowhere, *GOOD)
    assert result.return_value == 1
    assert result.stderr.startswith(f"error: {nowhere}: cannot be read: No such file or directory\n")


def test_a_server_that_is_not_there_is_told(table: Path) -> None:
    with pytest.raises(Exception, match=r"POST http://127\.0\.0\.1:9/__admin/import: "):
        run(table, *GOOD, "--url", "http://127.0.0.1:9")
