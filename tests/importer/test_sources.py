"""What can be opened as a table, and what is refused before anything is written."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from emulator.importer import sources
from emulator.importer.layout import read_layout
from emulator.importer.problem import ImportRefused
from emulator.importer.sources import Source
from emulator.workspaces.workspace import Workspace
from tests.importer.tables import everything, holder_of, imported, plan

TABLE = b"token,name\r\nfirst:1,a\r\nsecond:2,b\r\n"


def refusal(path: Path) -> str:
    with pytest.raises(ImportRefused) as refused:
        read_layout(Source(path))
    return str(refused.value)


@pytest.mark.parametrize("name", ["t.csv", "t.txt", "t"])
def test_a_plain_table_is_imported_whatever_it_is_called(
    workspace: Workspace, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(TABLE)
    assert imported(workspace, path).counts["added"] == 2
    assert holder_of(workspace, "first:1")


def test_a_gzip_is_imported(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(TABLE))
    assert imported(workspace, path).counts["added"] == 2
    assert holder_of(workspace, "second:2")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "file: is empty"),
        (b"token,name\r\n", "file: has a header and no rows"),
        (b"\r\n\r\n\n", "file: has no rows"),
        (b"\xef\xbb\xbf", "file: has no rows"),
        (bytes(range(256)) * 40, "file: is not a text file: save a workbook's sheet as CSV"),
        (b"<html><table><tr><td>id</td></tr></table>", "file: is HTML, XML or JSON"),
        ("\ufeff\n<?XML version='1.0'?>\n<Workbook/>".encode(), "file: is HTML, XML or JSON"),
        (b'[\n  {"id": 1, "token": "t"}\n]', "file: is HTML, XML or JSON"),
        (b"\0" * 5000, "file: is not a text file: save a workbook's sheet as CSV"),
        (b"PK\x03\x04\x14" + bytes(25) + b"xl/workbook.xml" + bytes(range(256)) * 4, "is not a text file"),
        (gzip.compress(b"", mtime=0), "file: is empty"),
        (gzip.compress(TABLE, mtime=0)[:20], "file: cannot be read further"),
        (b"\x1f\x8bnothing", "file: cannot be read"),
        (b"x" * (sources.MAX_LINE_BYTES + sources.SAMPLE_BYTES), "has a line of more than 1,048,576 bytes"),
        (b'"token,name\r\nfirst:1', "file: line 1: a quote is not closed"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    assert said in refusal(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "file: cannot be read: No such file or directory" in refusal(tmp_path / "none.csv")


def test_a_gzip_bomb_is_refused_at_its_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "t.gz"
    path.write_bytes(gzip.compress(b"token,name\n" + b"a,b\n" * 12_000_000))
    assert "unpacks to more than 200 times its size" in refusal(path)


def test_a_gzip_that_swells_later_stops_the_import_and_keeps_whole_batches(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "RATIO_FROM_BYTES", 600 << 10)
    monkeypatch.setattr(sources, "MAX_RATIO", 20)
    honest = "".join(f"{number:040x}:{number * 7919:x},a\n" for number in range(8000)).encode()
    path = tmp_path / "t.gz"
    path.write_bytes(gzip.compress(b"token,name\n" + honest) + gzip.compress(b"\n" * (30 << 20)))
    report = imported(workspace, path, rows=1000)
    assert report.state == "failed"
    assert "unpacks to more than 20 times its size" in str(report.problem)
    assert report.counts["added"] == 8000


def test_a_file_over_the_size_limit_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_UNPACKED_BYTES", 10)
    path = tmp_path / "t.csv"
    path.write_bytes(TABLE)
    assert "split it" in refusal(path)


def test_a_gzip_that_is_cut_off_keeps_what_was_read(workspace: Workspace, tmp_path: Path) -> None:
    rows = "".join(f"{number:040x}:{number * 104729:x},a\n" for number in range(20_000))
    path = tmp_path / "t.gz"
    path.write_bytes(gzip.compress(b"token,name\n" + rows.encode())[:-20_000])
    report = imported(workspace, path, rows=1000)
    assert report.state == "failed"
    assert f"after line {report.up_to_line} the file cannot be read further" in str(report.problem)
    assert report.counts["added"] == report.up_to_line - 1 > 5_000


def test_a_refused_file_changes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"token,name\r\n")
    before = everything(workspace)
    with pytest.raises(ImportRefused):
        imported(workspace, path, plan())
    assert everything(workspace) == before
