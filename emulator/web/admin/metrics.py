"""``GET /__admin/metrics``: Prometheus' text format, for every workspace that is open."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from emulator.web.admin.operation import operation
from emulator.web.current import emulator
from emulator.workspaces.metrics import BUCKETS_S
from emulator.workspaces.registry import Workspaces


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
    """Reads the tallies when it is asked; a request itself counts into plain counters only."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    def collect(self) -> Iterator[Metric]:
        """All metric families."""
        yield from self._counters()
        yield from self._gauges()
        yield self._durations()

    def _counters(self) -> Iterator[Metric]:
        outcomes = CounterMetricFamily(
            "emulator_requests", "Requests by what they came to.", labels=["workspace", "outcome"]
        )
        errors = CounterMetricFamily(
            "emulator_answers", "Answers by their error code.", labels=["workspace", "error"]
        )
        rules = CounterMetricFamily(
            "emulator_decisions", "How often a rule has decided.", labels=["workspace", "rule"]
        )
        dropped = CounterMetricFamily(
            "emulator_journal_dropped", "Requests that had to go from the journal.", labels=["workspace"]
        )
        for one in self._workspaces:
            for outcome, count in sorted(one.metrics.outcomes.items()):
                outcomes.add_metric([one.name, outcome], count)
            for error, count in sorted(one.metrics.errors.items()):
                errors.add_metric([one.name, str(error)], count)
            for rule, count in sorted(one.metrics.rules.items()):
                rules.add_metric([one.name, rule], count)
            dropped.add_metric([one.name], one.requests.dropped)
        yield from (outcomes, errors, rules, dropped)

    def _gauges(self) -> Iterator[Metric]:
        families = {
            "profiles": GaugeMetricFamily("emulator_profiles", "Profiles stored.", labels=["workspace"]),
            "subscriptions": GaugeMetricFamily(
                "emulator_subscriptions", "Subscriptions stored.", labels=["workspace"]
            ),
            "entries": GaugeMetricFamily(
                "emulator_journal_requests", "Requests in the journal.", labels=["workspace"]
            ),
            "bytes": GaugeMetricFamily(
                "emulator_journal_bytes", "Size of the journal.", labels=["workspace"]
            ),
        }
        for one in self._workspaces:
            families["profiles"].add_metric([one.name], one.store.profile_count)
            families["subscriptions"].add_metric([one.name], one.store.subscription_count)
            families["entries"].add_metric([one.name], len(one.requests))
            families["bytes"].add_metric([one.name], one.requests.bytes)
        yield from families.values()

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
