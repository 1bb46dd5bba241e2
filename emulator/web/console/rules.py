"""``/__console/rules``: the specification, and how often each rule has decided here."""

from __future__ import annotations

from flask import Blueprint, render_template

from emulator.rules.catalogue import GRADES, RULES
from emulator.web.current import workspace

#: The rules' families by the letter of their ids, in the specification's order.
FAMILIES = {
    "Q": "Request",
    "B": "Finding the databases",
    "M": "Finding the profile, in each database",
    "S": "Applying the subscriptions",
    "A": "Answer",
    "L": "Lints",
}


def add_routes(blueprint: Blueprint) -> None:
    """Add this page's route."""
    blueprint.add_url_rule("/__console/rules", "rules", show_rules)


def show_rules() -> str:
    """Every rule, family by family."""
    families = {
        title: [rule for rule in RULES.values() if rule.id[0] == letter] for letter, title in FAMILIES.items()
    }
    return render_template(
        "console/rules.html", families=families, grades=GRADES, decided=workspace().metrics.rules
    )
