"""``GET /__admin/rules``: the specification as data."""

from __future__ import annotations

from emulator.rules.catalogue import GRADES, RULES, Rule
from emulator.rules.platform import UNSEEN, Verdict
from emulator.web.admin.operation import operation
from emulator.web.current import workspace
from emulator.workspaces.workspace import Workspace
from push_emulator.workspace_answers import PlatformSource, RulePage, RuleState


@operation("get", "/rules", tag="health")
def list_rules() -> RulePage:
    """Every rule, and how often it has decided."""
    items = rule_states(workspace())
    seen = workspace().settings.platform
    source = None if seen is None else PlatformSource(seen.host, seen.date)
    return RulePage(items, None, len(items), GRADES, source)


def rule_states(found: Workspace) -> list[RuleState]:
    """Every rule as it stands in a workspace."""
    decided, seen = found.metrics.rules, found.settings.verdicts()
    return [_state(rule, decided[rule.id], seen.get(rule.id, UNSEEN)) for rule in RULES.values()]


def _state(rule: Rule, decided: int, verdict: Verdict) -> RuleState:
    # What the documentation says stays documented where the platform agrees.
    is_own = rule.grade == "D" and verdict.differs is None
    grade = "V" if verdict.verified and not is_own else rule.grade
    return RuleState(rule.id, grade, rule.text, decided, verdict.verified, verdict.differs)
