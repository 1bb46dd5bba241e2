"""``GET /__admin/metrics``: what Prometheus reads."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.in_process import InProcess
from tests.web.admin.conftest import Admin

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(admin: Admin) -> Samples:
    answer = admin.call("GET", "/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found[name, frozenset({"workspace": "default", **labels}.items())]


def test_requests_rules_and_sizes_are_counted(app: InProcess, admin: Admin) -> None:
    profiles, subscriptions = app.counts
    app.push("t1")
    app.push("t1")
    app.push("t1", matching="email")
    found = samples(admin)
    for outcome in ("added", "unchanged", "refused"):
        assert value(found, "emulator_requests_total", outcome=outcome) == 1
    for error in ("0", "200", "400"):
        assert value(found, "emulator_answers_total", error=error) == 1
    assert value(found, "emulator_decisions_total", rule="S1") == 1
    assert value(found, "emulator_decisions_total", rule="M10") == 1
    assert value(found, "emulator_profiles") == profiles + 1
    assert value(found, "emulator_subscriptions") == subscriptions + 1
    assert value(found, "emulator_journal_requests") == 3
    assert value(found, "emulator_journal_bytes") > 0
    assert value(found, "emulator_journal_dropped_total") == 0


def test_durations_are_a_histogram_of_all_requests(app: InProcess, admin: Admin) -> None:
    for _ in range(5):
        app.push("t")
    found = samples(admin)
    assert value(found, "emulator_request_duration_seconds_count") == 5
    assert value(found, "emulator_request_duration_seconds_bucket", le="+Inf") == 5
    assert value(found, "emulator_request_duration_seconds_sum") > 0


def test_journal_that_drops_says_so() -> None:
    with InProcess(journal_count=2) as app:
        for _ in range(5):
            app.push("t")
        assert value(samples(Admin(app)), "emulator_journal_dropped_total") == 3


def test_every_open_workspace_is_there(app: InProcess, admin: Admin) -> None:
    app.client.put("/__admin/workspaces/other")
    labels = {dict(labels).get("workspace") for _, labels in samples(admin)}
    assert labels == {"default", "other"}
