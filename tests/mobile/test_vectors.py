"""Every exchange of the vectors, over TCP, byte for byte as each platform writes it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from typing import Any

import jsonschema
import pytest

from emulator.web.openapi.document import openapi_document
from tests.mobile import FIXTURES, ROLE, VECTORS, bearer, claim, subscribe_body
from tests.server import PATIENCE_S, Server

_TYPES = {"int": int, "string": str, "bool": bool, "object": dict, "array": list, "null": type(None)}
_LITERALS = {"0": 0, "null": None, "true": True, "false": False}
CONTRACT = openapi_document()
BY_NAME = {one["name"]: one for one in VECTORS}


@pytest.fixture(scope="module")
def mobile_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("mobile"), fixtures=FIXTURES).start()
    yield server
    server.kill()


def conforms(described: Any, document: Any) -> None:
    """Whether a body is as the OpenAPI document says."""
    schema = described["content"]["application/json"]["schema"]
    jsonschema.validate(document, {**schema, "components": CONTRACT["components"]})


def body_of(vector: dict[str, Any]) -> bytes:
    """The body as the platform writes it: iOS escapes slashes, Android orders as it comes."""
    body, ios = vector["body"], vector["platform"].startswith("ios")
    if vector["body_type"] == "none" or body is None:
        return b""
    if vector["body_type"] == "json":
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        return (text.replace("/", "\\/") if ios else text).encode()
    boundary = body["boundary"]
    lines = []
    for part in body["parts"]:
        value = part["value"].encode()
        lines.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{part["name"]}"\r\n'
            f"Content-Type: {part['content_type']}\r\nContent-Length: {len(value)}\r\n\r\n".encode()
            + value
        )
    return b"\r\n".join([*lines, f"--{boundary}--\r\n".encode()])


def send(server: Server, vector: dict[str, Any], below: str = "") -> tuple[int, dict[str, str], Any]:
    """Send a vector's bytes; the answer's status, headers and JSON."""
    body = body_of(vector)
    headers = {**vector["headers"], "Connection": "close"}
    if vector["body_type"] != "none":
        headers["Content-Length"] = str(len(body))
    head = [f"{vector['method']} {below}{vector['request_target']} HTTP/1.1"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
        answer = HTTPResponse(connection)
        answer.begin()
        return (
            answer.status,
            {name.lower(): value for name, value in answer.getheaders()},
            json.loads(answer.read()),
        )


def prepare(server: Server, vector: dict[str, Any], below: str) -> None:
    """Make the state that the vector needs."""
    for at, step in enumerate(vector["before"]):
        if "vector" in step:
            status, _, _ = send(server, BY_NAME[step["vector"]], below)
            assert status == BY_NAME[step["vector"]]["expected_status"]
            continue
        authorization = ROLE if step["auth"] == "rtoken" else vector["headers"]["Authorization"]
        mode = "push_sub" if step["auth"] == "rtoken" else "email"
        answer = server.post(
            f"{below}/subscription/push/subscribe/?provider={step['provider']}&matching_mode={mode}&sync=true",
            subscribe_body(step["token"], step["provider"], step["status"]),
            Authorization=authorization,
            **{"Request-ID": f"before-{at}"},
        )
        assert answer.status == 200, answer.body


def unlike(shape: Any, actual: Any, path: str = "") -> list[str]:
    """Where an answer is not of the shape."""
    if isinstance(shape, dict):
        if not isinstance(actual, dict):
            return [f"{path}: {actual!r} is not an object"]
        found = []
        for name, inner in shape.items():
            if name not in actual:
                absent = isinstance(inner, str) and "absent" in inner.split("|")
                found += [] if absent else [f"{path}.{name} is missing"]
            else:
                found += unlike(inner, actual[name], f"{path}.{name}")
        return found
    if shape.startswith("="):
        text = shape[1:]
        if text in _TYPES:  # the vectors write "=string" for a status that is open
            return unlike(text, actual, path)
        wanted = _LITERALS.get(text, int(text) if text.isdigit() and len(text) < 6 else text)
        return [] if actual == wanted else [f"{path}: {actual!r} is not {wanted!r}"]
    kinds = tuple(_TYPES[kind] for kind in shape.split("|") if kind != "absent")
    right = isinstance(actual, kinds) and not (isinstance(actual, bool) and bool not in kinds)
    return [] if right else [f"{path}: {actual!r} is not {shape}"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: one["name"])
def test_the_vector_is_answered_as_the_platform_answers(
    mobile_server: Server, vector: dict[str, Any]
) -> None:
    below = f"/w/{vector['name']}"
    prepare(mobile_server, vector, below)
    status, headers, answer = send(mobile_server, vector, below)
    assert (status, unlike(vector["expected_answer_shape"], answer)) == (vector["expected_status"], [])
    assert headers["content-type"] == "application/json"
    assert int(headers["content-length"]) > 0
    described = CONTRACT["paths"][vector["path"].rstrip("/")][vector["method"].lower()]
    conforms(described["responses"][str(status)], answer)
    if vector["body_type"] == "json":
        conforms(described["requestBody"], vector["body"])


def test_K11_sixteen_clients_with_one_token_and_replace_leave_one_subscription(mobile_server: Server) -> None:
    below = "/w/crowd"

    def subscribe(number: int) -> int:
        authorization = bearer(claim(email=f"user{number}@example.com"))
        body = subscribe_body("shared-token", replace=True)
        path = f"{below}/subscription/push/subscribe/?sync=true"
        return mobile_server.post(path, body, Authorization=authorization).status

    with ThreadPoolExecutor(16) as clients:
        assert set(clients.map(subscribe, range(16))) == {200}
    found = mobile_server.get(f"{below}/__admin/subscriptions?limit=100").json["items"]
    assert sorted(one["status"] for one in found) == ["subscribed"] + ["unsubscribed"] * 15
