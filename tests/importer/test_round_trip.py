"""Whatever program wrote a table: it is read back the same, or refused with the reason."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.importer.problem import ImportRefused
from emulator.importer.rows import BrokenRow
from tests.importer.tables import text_of
from tests.importer.test_reading import read

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1251")


class Program(NamedTuple):
    """How a program writes a table: its options for Python's csv module, and what it makes of a cell."""

    options: dict[str, Any]
    index: bool = False


PROGRAMS = {
    "csv": Program({}),
    "csv, all quoted": Program({"quoting": csv.QUOTE_ALL}),
    "csv, excel-tab": Program({"dialect": "excel-tab"}),
    "csv, unix": Program({"dialect": "unix"}),
    # DataFrame.to_csv: minimal quotes, a line feed, the index as a column without a name
    "pandas": Program({"lineterminator": "\n"}),
    "pandas, with its index": Program({"lineterminator": "\n"}, index=True),
    "pandas, semicolon": Program({"lineterminator": "\n", "delimiter": ";"}),
    # the filter options 44,34 and 59,34,,,,false,true of Text - txt - csv: the latter quotes every text
    "LibreOffice": Program({"lineterminator": "\n"}),
    "LibreOffice, all texts quoted": Program(
        {"lineterminator": "\n", "delimiter": ";", "quoting": csv.QUOTE_ALL}
    ),
    "LibreOffice, tab": Program({"lineterminator": "\n", "delimiter": "\t"}),
}
WORDS = st.text(st.sampled_from("abcxyzАБВабвгдежзийклмнопрстуфхцчшщъыьэюяёЁ№«» "), max_size=12)
ODD = st.text(st.sampled_from("abЯя,;\t|\"' \n\r0159.-"), max_size=8)
CELLS = st.one_of(WORDS, ODD, st.sampled_from(["NULL", "", "100.0", "5.9E+23", "007", "=1+1", "+7 916"]))


@given(
    st.sampled_from(sorted(PROGRAMS)),
    st.sampled_from(ENCODINGS),
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=12),
)
@settings(max_examples=40, deadline=None)
def test_any_table_of_any_program_is_read_back_the_same_or_refused_with_the_reason(
    name: str, encoding: str, cells: list[tuple[str, str]]
) -> None:
    program = PROGRAMS[name]
    rows = [["profile", "имя", "push token"]]
    # Python's writer leaves a lone CR unquoted: before a line feed its bytes are those of another line end.
    rows += [[f"{n:024x}", one, f"token{n}:{two}".rstrip("\r")] for n, (one, two) in enumerate(cells)]
    if program.index:
        rows = [["" if n == 0 else str(n - 1), *row] for n, row in enumerate(rows)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        path.write_bytes(text_of(rows, **program.options).encode(encoding))
        try:
            layout, found = read(path)
        except ImportRefused:
            return
    assert layout.encoding == encoding
    whole = [row for _, row in found if not isinstance(row, BrokenRow) and len(row) == len(rows[0])]
    assert all(row in rows for row in whole), "a row was changed in silence"
    if not any(
        "\r" in cell for row in rows for cell in row
    ):  # a lone CR without quotes breaks its row in two
        assert len(found) == len(rows), "a row was lost in silence"
