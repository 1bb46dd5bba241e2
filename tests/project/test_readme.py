"""README.md and README.ru.md say the same, and their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.server import ROOT

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
