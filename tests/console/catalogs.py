"""The console's translations: ``python -m tests.console.catalogs`` brings them up to date.

It collects every text of the templates, the code and the domain (rules, recipes, notes of the rules) into
``messages.po`` of each language, keeping what is translated, and compiles ``messages.mo``. English is in the
texts themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, get_args

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from emulator.compare.differences import ABSENT
from emulator.compare.probes import PROBES
from emulator.compare.report import Verdict
from emulator.faults.catalogue import CATALOGUE, GROUPS
from emulator.importer.problem import TEXTS
from emulator.importer.report import State, report_words
from emulator.journal.entry import OUTCOMES
from emulator.rules.catalogue import GRADES, RULES
from emulator.rules.model import STATUSES
from emulator.rules.notes import NOTES
from emulator.rules.overrides import ANSWERS
from emulator.rules.providers import AROUND, DOCUMENTED, token_complaint
from emulator.web.console.language import LANGUAGES, TRANSLATIONS
from emulator.web.console.presenters import filters, refusals
from emulator.workspaces.workspace import KEEPABLE
from tests.console.said import texts_of_refusals

CONSOLE = TRANSLATIONS.parent
TRANSLATED = [code for code in LANGUAGES if code != "en"]


def domain_texts() -> Iterator[str]:
    """Texts that stand outside the console and are shown by it."""
    yield from (rule.text for rule in RULES.values())
    yield from GRADES.values()
    for own in ANSWERS.values():
        yield from filter(None, (own.when, own.description))
    yield from GROUPS.values()
    for recipe in CATALOGUE.values():
        yield from (recipe.title, recipe.shows)
    yield from (text for text in NOTES.values() if re.search("[a-z]", text))
    yield from AROUND
    yield from filter(None, (token_complaint(provider, "?") for provider in DOCUMENTED))
    yield from refusals.OF_FORMS.values()
    yield from (one.asks for one in PROBES)
    yield from (*get_args(Verdict), "uncertain", ABSENT, "number of items", "order of items")
    yield from (refusals.OF_FORMS.get(text, text) for text in texts_of_refusals())
    yield from filter(None, (error.description for error in (BadRequest, RequestEntityTooLarge)))
    yield from filters.EFFECTS.values()
    yield from OUTCOMES
    yield from KEEPABLE
    yield from STATUSES
    yield from State.__args__  # type: ignore[attr-defined]
    yield from TEXTS.values()
    yield from report_words()
    yield "Compressed file ended before the end-of-stream marker was reached"  # Python's gzip says so


def collect() -> Catalog:
    """Every text, untranslated."""
    catalog = Catalog(project="push-emulator", charset="utf-8", fuzzy=False)
    methods = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext.babel_extract")]
    for _, _, message, comments, context in extract_from_dir(CONSOLE, methods, {}):
        catalog.add(message, auto_comments=comments, context=context)
    for text in domain_texts():
        catalog.add(text)
    return catalog


def po_file(language: str) -> Path:
    """Where a language's translations are."""
    return TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    """A language's translations as they are."""
    path = po_file(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def read_compiled(language: str) -> Catalog:
    """A language's translations as the program reads them."""
    with po_file(language).with_suffix(".mo").open("rb") as file:
        return read_mo(file)


def texts(catalog: Catalog) -> dict[Any, Any]:
    """The translation of each text. (The head names the version of Babel that wrote it.)"""
    return {message.id: message.string for message in catalog if message.id and message.string}


def _head(catalog: Catalog) -> None:
    """A header that stays the same from run to run."""
    catalog.header_comment = f"# {LANGUAGES[str(catalog.locale)]}"
    catalog.fuzzy = False
    catalog.project, catalog.version = "push-emulator", "1"
    catalog.msgid_bugs_address = catalog.last_translator = catalog.language_team = ""
    catalog.creation_date = catalog.revision_date = datetime(2026, 1, 1, tzinfo=timezone.utc)


def update(language: str) -> list[str]:
    """Bring a language's files up to date; the texts that still want translating."""
    catalog = read(language)
    catalog.update(collect(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    _head(catalog)
    path = po_file(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=110, sort_output=True, omit_header=False, no_location=True)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalog)
    return [str(message.id) for message in catalog if message.id and not message.string]


if __name__ == "__main__":
    for code in TRANSLATED:
        missing = update(code)
        print(f"{po_file(code)}: {len(missing)} texts are not translated", *missing, sep="\n")
