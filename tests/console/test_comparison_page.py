"""The page of a comparison's report: opened, read in both languages, on a phone, for everybody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command_line import run_here
from tests.compare import HOST, TOKEN, added, answer, bare, body, har, har_entry
from tests.console.pages import Console
from tests.console.test_everybody import findings

P, Q = "59db33d269d426509e9c4bf9", "5fb62e815ae47a4aa04dfadd"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with a moved token, an unknown resource, and calls that were left out."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "app.har").write_text(
        har(
            har_entry(body("a", id=P), answer(added("a", P))),
            har_entry(body("a"), answer(bare(P), error=200)),
            har_entry(body("a", id=Q), answer(added("a", Q, description="<b>\u202e moved"))),
            har_entry(body("a"), "<html>", 502),
            har_entry(body("a"), answer(), url=f"https://{HOST}/other"),
            har_entry(body("a"), answer(), url="https://elsewhere.example/push_subscribe"),
        )
    )
    assert run_here("compare", folder / "app.har", "--report", folder / "report.json").returncode == 1
    return folder / "report.json"


def opened(console: Console, report: Path) -> Console:
    page = console.go("comparison")
    page.set_input_files("[name=file]", report)
    page.click(".panel button.primary")
    page.wait_for_selector("#h-result")
    return console


def test_a_report_shows_both_answers_side_by_side_and_what_was_left_out(
    console: Console, report: Path
) -> None:
    page = opened(console, report).page
    text = console.text()
    for part in (HOST, "another call", "answered with 502, a failure", "to another host, elsewhere.example"):
        assert part in text
    assert "app.har, entry 4" in text  # the first that was left out for its reason
    assert page.locator("tr.differs").count() == page.locator("tr.differs:has-text('≠')").count() > 0
    (status,) = page.locator("tr.differs:has-text('data[0].status')").all_inner_texts()
    assert '"ok"' in status
    assert '"error"' in status
    assert "<b>" in text  # escaped
    assert TOKEN not in page.content()
    assert page.locator(".rules tr:has-text('S4') .badge").inner_text() == "differs"
    page.reload()
    assert HOST in console.text()


def test_a_report_is_told_in_russian_too(open_console: Callable[..., Console], report: Path) -> None:
    console = opened(open_console(language="ru"), report)
    text = console.text()
    for part in ("отличается", "совпадает", "другой вызов", "app.har, запись 3", "По этим вызовам не видно"):
        assert part in text
    assert "agrees" not in text
    assert "differs" not in text  # nor where only a screen reader says it


@pytest.mark.parametrize(("language", "dark", "width"), [("en", True, 360), ("ru", False, 1280)])
def test_axe_finds_nothing_on_a_report_and_nothing_is_out_of_sight_on_a_phone(
    open_console: Callable[..., Console], report: Path, language: str, dark: bool, width: int
) -> None:
    console = opened(open_console(language=language, dark=dark, width=width), report)
    assert findings(console) == []
    console.page.set_viewport_size({"width": 360, "height": 800})
    wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert console.page.evaluate(wide)


@pytest.mark.parametrize("content", ["", "{}", "[1]", "no JSON", '{"log": {"entries": []}}'])
def test_what_is_no_report_is_refused_at_its_field(console: Console, tmp_path: Path, content: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(content)
    page = console.go("comparison")
    page.set_input_files("[name=file]", file)
    page.click(".panel button.primary")
    assert "must be a report" in page.locator("#said-file").inner_text()
    assert page.locator("#h-result").count() == 0
    console.allow_complaint("400")
