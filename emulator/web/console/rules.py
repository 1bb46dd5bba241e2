"""``/__console/rules``: the specification, and how often each rule has decided here."""

from __future__ import annotations

from flask import render_template

from emulator.rules.catalogue import GRADES, RULES
from emulator.web.console.pages import pages
from emulator.web.current import workspace

#: The rules' families by the letter of their ids, in the specification's order.
FAMILIES = {
    "Q": "Request",
    "B": "Selecting the databases",
    "M": "Finding the profile in each database",
    "S": "Applying the subscriptions",
    "A": "Answer",
    "T": "Mobile SDKs: who calls",
    "K": "Mobile SDKs: calls",
    "E": "Mobile SDKs: events",
    "R": "Mobile SDKs: answers",
    "L": "Lints",
}


@pages.get("/__console/rules")
def rules() -> str:
    """Every rule, family by family."""
    families = {
        title: [rule for rule in RULES.values() if rule.id[0] == letter] for letter, title in FAMILIES.items()
    }
    decided = workspace().metrics.rules
    return render_template("console/rules.html", families=families, grades=GRADES, decided=decided)
