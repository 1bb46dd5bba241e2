"""``GET /__admin/health``, ``/metrics``, ``/rules``: the server's state, the specification as data."""

from collections.abc import Callable, Iterator

from flask import Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from emulator.endpoint.health import health_of
from emulator.rules.catalogue import GRADES, RULES, Rule
from emulator.rules.platform import UNSEEN, Verdict
from emulator.web.admin.operation import operation
from emulator.web.current import emulator, workspace, workspace_name
from emulator.workspaces.metrics import BUCKETS_S
from emulator.workspaces.registry import Workspaces
from emulator.workspaces.workspace import Workspace
from push_emulator.workspace_answers import Health, PlatformSource, RulePage, RuleState


@operation("get", "/health", open_to_all=True)
def health() -> Health:
    """Whether the server works.

    That is: whether the state can be written, and what is in it.
    """
    return health_of(emulator().workspaces, workspace_name())


_GAUGES: tuple[tuple[str, str, Callable[[Workspace], int]], ...] = (
    ("profiles", "Profiles stored.", lambda found: found.store.profile_count),
    ("subscriptions", "Subscriptions stored.", lambda found: found.store.subscription_count),
    ("journal_requests", "Requests in the journal.", lambda found: len(found.requests)),
    ("journal_bytes", "Size of the journal.", lambda found: found.requests.bytes),
)


@operation(
    "get",
    "/metrics",
    tag="health",
    content={"type": "string"},
    answer_type="text/plain",
    of_a_workspace=False,
)
def metrics() -> Response:
    """What has been counted, in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(WorkspacesCollector(emulator().workspaces))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class WorkspacesCollector:
    """Reads the counters of the workspaces at each scrape; a request only increments plain counters."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    def collect(self) -> Iterator[Metric]:
        """All metric families."""
        yield self._counted("requests", "Requests by what they came to.", "outcome", "outcomes")
        yield self._counted("answers", "Answers by their error code.", "error", "errors")
        yield self._counted("decisions", "How often a rule has decided.", "rule", "rules")
        dropped = CounterMetricFamily(
            "emulator_journal_dropped", "Requests evicted from the journal.", labels=["workspace"]
        )
        for one in self._workspaces:
            dropped.add_metric([one.name], one.requests.dropped)
        yield dropped
        for name, text, read in _GAUGES:
            gauge = GaugeMetricFamily(f"emulator_{name}", text, labels=["workspace"])
            for one in self._workspaces:
                gauge.add_metric([one.name], read(one))
            yield gauge
        yield self._durations()

    def _counted(self, name: str, text: str, label: str, tally: str) -> Metric:
        """A metric with one label; ``tally``: the name of the counts in a workspace's metrics."""
        family = CounterMetricFamily(f"emulator_{name}", text, labels=["workspace", label])
        for one in self._workspaces:
            for key, count in sorted(getattr(one.metrics, tally).items()):
                family.add_metric([one.name, str(key)], count)
        return family

    def _durations(self) -> Metric:
        family = HistogramMetricFamily(
            "emulator_request_duration_seconds", "Time of the work, without delays.", labels=["workspace"]
        )
        for one in self._workspaces:
            total, buckets = 0, []
            for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), one.metrics.durations, strict=True):
                total += count
                buckets.append((bound, total))
            family.add_metric([one.name], buckets, one.metrics.duration_sum_s)
        return family


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
    return [_state(rule, decided.get(rule.id, 0), seen.get(rule.id, UNSEEN)) for rule in RULES.values()]


def _state(rule: Rule, decided: int, verdict: Verdict) -> RuleState:
    # What the documentation says stays documented where the platform agrees.
    is_own = rule.grade == "D" and verdict.differs is None
    grade = "V" if verdict.verified and not is_own else rule.grade
    return RuleState(rule.id, grade, rule.text, decided, verdict.verified, verdict.differs)
