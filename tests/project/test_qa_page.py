"""The error cookbook says what the emulator does: every recipe is tried out again."""

from __future__ import annotations

import importlib.util
import re
from types import ModuleType

from emulator.faults.catalogue import CATALOGUE
from emulator.faults.model import ITEM_ERRORS, SPOILS
from emulator.faults.tokens import WORDS
from tests.server import ROOT

PAGE = ROOT / "docs" / "qa.md"


def _cookbook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_cookbook", ROOT / "docs" / "cookbook.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _without_curls_words(page: str) -> str:
    """Every curl has its own words for an error, but the same number."""
    return re.sub(r"(curl: \(\d+\)).*", r"\1", page)


def test_page_is_current() -> None:
    made = _without_curls_words(_cookbook().page())
    assert _without_curls_words(PAGE.read_text(encoding="utf-8")) == made, "run docs/cookbook.py"


def test_every_error_and_fault_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for recipe in CATALOGUE.values():
        assert f"### {recipe.title}\n" in page
    for word in (*SPOILS, *ITEM_ERRORS, "rate_limit", "probability", "times", "apply", "delay_ms"):
        assert f"`{word}`" in page or f'"{word}"' in page, word
    for word in WORDS:
        assert f"`{word}`" in page or word in ("a status 400-599", "delay=MS"), word
