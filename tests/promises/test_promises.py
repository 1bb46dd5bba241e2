"""Every promise has a test, and every test that a promise names is there."""

from __future__ import annotations

from pathlib import Path

from tests.promises.sentences import files, is_test, promises_in, spoken
from tests.promises.table import NO_PROMISES, PROMISES
from tests.server import ROOT


def test_every_sentence_that_sounds_like_a_promise_is_listed() -> None:
    unknown = ["name their tests in tests/promises/table.py, or take the promises back"]
    for path in files("README.md", "docs/*.md", "emulator/**/*.py", "push_emulator/*.py"):
        file = path.relative_to(ROOT).as_posix()
        found = promises_in(path)
        unknown += [f"{file}: {one}" for one in found if not any(part in one for part in _listed(file))]
    assert len(unknown) == 1, "\n".join(unknown)


def test_every_listed_sentence_stands_in_its_file() -> None:
    gone = ["their files say something else now: change or remove them in tests/promises/table.py"]
    for file in sorted({*PROMISES, *NO_PROMISES}):
        text = spoken(ROOT / file) if (ROOT / file).exists() else ""
        gone += [f"{file}: {one}" for one in _listed(file) if one not in text]
    assert len(gone) == 1, "\n".join(gone)


def test_promises_are_found_in_texts_and_not_in_code(tmp_path: Path) -> None:
    page, module = tmp_path / "page.md", tmp_path / "module.py"
    page.write_text(
        "It is\nnever lost. So what. `always` is code.\n\n```\nnever\n```\n\n| one | at most\nonce |\n"
    )
    module.write_text(
        '"""Sorts. Always\nsorts."""\nnever = 1\nraise ValueError(f"{never}: nothing was {never}")\n'
    )
    assert promises_in(page) == ["It is never lost.", "at most once"]
    assert promises_in(module) == ["Always sorts.", "…: nothing was …"]


def test_every_test_that_a_promise_names_is_there() -> None:
    named = {test for table in PROMISES.values() for tests in table.values() for test in tests}
    gone = ["name other tests in tests/promises/table.py, or take the promises back"]
    gone += [test for test in sorted(named) if not is_test(test)]
    assert len(gone) == 1, "\n".join(gone)


def test_only_tests_that_pytest_collects_are_there() -> None:
    here = "tests/promises/test_promises.py"
    assert is_test(f"{here}::test_only_tests_that_pytest_collects_are_there")
    for wrong in (f"{here}::test_gone", f"{here}::_listed", here, "tests/test_gone.py::test_gone"):
        assert not is_test(wrong), wrong


def _listed(file: str) -> tuple[str, ...]:
    return (*PROMISES.get(file, {}), *NO_PROMISES.get(file, ()))
