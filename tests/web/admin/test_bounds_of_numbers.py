"""Every number from outside has the bounds of what stores it: refused where it is read, never a 500."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from emulator.cli import serve
from emulator.fixtures.load import FixtureError, load_fixtures
from tests.in_process import InProcess
from tests.server import PAGE_TOKEN, Server, subscription

HUGE = [2**63, 2**64, -(2**63) - 1, 10**30, 10**390]
#: As JSON and in query strings: thousands of digits, which Python refuses to convert, and no finite numbers.
TEXTS = [*map(str, HUGE), "9" * 5000]
FAULT = {"then": "connection_reset"}


@pytest.fixture(scope="module")
def app() -> Iterator[InProcess]:
    with InProcess() as made:
        yield made


def refused(app: InProcess, method: str, path: str, body: str | None = None, status: int = 400) -> str:
    """The text of a refusal, after which the server works as before."""
    answer = app.client.open(path, method=method, data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.get_data(as_text=True)[:300]
    assert app.client.get("/__admin/snapshot").status_code == 200
    return str(answer.get_json()["error_text"])


def cursor(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "crafted",
    [
        f"{2**63}.1",
        f"1.{2**63}",
        f"1.{10**30}",
        f"{'9' * 5000}.1",
        "-1.5",
        "1_0.1",
        " 1.1",
        "1.1.1",
        "1",
        "é.1",
    ],
)
@pytest.mark.parametrize("table", ["databases", "resources", "profiles", "subscriptions"])
def test_a_crafted_cursor_is_refused(app: InProcess, table: str, crafted: str) -> None:
    text = refused(app, "GET", f"/__admin/{table}?cursor={cursor(crafted)}")
    assert text == "cursor: must be what a list gave as next"


def test_the_cursor_of_a_list_is_taken(app: InProcess) -> None:
    page = app.client.get("/__admin/profiles?limit=2").get_json()
    following = app.client.get(f"/__admin/profiles?limit=2&cursor={page['next']}").get_json()
    assert (len(following["items"]), following["total"]) == (2, page["total"])


@pytest.mark.parametrize("text", [*TEXTS, "1_0", " 1", "٣", "1.0", "1e3", "nan", ""])
@pytest.mark.parametrize("place", ["profiles?limit", "profiles?db_id", "requests?limit", "requests?cursor"])
def test_numbers_in_query_strings_are_digits_of_64_bits(app: InProcess, place: str, text: str) -> None:
    assert "must be" in refused(app, "GET", f"/__admin/{place}={text}")


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00%2B23:59", "9" * 5000, "nan"])
def test_since_is_a_time_of_the_years_that_the_clock_has(app: InProcess, text: str) -> None:
    assert "must be a time from 1970 to 9998" in refused(app, "GET", f"/__admin/requests?since={text}")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("place", ["databases/~", "resources/~", "profiles/~/x", "requests/~"])
def test_ids_in_paths_that_no_record_can_have_are_not_found(app: InProcess, place: str, text: str) -> None:
    assert "not found" in refused(app, "GET", f"/__admin/{place.replace('~', text)}", status=404)


@pytest.mark.parametrize("text", TEXTS)
def test_ids_in_paths_of_the_console_are_not_found(app: InProcess, text: str) -> None:
    assert app.client.get(f"/__console/requests/{text}").status_code == 404


@pytest.mark.parametrize(
    "member",
    [
        '"times": ~',
        '"delay_ms": ~',
        '"delay_ms": {"uniform": [0, ~]}',
        '"probability": ~',
        '"then": {"status": ~}',
        '"then": {"status": 500, "error": ~}',
        '"then": {"rate_limit": {"per_second": ~}}',
        '"match": {"field_value": ~}',
    ],
)
@pytest.mark.parametrize("number", [str(2**64), "-1" + "0" * 30, "9" * 5000, "1e999", "-1e999"])
def test_a_fault_with_a_number_that_cannot_be_kept_is_not_armed(
    app: InProcess, member: str, number: str
) -> None:
    body = '{"then": "connection_reset", ' + member.replace("~", number) + "}"
    refused(app, "POST", "/__admin/faults", body)
    assert app.client.get("/__admin/faults").get_json()["total"] == 0


@pytest.mark.parametrize("body", ['{"offset_ms": ~}', '{"offset_ms": -~}'])
@pytest.mark.parametrize("number", ["1" + "0" * 15, str(2**64), "9" * 400])
def test_a_snapshot_with_a_clock_out_of_its_years_is_refused(app: InProcess, body: str, number: str) -> None:
    clock = json.loads(body.replace("~", "5")) | {"now": "2026-01-01T00:00:00Z"}
    document = json.dumps({**app.client.get("/__admin/snapshot").get_json(), "clock": clock})
    refused(app, "PUT", "/__admin/snapshot", document.replace("5}", number + "}", 1))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("faults", [{"id": "f", **FAULT, "times": 2**64}]),
        ("faults", [{"id": "f", **FAULT, "fired": 2**64}]),
        ("profiles_made", 2**64),
        ("profiles", [{"id": "a", "db_id": 2**64}]),
        ("profiles", [{"id": "a", "db_id": 17, "fields": {"CustomNumber1": 2**64}}]),
        ("profiles", [{"id": "a", "db_id": 17, "created": "2026-99-99T99:99:99Z"}]),
        ("databases", [{"id": 2**64, "name": "x"}]),
        ("resources", [{"id": 2**64, "name": "x", "token": "t", "db_ids": []}]),
        ("resources", [{"id": 1, "name": "x", "token": "t", "db_ids": [2**64]}]),
    ],
)
def test_a_snapshot_with_a_number_that_cannot_be_kept_is_refused(
    app: InProcess, member: str, value: Any
) -> None:
    document = {**app.client.get("/__admin/snapshot").get_json(), member: value}
    assert member in refused(app, "PUT", "/__admin/snapshot", json.dumps(document))


@pytest.mark.parametrize("number", [*TEXTS, "1e999", "-1e999"])
@pytest.mark.parametrize("field", ["CustomNumber1", "score", "nickname"])
def test_field_values_of_profiles_are_numbers_that_can_be_kept(
    app: InProcess, field: str, number: str
) -> None:
    body = f'{{"db_id": 17, "fields": {{"{field}": {number}}}}}'
    assert f"fields.{field}: must be" in refused(app, "POST", "/__admin/profiles", body)


@pytest.mark.parametrize("body", ['{"match": {"field_value": ~}}', '{"match": {"q": "x"}, "within": ~}'])
@pytest.mark.parametrize("number", [str(2**64), "9" * 5000, "1e999", "-1e999"])
def test_numbers_of_verify_are_bounded(app: InProcess, body: str, number: str) -> None:
    assert "must be" in refused(app, "POST", "/__admin/requests/verify", body.replace("~", number))


@pytest.mark.parametrize("number", ["9223372036854775808", "9" * 5000, "1e999"])
@pytest.mark.parametrize("kind", ["int", "float", "string"])
def test_numbers_of_fixtures_are_refused_with_their_place(tmp_path: Path, kind: str, number: str) -> None:
    (tmp_path / "databases.json").write_text(json.dumps([{"id": 1, "name": "a", "fields": {"f": kind}}]))
    (tmp_path / "resources.json").write_text("[]")
    (tmp_path / "profiles.json").write_text(f'[{{"db_id": 1, "fields": {{"f": {number}}}}}]')
    with pytest.raises(FixtureError) as caught:
        load_fixtures(tmp_path)
    assert "[0].fields.f: must be" in str(caught.value)


@pytest.mark.parametrize("number", ["nan", "inf", "-1", "0"])
def test_the_time_to_live_is_a_finite_number_above_0(number: str) -> None:
    result = CliRunner().invoke(serve.command, ["--workspace-ttl", number])
    assert result.exit_code == 2


def test_a_fault_of_the_largest_number_of_times_survives_a_restart(
    start_server: Callable[..., Server],
) -> None:
    server = start_server()
    assert server.post("/__admin/faults", {**FAULT, "times": 2**64}).status == 400
    largest = {"then": {"status": 503}, "times": 2**63 - 1}
    assert server.post("/__admin/faults", largest).status == 201
    answer = server.push(PAGE_TOKEN, subscriptions=[subscription("t")])
    assert answer["error"] == 503
    server.kill()
    server.start()
    (fault,) = server.get("/__admin/faults").json["items"]
    assert (fault["times"], fault["fired"]) == (2**63 - 2, 1)
