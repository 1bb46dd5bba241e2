"""The report as CSV: counts, every refused row, nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from emulator.importer.report import (
    COUNTED,
    REPORT_DELIMITERS,
    Description,
    RowRefusal,
    refusal_lines,
    report_csv,
)
from emulator.rules.texts import message

ENDED = Description(
    *("1", "default", "t.csv", "2026-01-01T00:00:00.000Z", False, 5, "android-firebase"),
    *("push", "token", "utf-8", ",", None, []),
    state="finished",
    up_to_line=4,
    counts=dict(zip(COUNTED, (3, 1, 1, 1, 0, 0, 2), strict=True)),
)


def written(refusals: Sequence[RowRefusal], ended: Description = ENDED, delimiter: str = ",") -> bytes:
    return b"".join(report_csv(ended, refusal_lines(refusals), delimiter))


def rows_of(content: bytes, delimiter: str = ",") -> list[list[str]]:
    lines = content.decode("utf-8-sig").splitlines(keepends=True)
    return list(csv.reader(lines, delimiter=delimiter))


def test_the_report_has_counts_and_refusals() -> None:
    refusals = [
        RowRefusal(3, 17, "Duplicate push subscription", "100", "t:1"),
        RowRefusal(4, None, "the token is empty", "", ""),
    ]
    assert rows_of(written(refusals)) == [
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
def test_a_formula_is_escaped(cell: str) -> None:
    assert rows_of(written([RowRefusal(2, None, "no", cell, cell)]))[-1][-2:] == ["'" + cell, "'" + cell]


def test_nul_is_shown() -> None:
    assert rows_of(written([RowRefusal(2, None, "no", "a\0b", "t")]))[-1][-2:] == ["a␀b", "t"]


def test_the_report_has_every_refusal() -> None:
    refusals = [RowRefusal(line, None, "no", "", "t") for line in range(3500)]
    assert sum(row[0] == "refused" for row in rows_of(written(refusals))) == 3500


def test_a_report_that_stopped_early_says_why() -> None:
    ended = replace(ENDED, state="failed", problem="the file cannot be read further")
    assert rows_of(written([], ended))[1][4] == "failed: the file cannot be read further"


@pytest.mark.parametrize("name", REPORT_DELIMITERS)
def test_the_report_is_utf_8_with_a_mark_and_has_the_delimiter_that_is_asked_for(name: str) -> None:
    delimiter = REPORT_DELIMITERS[name]
    content = written([RowRefusal(2, 17, message("no_token"), "Анна; Ким", "t")], delimiter=delimiter)
    assert content.startswith(b"\xef\xbb\xbfwhat" + delimiter.encode())
    row = ["refused", "", "2", "17", "the token is empty", "Анна; Ким", "t"]
    assert rows_of(content, delimiter)[-1] == row
