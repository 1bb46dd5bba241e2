"""Q4: browsers may call the documented endpoint from any page, with credentials; nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.in_process import InProcess
from tests.server import PAGE_TOKEN, subscription

ORIGIN = "https://shop.example"
PATHS = ["/push_subscribe", "/push_subscribe/", "/api/v1.1/resources/push_subscribe"]


@pytest.fixture
def app() -> Iterator[InProcess]:
    with InProcess() as app:
        yield app


@pytest.mark.parametrize("path", PATHS)
def test_Q4_preflight_allows_the_call(app: InProcess, path: str) -> None:
    answer = app.client.options(
        path,
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-app",
        },
    )
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Allow-Headers"] == "content-type,x-app"
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "document",
    [
        {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("t")]},
        {"resource_token": "nobody's", "subscriptions": [subscription("t")]},
        {},
    ],
)
def test_Q4_the_answer_may_be_read_errors_too(app: InProcess, path: str, document: dict[str, object]) -> None:
    answer = app.post(document, path, Origin=ORIGIN)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize("origin", ["null", "http://localhost:3000", "https://xn--e1afmkfd.example"])
def test_Q4_the_origin_is_echoed_never_a_star(app: InProcess, origin: str) -> None:
    answer = app.post({"resource_token": PAGE_TOKEN, "subscriptions": [subscription("t")]}, Origin=origin)
    assert answer.headers["Access-Control-Allow-Origin"] == origin


def test_Q4_without_an_origin_there_are_no_such_headers(app: InProcess) -> None:
    answer = app.post({"resource_token": PAGE_TOKEN, "subscriptions": [subscription("t")]})
    assert not [name for name in answer.headers.keys() if name.startswith("Access-Control")]  # noqa: SIM118


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("path", ["/nowhere", "/push_subscribe/x", "/__admin/health", "/__admin/nowhere"])
def test_Q4_no_other_path_has_them(app: InProcess, path: str, method: str) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    answer = app.client.open(path, method=method, headers=headers)
    assert not [name for name in answer.headers.keys() if name.startswith("Access-Control")]  # noqa: SIM118
