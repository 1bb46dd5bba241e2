"""Write the pages that say what the code says: ``python docs/generate.py``. A test checks for drift."""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from emulator.rules.catalogue import GRADES, RULES  # noqa: E402 (the clone's own package)


def rules_page() -> str:
    """``rules.md``: every rule with its id and grade."""
    lines = [
        "# Rules",
        "",
        "What the emulator answers, rule by rule. `GET /__admin/rules` has the same as data, with how often",
        "each has decided; the tests are named after the ids.",
        "",
    ]
    lines += [f"- **{grade}** {text}" for grade, text in GRADES.items()]
    lines += ["", "| rule | grade | what it says |", "|---|---|---|"]
    lines += [
        f"| {rule.id} | {rule.grade} | {rule.text.replace('|', chr(92) + '|')} |" for rule in RULES.values()
    ]
    return "\n".join(lines) + "\n"


PAGES = {"rules.md": rules_page}


def main() -> None:
    """Write all pages."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
