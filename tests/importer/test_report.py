"""The report as CSV: counts, every refused row, nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from emulator.importer import report as reports
from emulator.importer.problem import message
from emulator.importer.report import COUNTED, REPORT_DELIMITERS, Refusal, Report, refusal


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_the_report_has_counts_and_refusals(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    report = Report(path)
    report.take(
        Counter(dict(zip(COUNTED, (2, 1, 1, 1, 0, 0, 1), strict=True))),
        [Refusal(3, 17, "Duplicate push subscription", "100", "t:1")],
        3,
    )
    report.take(Counter(rows=1, refused=1), [Refusal(4, None, "the token is empty", "", "")], 4)
    report.finish("finished")
    assert rows_of(path) == [
        ["what", "count", "line", "database", "reason", "search value", "token"],
        ["state", "", "", "", "finished", "", ""],
        ["up to line", "", "4", "", "", "", ""],
        ["rows read", "3", "", "", "", "", ""],
        ["profiles created", "1", "", "", "", "", ""],
        ["profiles found", "1", "", "", "", "", ""],
        ["subscriptions added", "1", "", "", "", "", ""],
        ["subscriptions changed", "0", "", "", "", "", ""],
        ["subscriptions unchanged", "0", "", "", "", "", ""],
        ["refused in all", "2", "", "", "", "", ""],
        ["refused", "", "3", "17", "Duplicate push subscription", "100", "t:1"],
        ["refused", "", "4", "", "the token is empty", "", ""],
    ]


@pytest.mark.parametrize(
    "cell", ["=cmd|' /C calc'!A0", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＠A"]
)
def test_a_formula_is_escaped(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "report.csv"
    report = Report(path)
    report.take(Counter(rows=1, refused=1), [Refusal(2, None, "no", cell, cell)], 2)
    report.finish("finished")
    assert rows_of(path)[-1][-2:] == ["'" + cell, "'" + cell]


def test_a_long_cell_is_cut_and_nul_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    report = Report(path)
    report.take(Counter(rows=1, refused=1), [refusal(2, None, "no", "a\0b", "x" * 100_000)], 2)
    report.finish("finished")
    assert rows_of(path)[-1][-2:] == ["a␀b", "x" * 300 + "…"]


def test_memory_keeps_some_refusals_the_file_has_all(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    report = Report(path)
    for number in range(0, 3000, 700):
        refusals = [Refusal(line, None, "no", "", "t") for line in range(number, number + 700)]
        report.take(Counter(rows=700, refused=700), refusals, number + 699)
    report.finish("finished")
    assert [one.line for one in report.refusals] == list(range(reports.KEPT_REFUSALS))
    assert sum(row[0] == "refused" for row in rows_of(path)) == 3500


def test_a_report_that_stopped_early_says_why(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    report = Report(path)
    report.finish("failed", "the file cannot be read further")
    assert rows_of(path)[1][4] == "failed: the file cannot be read further"


def test_without_a_path_nothing_is_written(tmp_path: Path) -> None:
    report = Report()
    report.take(Counter(rows=1), [], 2)
    report.finish("finished")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", REPORT_DELIMITERS)
def test_the_report_is_utf_8_with_a_mark_and_has_the_delimiter_that_is_asked_for(
    tmp_path: Path, name: str
) -> None:
    path, delimiter = tmp_path / "report.csv", REPORT_DELIMITERS[name]
    report = Report(path, delimiter)
    report.take(Counter(rows=1, refused=1), [Refusal(2, 17, message("no_token"), "Анна; Ким", "t")], 2)
    report.finish("finished")
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbfwhat" + delimiter.encode())
    rows = list(csv.reader(content.decode("utf-8-sig").splitlines(), delimiter=delimiter))
    assert rows[-1] == ["refused", "", "2", "17", "the token is empty", "Анна; Ким", "t"]
