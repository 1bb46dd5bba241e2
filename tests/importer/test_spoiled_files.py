"""Files as spreadsheets, databases and editors leave them: read as meant, refused with the line, or noted."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from emulator.importer.problem import ImportRefused
from emulator.workspaces.workspace import Workspace
from tests.fake.made_up import push_tokens
from tests.importer.tables import holder_of, plan, started
from tests.importer.test_reading import read

MADE = push_tokens()
TOKENS = [MADE.push_token("android-firebase") for _ in range(8)]
ANNA, BORIS = "59db33d269d426509e9c4bf9", "5fb62e815ae47a4aa04dfadd"
MARK = "\ufeff"


class Ended(NamedTuple):
    """What was noted before the first row was imported, and what came of it."""

    notes: list[str]
    counts: dict[str, int]
    refused: dict[int, str]


def imports(
    workspace: Workspace, folder: Path, content: str | bytes, match: str, **its_plan: object
) -> Ended:
    path = folder / "t.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    importing = started(workspace, path, plan(match, **its_plan))  # type: ignore[arg-type]
    notes = list(map(str, importing.description.lints))
    while importing.step():
        pass
    report = importing.description
    return Ended(notes, report.counts, {one.line: str(one.reason) for one in report.refusals})


# Encoding


def names(encoding: str, first: int, last: int) -> bytes:
    return b"".join(f"Мария{n};t:{n}\n".encode(encoding) for n in range(first, last))


@pytest.mark.parametrize(
    ("content", "told", "refused"),
    [
        (names("utf-8", 0, 40) + names("cp1251", 40, 41), "utf-8", [42]),
        (names("cp1251", 0, 1) + names("utf-8", 1, 40), "utf-8", [2]),
        (names("cp1251", 0, 40) + names("utf-8", 40, 42), "cp1251", [42, 43]),
        (b"x;y\n" * 90_000 + names("cp1251", 0, 30), "cp1251", []),
        (names("cp1251", 0, 2) + b"x;y\n" * 90_000 + names("utf-8", 2, 40), "utf-8", [2, 3]),
    ],
    ids=["one-line", "the-first-line", "utf-8-among-cp1251", "beyond-the-sample", "not-the-first-lines"],
)
def test_the_encoding_is_that_of_most_lines_and_the_others_are_refused(
    workspace: Workspace, tmp_path: Path, content: bytes, told: str, refused: list[int]
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"name;token\n" + content)
    importing = started(workspace, path, plan("field:nickname=name"))
    assert importing.checked.layout.encoding == told
    mixed = [str(lint) for lint in importing.description.lints if "have bytes" in str(lint)]
    while importing.step():
        pass
    assert [one.line for one in importing.description.refusals] == refused
    assert not mixed if not refused else f"the first is in line {refused[0]}" in mixed[0]
    assert not workspace.store.find_by_field(17, "nickname", "РњР°СЂРёСЏ41")


@pytest.mark.parametrize("written", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("said", [None, "utf-8", "cp1251", "utf-16-le", "utf-16-be", "latin-1"])
def test_a_mark_is_no_part_of_header_or_value_whatever_is_said(
    workspace: Workspace, tmp_path: Path, written: str, said: str | None
) -> None:
    content = f"имя,token\nАнна,{TOKENS[0]}\n".encode(written)
    ended = imports(workspace, tmp_path, content, "field:nickname=имя", encoding=said)
    assert ended.counts["added"] == 1
    assert workspace.store.find_by_field(17, "nickname", "Анна")
    assert any("begins with the mark" in note for note in ended.notes) == (
        said is not None and said[:5] != written[:5]
    )


def test_marks_and_headers_of_joined_exports_are_no_values(workspace: Workspace, tmp_path: Path) -> None:
    one, two = (f'{MARK}"client","token"\n"{n}00","{TOKENS[n]}"\n' for n in (1, 2))
    ended = imports(workspace, tmp_path, one + two, "field:CustomNumber1=client")
    assert (ended.counts["added"], ended.refused) == (2, {3: "is the header line again"})


def test_how_a_guessed_encoding_reads_a_cell_is_told_before(workspace: Workspace, tmp_path: Path) -> None:
    content = f"name,token\nMüller,{TOKENS[0]}\n".encode("latin-1")
    told = 'the encoding is guessed: "Mьller" as cp1251 reads it; if that is wrong, name another'
    assert imports(workspace, tmp_path, content, "field:nickname=name").notes == [told]
    assert imports(workspace, tmp_path, content, "field:nickname=name", encoding="latin-1").notes == []


# Delimiters, quotes, blank rows


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;", MARK + "sep=;", "sep=;;;"])
@pytest.mark.parametrize("column", ["token", "#2"])
def test_a_sep_line_names_the_delimiter_and_is_no_row(
    workspace: Workspace, tmp_path: Path, line: str, column: str
) -> None:
    content = f"{line}\r\nclient;token\r\n1,5;{TOKENS[0]}\r\n2,7;{TOKENS[1]}\r\n"
    ended = imports(workspace, tmp_path, content, "push", token_column=column)
    assert (ended.counts["rows"], ended.counts["added"], ended.refused) == (2, 2, {})


def test_rows_of_delimiters_alone_are_blank_and_counted(workspace: Workspace, tmp_path: Path) -> None:
    content = f'client;token\n;\n100;{TOKENS[0]}\n"";""\n;\n'
    ended = imports(workspace, tmp_path, content, "field:CustomNumber1=client")
    assert ended.notes == ["3 rows have no value in any cell and are left out"]
    assert (ended.counts["rows"], ended.refused) == (1, {})


def test_quotes_after_a_space_are_quotes(workspace: Workspace, tmp_path: Path) -> None:
    content = f'"name", "token"\n"Ким, Анна", "{TOKENS[0]}"\n"Борис", "{TOKENS[1]}"\n'
    ended = imports(workspace, tmp_path, content, "field:nickname=name")
    assert ended.counts["added"] == 2
    assert holder_of(workspace, TOKENS[0])
    assert workspace.store.find_by_field(17, "nickname", "Ким, Анна")


def test_a_token_in_quotes_that_are_not_read_as_such_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    rows = "".join(f"{n},t:{n}\n" for n in range(9000))
    ended = imports(workspace, tmp_path, f'n,token\n{rows}1, "t:1"\n', "push")
    assert list(ended.refused) == [9002]
    assert "with a quote" in ended.refused[9002]


@pytest.mark.parametrize("quotes", ["«»", "“”", "„“", "‘’", "‹›", "``", "''"])
def test_a_token_or_an_id_in_quotes_of_any_kind_is_refused(
    workspace: Workspace, tmp_path: Path, quotes: str
) -> None:
    before, behind = quotes
    content = f"id,token\n{ANNA},{before}{TOKENS[0]}{behind}\n{before}{BORIS}{behind},{TOKENS[1]}\n"
    ended = imports(workspace, tmp_path, content, "id:id")
    assert list(ended.refused) == [2, 3]
    assert all("with a quote" in reason for reason in ended.refused.values())


@pytest.mark.parametrize("around", ["<{}>", "({})", "[{}]", "{},", "{};", "{}\\"])
def test_tokens_with_brackets_or_commas_around_are_counted_before(
    workspace: Workspace, tmp_path: Path, around: str
) -> None:
    content = f"n\ttoken\n1\t{TOKENS[0]}\n2\t{around.format(TOKENS[1])}\n"
    (note,) = imports(workspace, tmp_path, content, "push").notes
    assert note.startswith("1 of 2 tokens begin or end with a bracket, a comma or the like, such as")


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (
            [f'1,"{TOKENS[0]}', f"2,{TOKENS[1]}", f'3,{TOKENS[2]}"', f"4,{TOKENS[3]}"],
            "lines 2 to 4 are one row",
        ),
        ([f'1,"x,{TOKENS[0]}', f'2,y",{TOKENS[1]}', f"3,z,{TOKENS[2]}"], "lines 2 to 3 are one row"),
        ([f'"1,{TOKENS[0]}', f'2",{TOKENS[1]}', f"3,{TOKENS[2]}"], "lines 2 to 3 are one row"),
        ([f'1,"{TOKENS[0]}', f"2,{TOKENS[1]}"], "lines 2 to 3 are one row"),
        ([f'1,"{TOKENS[0]}', '"', f"2,{TOKENS[1]}"], "lines 2 to 3 are one row"),
    ],
    ids=["a-token", "a-column-that-is-not-imported", "a-value", "never-closed", "a-line-end-in-the-token"],
)
def test_a_stray_quote_never_swallows_rows_in_silence(
    workspace: Workspace, tmp_path: Path, rows: list[str], lines: str
) -> None:
    header = ["a", "b", "token"][3 - rows[-1].count(",") - 1 :]
    content = "\n".join([",".join(header), *rows, ""])
    ended = imports(workspace, tmp_path, content, "push", token_column=f"#{len(header)}")
    assert list(ended.refused) == [2]
    assert lines in ended.refused[2]


def test_a_search_value_with_a_line_end_is_refused_and_other_cells_are_noted(
    workspace: Workspace, tmp_path: Path
) -> None:
    content = f'name,note,token\n"An\nna",,{TOKENS[0]}\nB,"ул. Мира, 5,\nкв. 3",{TOKENS[1]}\n'
    ended = imports(workspace, tmp_path, content, "field:nickname=name")
    assert "line end" in ended.refused[2]
    assert "lines 2 to 3 are one row" in ended.refused[2]
    assert ended.counts["added"] == 1
    assert "2 of 2 rows have several lines; the first is in line 2: check its quotes" in ended.notes


# Values


@pytest.mark.parametrize(
    "word",
    [
        "NULL",
        "null",
        r"\N",
        "None",
        "#N/A",
        "#Н/Д",
        "nan",
        "<NA>",
        "  ",
        "######",
        "#ERROR!",
        "Err:502",
        "(none)",
        "—",
    ],
)
def test_a_word_for_no_value_is_no_token_and_no_id_wherever_it_stands(
    workspace: Workspace, tmp_path: Path, word: str
) -> None:
    filler = "".join(f"{n:024x},t:{n}\n" for n in range(700))
    content = f"id,token\n{filler}{ANNA},{word}\n{word},{TOKENS[0]}\n"
    ended = imports(workspace, tmp_path, content, "id:id")
    assert ended.refused[702].startswith("the token is empty")
    assert word == "  " or "stands for no value" in ended.refused[703]
    assert not holder_of(workspace, word)


HIDDEN = [
    "\u200b",
    "\u00a0",
    "\u00ad",
    "\u2060",
    "\u200e",
    "\x07",
    "\x1f",
    "\x85",
    "\u3164",
    "\ufe0f",
    "\U000e0020",
]


@pytest.mark.parametrize("hidden", HIDDEN)
def test_invisible_characters_are_refused_in_tokens_and_ids_and_noted_in_values(
    workspace: Workspace, tmp_path: Path, hidden: str
) -> None:
    code = f"U+{ord(hidden):04X}"
    ids = f"id,token\n{ANNA},{TOKENS[0]}{hidden}\n{hidden}{ANNA},{TOKENS[1]}\n"
    refused = imports(workspace, tmp_path, ids, "id:id").refused
    assert refused == {
        2: f"the token has an invisible character, {code}",
        3: f"the id begins or ends with an invisible character, {code}",
    }
    named = f"name,token\nАнна{hidden},{TOKENS[0]}\nСофи{hidden}я,{TOKENS[1]}\n"
    ended = imports(workspace, tmp_path, named, "field:nickname=name")
    assert ended.counts["added"] == 2
    assert "1 of 2 search values begin or end with an invisible character, which is kept" in ended.notes


def test_ids_that_a_spreadsheet_rounded_are_refused_and_counted_before(
    workspace: Workspace, tmp_path: Path
) -> None:
    ids = ["5.9E+23", "5,9e+23", "5.9E+23", ANNA, "100.0"]
    content = "id;token\n" + "".join(f"{one};{TOKENS[n]}\n" for n, one in enumerate(ids))
    ended = imports(workspace, tmp_path, content, "id:id")
    assert ended.notes == [
        '1 of 5 search values are in an earlier row too; "5.9E+23" is in 2 rows, which are one profile',
        '3 of 5 search values are numbers that a spreadsheet has rounded, such as "5.9E+23"',
        '1 of 5 search values end with a decimal zero, such as "100.0"',
    ]
    assert sorted(ended.refused) == [2, 3, 4]


@pytest.mark.parametrize("header", ["Client;Token", " client ; token ", "CLIENT;TOKEN"])
def test_a_header_of_a_joined_export_is_refused_however_it_is_written(
    workspace: Workspace, tmp_path: Path, header: str
) -> None:
    content = f"client;token\n100;{TOKENS[0]}\n{header}\n200;{TOKENS[1]}\n"
    ended = imports(workspace, tmp_path, content, "field:nickname=client")
    assert (ended.counts["added"], ended.refused) == (2, {3: "is the header line again"})


def test_texts_that_a_spreadsheet_was_told_to_keep_are_no_ids_and_noted_as_values(
    workspace: Workspace, tmp_path: Path
) -> None:
    content = f'v;token\n="00123";{TOKENS[0]}\n'
    assert "a quote" in imports(workspace, tmp_path, content, "id:v").refused[2]
    notes = imports(workspace, tmp_path, content, "field:nickname=v").notes
    assert '1 of 1 search values are in quotes, such as ="00123", which are kept' in notes


def test_M5_thousands_are_no_small_number(workspace: Workspace, tmp_path: Path) -> None:
    content = f"client;token\n1,000;{TOKENS[0]}\n"
    ended = imports(workspace, tmp_path, content, "field:CustomNumber1=client")
    assert ended.refused == {2: "matching error: invalid field value"}


@pytest.mark.parametrize("written", ["100.0", "100,0", "100.00"])
def test_M5_a_whole_number_with_a_decimal_zero_is_that_number(
    workspace: Workspace, tmp_path: Path, written: str
) -> None:
    content = f"client;token\n{written};{TOKENS[0]}\n100.5;{TOKENS[1]}\n"
    ended = imports(workspace, tmp_path, content, "field:CustomNumber1=client")
    assert holder_of(workspace, TOKENS[0]) == ANNA
    assert ended.refused == {3: "matching error: invalid field value"}


@pytest.mark.parametrize(
    ("match", "values", "note"),
    [
        (
            "id:v",
            ["02.янв", "x"],
            '1 of 2 search values are dates as spreadsheets write them, such as "02.янв"',
        ),
        (
            "id:v",
            ["2-Jan", "x"],
            '1 of 2 search values are dates as spreadsheets write them, such as "2-Jan"',
        ),
        ("field:birthday=v", ["28.02.1990"], 'dates as spreadsheets write them, such as "28.02.1990"'),
        ("id:v", ["00123", "4"], '1 of 2 search values begin with zeros, such as "00123", which are kept'),
        ("field:CustomNumber1=v", ["007"], "an int field drops them"),
        ("id:v", ["79161234567", "79161234568", "9161234"], "1 of 3 search values have fewer than 11 digits"),
        ("field:nickname=v", ["None", "Анна"], 'may stand for no value, such as "None"'),
        (
            "field:nickname=v",
            ["Анна"] * 3 + ["Ян"] * 2,
            '3 of 5 search values are in an earlier row too; "Анна"',
        ),
    ],
)
def test_values_that_may_be_spoiled_are_counted_before_anything_is_written(
    workspace: Workspace, tmp_path: Path, match: str, values: list[str], note: str
) -> None:
    content = "v;token\n" + "".join(f"{value};{TOKENS[n]}\n" for n, value in enumerate(values))
    notes = imports(workspace, tmp_path, content, match).notes
    assert any(note in one for one in notes), notes


def test_tokens_that_differ_only_in_case_are_counted_over_the_whole_file(
    workspace: Workspace, tmp_path: Path
) -> None:
    tokens = [f"{n:064x}" for n in range(0xABC000, 0xABC000 + 900)]
    content = "token\n" + "\n".join([*tokens, tokens[0].upper(), tokens[899].upper()]) + "\n"
    notes = imports(workspace, tmp_path, content, "push", provider="ios-apns").notes
    assert notes == ["2 of 902 tokens differ from another one only in upper and lower case"]


def test_a_header_that_does_not_decode_refuses_the_file(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("имя;token\n".encode("cp1251") + names("utf-8", 0, 9))
    with pytest.raises(ImportRefused, match="line 1: has bytes that are no utf-8"):
        read(path)
