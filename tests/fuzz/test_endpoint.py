"""Whatever comes in: never a 5xx of our own, always the envelope, and a refusal changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given

from emulator.endpoint.exchange import Exchange
from emulator.messages import Incoming
from emulator.schemas.strict_json import JSONProblem, read_json
from tests.fuzz.requests import RIGHT_REQUESTS, damaged_bytes, damaged_requests
from tests.fuzz.settings import LENGTH
from tests.in_process import InProcess

#: A fault that a token asked for, and not a mistake.
ASKED_FOR = "Fault:"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with InProcess(state=tmp_path_factory.mktemp("state"), journal_count=10) as running:
        yield running


def _check(running: InProcess, body: bytes) -> dict[str, Any]:
    """Send a body and check what must hold for every one; the answer."""
    exchange: Exchange = running.emulator.exchange
    before = _state(running)
    answer = exchange.handle(Incoming("POST", "/push_subscribe", "", {}, body, "127.0.0.1:1"))
    document: dict[str, Any] = orjson.loads(answer.body) if answer.delivery is None else {}
    if not document:
        return document
    assert list(document) == ["data", "error", "error_text"]
    if not document["error_text"].startswith(ASKED_FOR):
        assert answer.status < 500, document
    assert answer.status == (200 if document["error"] in (0, 200) else document["error"])
    if answer.status >= 400 and "emu!after" not in body.decode("utf-8", "replace"):
        assert document["data"] == []
        assert _state(running) == before, "a refusal changed something"
    return document


def _state(running: InProcess) -> tuple[Any, ...]:
    tables = running.store.storage.state
    return tuple(dict(tables.table(name).documents) for name in ("profiles", "subscriptions"))


@LENGTH
@given(document=RIGHT_REQUESTS)
def test_right_requests_are_answered(emulator: InProcess, document: Any) -> None:
    _check(emulator, json.dumps(document).encode())


@LENGTH
@given(document=damaged_requests())
def test_A3_damaged_requests_change_nothing_when_refused(emulator: InProcess, document: Any) -> None:
    _check(emulator, json.dumps(document).encode())


@LENGTH
@given(
    body=damaged_bytes(
        RIGHT_REQUESTS.map(lambda one: json.dumps(one, ensure_ascii=False).encode("utf-8", "replace"))
    )
)
def test_A4_damaged_bytes_are_answered_in_the_envelope(emulator: InProcess, body: bytes) -> None:
    _check(emulator, body)


@LENGTH
@given(body=damaged_bytes(RIGHT_REQUESTS.map(lambda one: json.dumps(one).encode())))
def test_reading_json_complains_in_one_way_only(body: bytes) -> None:
    with suppress(JSONProblem):
        json.dumps(read_json(body))
