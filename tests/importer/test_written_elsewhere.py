"""Tables as Python's csv, pandas and LibreOffice write them: read back the same or refused, never changed."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.importer.layout import DELIMITERS
from emulator.importer.problem import ImportRefused
from emulator.importer.rows import BrokenRow
from tests.importer.tables import text_of
from tests.importer.test_reading import read

try:
    from pandas import DataFrame  # type: ignore[import-not-found,import-untyped,unused-ignore]
except ImportError:  # 60 MB for one test; where somebody has it, it is asked itself
    DataFrame = None

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "windows-1251"]


def by_pandas(rows: Sequence[Sequence[str]], delimiter: str) -> str:
    """``DataFrame.to_csv``: csv.writer with LF and minimal quotes; row numbers in a column without a name."""
    if DataFrame is not None:
        frame = DataFrame(rows[1:], columns=rows[0])
        return str(frame.to_csv(sep=delimiter, lineterminator="\n"))
    head, *body = rows
    numbered = [["", *head], *([str(number), *row] for number, row in enumerate(body))]
    return text_of(numbered, delimiter=delimiter, lineterminator="\n")


def by_libreoffice(rows: Sequence[Sequence[str]], delimiter: str, quoted: bool, line_end: str) -> str:
    """Calc's "Text CSV" filter: a cell is quoted if it has delimiter, quotes or line ends, or every text is.

    A line end inside a cell is LF, whatever ends the rows.
    """

    def cell(text: str) -> str:
        if quoted or any(one in text for one in (delimiter, '"', "\n")):
            return '"' + text.replace('"', '""') + '"'
        return text

    return "".join(delimiter.join(map(cell, row)) + line_end for row in rows)


LETTERS = "abcXYZ019:_-. абвАЯёЁ№«»"
WORDS = st.text(LETTERS + ",;\t|\"'\n", max_size=10)
#: Names as people give them to columns.
NAMES = ["client", "имя", "push token", "note"]


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, list[list[str]]]:
    """The text, and the rows that are meant: a header and some rows with tokens."""
    width = draw(st.integers(2, 4))
    cells = st.lists(WORDS, min_size=width - 1, max_size=width - 1)
    token = st.from_regex(r"[A-Za-z0-9_-]{20,24}:[A-Za-z0-9_-]{40,60}", fullmatch=True)
    body = draw(st.lists(st.tuples(cells, token), min_size=1, max_size=12))
    rows = [NAMES[:width], *([*values, one] for values, one in body)]
    delimiter = draw(st.sampled_from(list(DELIMITERS)))
    writer = draw(st.sampled_from(["csv", "pandas", "libreoffice"]))
    if writer == "pandas":
        named = [["", *rows[0]], *([str(number), *row] for number, row in enumerate(rows[1:]))]
        return by_pandas(rows, delimiter), named
    if writer == "libreoffice":
        line_end = draw(st.sampled_from(["\n", "\r\n"]))
        return by_libreoffice(rows, delimiter, draw(st.booleans()), line_end), rows
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]))
    line_end = draw(st.sampled_from(["\r\n", "\n"]))
    return text_of(rows, delimiter=delimiter, quoting=quoting, lineterminator=line_end), rows


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(table=tables())
@settings(max_examples=20, deadline=None)
def test_a_table_of_another_program_is_read_back_the_same_or_refused(
    encoding: str, table: tuple[str, list[list[str]]]
) -> None:
    text, rows = table
    # Letters by chance are no language, by which an encoding could be told: the person says it.
    said = {"encoding": encoding} if encoding == "windows-1251" else {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        path.write_bytes(text.encode(encoding))
        try:
            _, found = read(path, **said)
        except ImportRefused:
            return
    for (_, row), written in zip(found, rows, strict=True):
        assert row == written or isinstance(row, BrokenRow)


def test_quotes_of_another_kind_in_a_few_values_are_a_part_of_them(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("name,token\n'Anna',a:1\n'O,b:2\n")
    assert [row for _, row in read(path)[1]] == [["name", "token"], ["'Anna'", "a:1"], ["'O", "b:2"]]
