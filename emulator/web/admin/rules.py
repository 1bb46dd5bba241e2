"""``GET /__admin/rules``: the specification as data."""

from __future__ import annotations

from emulator.rules.catalogue import GRADES, RULES
from emulator.web.admin.operation import operation
from emulator.web.current import workspace
from push_emulator.workspace_answers import RulePage, RuleState


@operation("get", "/rules", tag="health")
def list_rules() -> RulePage:
    """Every rule, and how often it has decided."""
    decided = workspace().metrics.rules
    items = [RuleState(*rule, decided[rule.id]) for rule in RULES.values()]
    return RulePage(items, None, len(items), GRADES)
