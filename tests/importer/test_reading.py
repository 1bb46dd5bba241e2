"""Encodings, delimiters, quotes, headers and line ends: what was written is what is read."""

from __future__ import annotations

import csv
import sys
import tempfile
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.importer.layout import DELIMITERS, Layout, read_layout
from emulator.importer.problem import ImportRefused
from emulator.importer.rows import BrokenRow, Dialect, Rows
from emulator.importer.sources import SAMPLE_BYTES, Source
from tests.importer.tables import text_of

HEADER = ["profile", "name", "push token"]
PEOPLE = [
    ["59db33d269d426509e9c4bf9", "Анна Ким", "tokenone:1"],
    ["5fb62e815ae47a4aa04dfadd", 'Борис; младший, "Боря" | один\tдва', "tokentwo:2"],
    ["637f1a284fda7c5c08be62f0", "Вера\r\nиз Твери", "tokenthree:3"],
]


def read(path: Path, **said: object) -> tuple[Layout, list[tuple[int, list[str]]]]:
    source = Source(path)
    layout = read_layout(source, **said)  # type: ignore[arg-type]
    rows = Rows(source, layout.encoding, layout.dialect)
    found = list(rows)
    rows.close()
    return layout, found


@pytest.mark.parametrize("delimiter", list(DELIMITERS))
@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("windows-1251", "cp1251"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_encoding_delimiter_and_header_are_told_from_the_file(
    tmp_path: Path, delimiter: str, written: str, told: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(text_of([HEADER, *PEOPLE], delimiter=delimiter).encode(written))
    layout, rows = read(path)
    assert (layout.encoding, layout.dialect.delimiter, layout.names) == (told, delimiter, HEADER)
    assert [row for _, row in rows] == [HEADER, *PEOPLE]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_read_and_lines_are_counted(tmp_path: Path, line_end: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(line_end.join(["token,name", "a,1", "", "b,2"]).encode())
    assert read(path)[1] == [(1, ["token", "name"]), (2, ["a", "1"]), (4, ["b", "2"])]


def test_a_row_over_several_lines_has_the_number_of_its_first(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b'token,name\n"a","one\ntwo\nthree"\nb,2\n')
    assert read(path)[1][1:] == [(2, ["a", "one\ntwo\nthree"]), (5, ["b", "2"])]


def test_single_quotes_are_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(text_of([HEADER, *PEOPLE], quotechar="'", quoting=csv.QUOTE_ALL).encode())
    layout, rows = read(path)
    assert layout.dialect.quote == "'"
    assert [row for _, row in rows] == [HEADER, *PEOPLE]


def test_quotes_can_be_said_to_mean_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b'token\tname\n"a\t"5" screen"\n')
    assert read(path, quote="")[1][1] == (2, ['"a', '"5" screen"'])


def test_a_table_without_a_header_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(text_of(PEOPLE).encode())
    assert read(path)[0].names is None


def test_what_is_said_of_a_file_is_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("имя;токен,x\nАнна;a,1\n".encode("koi8-r"))
    layout, rows = read(path, encoding="koi8-r", delimiter="semicolon", header=False)
    assert layout.names is None
    assert rows[1][1] == ["Анна", "a,1"]


@pytest.mark.parametrize("written", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_utf_16_and_32_that_are_said_need_no_mark(tmp_path: Path, written: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(f"имя,token\nЯн,{'a' * 64}\n".encode(written))
    layout, rows = read(path, encoding=written[:6])
    assert layout.encoding == written
    assert rows[1][1] == ["Ян", "a" * 64]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"encoding": "klingon"}, 'encoding: there is no "klingon"'),
        *(
            ({"encoding": one}, f'encoding: "{one}" does not make text')
            for one in ("hex", "idna", "punycode")
        ),
        ({"encoding": "undefined"}, 'encoding: "undefined" does not make text'),
        ({"delimiter": ",,"}, "delimiter: must be one character"),
        ({"delimiter": '"'}, "delimiter: must be one character"),
        ({"quote": "*"}, "quote: must be"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, said: dict[str, str], text: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"token,name\na,1\n")
    with pytest.raises(ImportRefused) as refused:
        read(path, **said)
    assert text in str(refused.value)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('"a"x,1', "a closing quote is followed by more text"),
        ('"' + "x" * 140_000 + '",1', "a cell has more than 131,072 characters"),
    ],
)
def test_a_broken_row_says_why_and_the_next_line_begins_anew(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(f"token,name\nfirst,1\n{line}\nlast,2\n".encode())
    rows = read(path)[1]
    broken = rows[2][1]
    assert isinstance(broken, BrokenRow)
    assert reason in str(broken.reason)
    assert [(number, row[:1]) for number, row in rows] == [
        (1, ["token"]),
        (2, ["first"]),
        (3, []),
        (4, ["last"]),
    ]


def test_a_quote_that_is_never_closed_is_one_broken_row(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b'token,name\nfirst,1\n"second,2\nthird,3\n')
    line, broken = read(path)[1][2]
    assert isinstance(broken, BrokenRow)
    assert (line, str(broken.reason)) == (3, "a quote is not closed (lines 3 to 4 are one row)")


def test_bytes_that_are_no_text_refuse_their_row_and_swallow_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("token,имя\n".encode() + b"a,1\n" * 100_000 + b"\xd0,2\nb,3\n")
    (line, broken), last = read(path)[1][-2:]
    assert isinstance(broken, BrokenRow)
    assert (line, str(broken.reason)) == (
        100_002,
        "has bytes that are no utf-8: the file mixes encodings, or is in another one",
    )
    assert last == (100_003, ["b", "3"])


def test_reading_keeps_nothing_of_what_it_has_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"token,name\n" + b"a,1\n" * 400_000)
    source = Source(path)
    rows = Rows(source, "utf-8", Dialect())
    assert len(list(islice(rows, 1000))) == 1000
    assert rows.bytes_done < 300_000 < source.size
    rows.close()


# What a cell may hold: anything that the encoding has and text files can carry.
CYRILLIC = "абвАЯёЁ№«»"
SPECIAL = ",;\t|\"' \n\r"
WIDE = st.text(st.characters(exclude_characters="\ufeff\ufffd", exclude_categories=["Cs"]), max_size=12)
NARROW = st.text(st.sampled_from("abcXYZ019:_-" + CYRILLIC + SPECIAL), max_size=12)


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, dict[str, object], list[list[str]]]:
    """An encoding, how Python's csv module writes, and rows of one width."""
    encoding = draw(
        st.sampled_from(["utf-8", "utf-8-sig", "windows-1251", "utf-16", "utf-16-le", "utf-16-be"])
    )
    cell = NARROW if encoding == "windows-1251" else st.one_of(WIDE, NARROW)
    width = draw(st.integers(1, 5))
    rows = draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=8))
    line_end = draw(st.sampled_from(["\r\n", "\n"]))
    quoting = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC, csv.QUOTE_MINIMAL]))
    if line_end == "\n" and quoting == csv.QUOTE_MINIMAL:
        # Python's writer leaves a lone CR unquoted there, and its own reader takes it for a line end.
        rows = [[text.replace("\r", "") for text in row] for row in rows]
    if sys.version_info < (3, 11):  # its reader refuses NUL
        rows = [[text.replace("\0", "") for text in row] for row in rows]
    options = {
        "delimiter": draw(st.sampled_from(list(DELIMITERS))),
        "quotechar": draw(st.sampled_from(['"', "'"])),
        "quoting": quoting,
        "lineterminator": line_end,
    }
    return encoding, options, rows


@given(tables())
@settings(max_examples=40, deadline=None)
def test_any_table_that_python_writes_is_read_back_the_same_or_refused(
    table: tuple[str, dict[str, object], list[list[str]]],
) -> None:
    encoding, options, rows = table
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        path.write_bytes(text_of(rows, **options).encode(encoding))
        dialect = Dialect(str(options["delimiter"]), str(options["quotechar"]))
        reader = Rows(_unsampled(path), encoding, dialect)
        for (_, found), written in zip(reader, filter(any, rows), strict=True):
            assert found == written or isinstance(found, BrokenRow)
        reader.close()


def _unsampled(path: Path) -> Source:
    """The file as it is: a table of control characters would be refused as binary."""
    source = object.__new__(Source)
    source.path, source.name, source.packed, source.size = path, path.name, False, path.stat().st_size
    return source


WORDS = st.text(st.sampled_from("abcdefgh" + CYRILLIC), min_size=1, max_size=10)


@given(
    st.sampled_from(list(DELIMITERS)),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.lists(st.tuples(WORDS, st.from_regex("[0-9a-f]{24}", fullmatch=True), WORDS), min_size=3, max_size=30),
)
@settings(max_examples=100, deadline=None)
def test_any_regular_table_is_told_right(
    delimiter: str, encoding: str, people: list[tuple[str, str, str]]
) -> None:
    rows = [["name", "profile", "token"], *map(list, people)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        path.write_bytes(text_of(rows, delimiter=delimiter).encode(encoding))
        layout, found = read(path)
    assert (layout.dialect.delimiter, layout.names) == (delimiter, rows[0])
    assert [row for _, row in found] == rows


def test_a_line_that_lies_in_two_blocks_tells_its_encoding(tmp_path: Path) -> None:
    path, (row, name) = tmp_path / "t.csv", (b"token;name\n", "Ж".encode("cp1251"))
    before = row * (2 * SAMPLE_BYTES // len(row) - 1)
    begun = b"token;" + name * (2 * SAMPLE_BYTES - len(before) - len(b"token;"))
    path.write_bytes(before + begun + b"n" * 20 + b"\n" + row)
    assert len(before + begun) == 2 * SAMPLE_BYTES
    assert read_layout(Source(path)).encoding == "cp1251"
