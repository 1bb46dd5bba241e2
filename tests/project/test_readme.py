"""README.md and README.ru.md say the same, and their links lead somewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.server import PATIENCE_S, ROOT, Server

ENGLISH, RUSSIAN = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.ru.md"))
PAGES = sorted([ROOT / "README.md", ROOT / "README.ru.md", *(ROOT / "docs").glob("*.md")])


def _blocks(page: str) -> list[str]:
    return re.findall(r"^```.*?^```", page, re.S | re.M)


def _without_blocks(page: str) -> str:
    return re.sub(r"^```.*?^```", "", page, flags=re.S | re.M)


def _heading_levels(page: str) -> list[int]:
    return [len(marks) for marks in re.findall(r"^(#+) ", _without_blocks(page), re.M)]


def test_both_languages_have_the_same_headings() -> None:
    assert _heading_levels(ENGLISH) == _heading_levels(RUSSIAN)


def test_both_languages_have_the_same_code_blocks() -> None:
    assert _blocks(ENGLISH) == _blocks(RUSSIAN)


def test_both_languages_have_the_same_code_in_their_text() -> None:
    english, russian = (
        sorted(re.findall(r"`([^`\n]+)`", _without_blocks(page))) for page in (ENGLISH, RUSSIAN)
    )
    assert english == russian


def test_both_languages_have_the_same_links() -> None:
    english, russian = (sorted(re.findall(r"\]\(([^)]+)\)", page)) for page in (ENGLISH, RUSSIAN))
    assert [link.replace("README.ru.md", "README.md") for link in english] == [
        link.replace("README.ru.md", "README.md") for link in russian
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    text = _without_blocks(page.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in link:
            assert (page.parent / link).exists(), link


def _rows(page: str) -> list[tuple[str, str]]:
    """The command of each row of the table of errors, and the cell that says what it prints."""
    return re.findall(r"^\| [^|]+ \| `(curl [^`]+)` \| (.+) \|$", page, re.M)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
@pytest.mark.parametrize("page", [ENGLISH, RUSSIAN], ids=["en", "ru"])
def test_every_row_of_the_errors_works_as_it_stands(page: str, fresh: Server) -> None:
    rows = _rows(page)
    assert len(rows) == 14
    for command, promised in rows if page is ENGLISH else reversed(rows):  # in any order
        assert "$" not in command
        since = time.monotonic()
        done = subprocess.run(
            ["sh", "-c", command.replace("http://127.0.0.1:8080", fresh.url) + " -w '\nHTTP %{http_code}'"],
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE_S,
            check=False,
        )
        printed = (done.stdout + done.stderr).lower()
        for part in [*re.findall(r"`([^`]+)`", promised), *re.findall(r"HTTP \d+", promised)]:
            assert part.lower() in printed, command
        if "delay" in command:
            assert time.monotonic() - since >= 2
    assert fresh.get("/__admin/subscriptions?subscription_id=emu!after!reset").json["total"] == 1
