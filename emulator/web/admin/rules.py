"""``GET /__admin/rules``: the specification as data."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from emulator.rules.catalogue import GRADES, RULES
from emulator.web.current import workspace


def add_routes(blueprint: Blueprint) -> None:
    """Add this subject's routes."""
    blueprint.add_url_rule("/rules", view_func=list_rules)


def list_rules() -> dict[str, Any]:
    """Every rule with its id, grade, text, and how often it has decided since the server started."""
    decided = workspace().metrics.rules
    items = [{**rule._asdict(), "decided": decided[rule.id]} for rule in RULES.values()]
    return {"grades": GRADES, "items": items, "next": None, "total": len(items)}
