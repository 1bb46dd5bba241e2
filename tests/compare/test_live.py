"""Probes sent to an emulator that stands for the platform: another process, over HTTP and HTTPS."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.compare.live import AddressError, LivePlatform, checked_address
from emulator.compare.probes import PROBES
from emulator.rules.catalogue import RULES, SDK_RULES
from tests.command_line import Finished, assert_one_line, run_here
from tests.server import PAGE_TOKEN, PATIENCE_S, ROOT, Server
from tests.waiting import until

FIELD = ("--field", "CustomNumber1=900001")
AT_ONCE = ("--resource-token", PAGE_TOKEN, "--rate", "0", "--yes")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports go to the current directory."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An emulator that speaks HTTPS by a certificate of its own."""
    server = Server(tmp_path_factory.mktemp("platform"), "--tls-self-signed").start()
    yield server
    server.kill()


def probe(server: Server, *arguments: object, workspace: str = "default") -> Finished:
    return run_here("compare", "--to", f"{server.url}/w/{workspace}", *AT_ONCE, *arguments)


def requests(server: Server, workspace: str) -> list[dict[str, Any]]:
    found = server.get(f"/w/{workspace}/__admin/requests?limit=1000").json["items"]
    return list(reversed(found))


def active_probes(server: Server, workspace: str) -> list[str]:
    listed = server.get(f"/w/{workspace}/__admin/subscriptions?status=subscribed&limit=1000").json["items"]
    return [one["subscription_id"] for one in listed if one["subscription_id"].startswith("emu-probe-")]


def policies(server: Server, workspace: str, **chosen: str) -> None:
    path, body = f"/w/{workspace}/__admin/settings", json.dumps({"policies": chosen}).encode()
    assert server.request("PATCH", path, body, {"Content-Type": "application/json"}).status == 200


def test_every_inferred_and_observed_rule_has_a_probe_or_a_reason() -> None:
    asked = {one.rule for one in PROBES}
    wanted = {one.id for one in RULES.values() if one.grade in "IO" and one.id[0] not in "L" + SDK_RULES}
    assert wanted - asked == set()
    assert all(one.meanings and one.creates for one in PROBES)


def test_the_same_emulator_has_no_difference_and_nothing_stays_subscribed(fresh: Server) -> None:
    finished = probe(fresh, *FIELD, workspace="same")
    assert finished.returncode == 0, finished.stdout
    assert finished.stdout.splitlines()[-1] == "no difference"
    assert active_probes(fresh, "same") == []
    assert PAGE_TOKEN not in finished.stdout + finished.stderr
    (report,) = Path().glob("emu-probe-*.json")
    assert {one["state"] for one in json.loads(report.read_text())["created"]} == {"unsubscribed"}
    assert PAGE_TOKEN not in report.read_text()


@pytest.mark.parametrize(
    ("rules", "chosen"),
    [
        ({"S4"}, {"duplicate_token": "move"}),
        ({"M8"}, {"unknown_id": "new"}),
        ({"A3"}, {"http_status": "always_200"}),
        ({"S4", "M8", "A3"}, {"duplicate_token": "move", "unknown_id": "new", "http_status": "always_200"}),
    ],
)
def test_another_policy_of_the_platform_is_told_by_its_rule_alone(
    fresh: Server, rules: set[str], chosen: dict[str, str]
) -> None:
    policies(fresh, "other", **chosen)
    finished = probe(fresh, *FIELD, "--json", workspace="other")
    assert finished.returncode == 1
    report = json.loads(finished.stdout)
    assert {one["rule"] for one in report["rules"] if one["verdict"] == "differs"} == rules
    same = [part for name, value in chosen.items() for part in ("--policy", f"{name}={value}")]
    assert probe(fresh, "--field", "CustomNumber1=900002", *same, workspace="other").returncode == 0


def test_a_dry_run_and_a_no_send_nothing(fresh: Server) -> None:
    to = ("compare", "--to", f"{fresh.url}/w/dry", "--resource-token", PAGE_TOKEN)
    planned = run_here(*to, "--dry-run", "--yes", *FIELD)
    assert planned.returncode == 0
    assert "dry run: nothing was sent" in planned.stdout
    assert "a profile with CustomNumber1 = 900001" in planned.stdout
    refused = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), *to],
        input="n\n",
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert refused.returncode == 2
    assert "error: nothing was sent" in refused.stderr
    assert requests(fresh, "dry") == []
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("answer", "word", "sent"),
    [
        ({"status": 429, "error": 429, "error_text": "slow"}, "429, the platform asks to send less", 1),
        ({"status": 403, "error": 403, "error_text": "no"}, ": 403, application/json: ", 1),
        ({"status": 503, "error": 503, "error_text": "down"}, ": 503, application/json: ", 2),
        ("connection_reset", "push_subscribe: ", 2),
    ],
)
def test_the_run_stops_at_what_is_no_answer_and_takes_back_what_it_did(
    fresh: Server, answer: Any, word: str, sent: int
) -> None:
    apply = "before" if sent == 1 else "after"
    fresh.post("/w/stop/__admin/faults", {"match": {}, "times": 1, "then": answer, "apply": apply})
    finished = probe(fresh, workspace="stop")
    assert finished.returncode == 2
    assert word in finished.stderr
    assert len(requests(fresh, "stop")) == sent  # where it is not known what happened, also an unsubscribe
    assert active_probes(fresh, "stop") == []


def test_tls_is_verified_and_trusted_by_option(platform: Server) -> None:
    url = f"https://127.0.0.1:{platform.port}"
    refused = run_here("compare", "--to", url, *AT_ONCE)
    assert refused.returncode == 2
    assert "CERTIFICATE_VERIFY_FAILED" in refused.stderr
    trusted = run_here(
        "compare", "--to", url, *AT_ONCE, *FIELD, "--ca-file", platform.state / "tls" / "ca.pem"
    )
    assert trusted.returncode == 0, trusted.stdout + trusted.stderr


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://platform.example", "use https://platform.example"),
        ("http://127.0.0.1.example", "http goes to this machine only"),
        ("http://10.0.0.1:8080", "http goes to this machine only"),
        ("platform.example", "must be https://HOST"),
        ("ftp://platform.example", "must be https://HOST"),
        ("https://user:secret@platform.example", "no user name"),
        ("https://[::1", "is no address"),
    ],
)
def test_an_address_that_no_probe_may_go_to_is_refused(url: str, word: str) -> None:
    with pytest.raises(AddressError, match=word) as refused:
        checked_address(url)
    assert "secret" not in str(refused.value)
    assert_one_line(run_here("compare", "--to", url, *AT_ONCE), word)


def test_the_endpoint_may_stand_in_the_address() -> None:
    assert checked_address("https://host:8443/push_subscribe/") == ("https://host:8443", "host:8443")
    assert checked_address("http://[::1]:80/w/one")[0] == "http://[::1]:80/w/one"


def test_ctrl_c_names_what_was_created_and_clean_unsubscribes_it(fresh: Server) -> None:
    to = ["--to", f"{fresh.url}/w/broken", "--resource-token", PAGE_TOKEN]
    process = subprocess.Popen(
        [
            sys.executable,
            str(ROOT / "run.py"),
            "compare",
            *to,
            "--rate",
            "20",
            "--yes",
            "--report",
            "left.json",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        until(lambda: len(requests(fresh, "broken")) >= 3)
        os.kill(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130, said
    (left,) = set(active_probes(fresh, "broken"))
    assert left in said
    assert "compare --clean left.json" in said
    cleaned = run_here("compare", "--clean", "left.json", "--resource-token", PAGE_TOKEN, "--yes")
    assert cleaned.returncode == 0, cleaned.stderr
    assert active_probes(fresh, "broken") == []
    again = run_here("compare", "--clean", "left.json", "--resource-token", PAGE_TOKEN, "--yes")
    assert "to unsubscribe" in again.stdout
    assert "nothing" in again.stdout


def test_db_ids_keep_the_probes_to_these_databases(fresh: Server) -> None:
    to = (
        "compare",
        "--to",
        f"{fresh.url}/w/some",
        "--resource-token",
        "two-databases",
        "--rate",
        "0",
        "--yes",
    )
    assert run_here(*to, "--db-ids", "2").returncode == 0
    bodies = [json.loads(one["body"]) for one in requests(fresh, "some") if one["body"].startswith("{")]
    asked = {tuple(one["db_ids"]) for one in bodies}
    assert asked == {(2,), (2147483646,)}


def test_certificates_are_read_for_https_and_for_a_named_file_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    read: list[Path | None] = []
    monkeypatch.setattr(ssl, "create_default_context", lambda cafile: read.append(cafile))
    file = tmp_path / "ca.pem"
    for url, ca_file in (("http://[::1]", None), ("http://[::1]", file), ("https://example.com", None)):
        LivePlatform(url, PAGE_TOKEN, ca_file, rate=0, timeout_s=1, save=list)
    assert read == [file, None]
