"""The application in this process, for what the admin API answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.in_process import InProcess

#: What can be sent instead of a JSON object, and what is said to that.
NOT_OBJECTS: list[tuple[bytes, str]] = [
    (b"[]", "body: must be an object"),
    (b"5", "body: must be an object"),
    (b"{", "body: is not JSON: "),
    (b'{"a": NaN}', "body: is not JSON: NaN is not a JSON number"),
    (b"\xff", "body: is not UTF-8: byte 0"),
    (b'{"a": "\\ud800"}', "a: must not contain a lone surrogate"),
    (b"[" * 100_000, "body: is nested deeper than 64 levels"),
]


class Admin:
    """Calls of the admin API."""

    def __init__(self, app: InProcess) -> None:
        self.app = app

    def call(self, method: str, path: str, document: Any = None, **options: Any) -> TestResponse:
        """Any call; a document that is bytes is sent as it is."""
        if isinstance(document, bytes):
            options["data"] = document
        elif document is not None:
            options["data"] = json.dumps(document)
        return self.app.client.open(f"/__admin{path}", method=method, **options)

    def get(self, path: str) -> Any:
        """A GET that goes well."""
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def send(self, method: str, path: str, document: Any = None) -> Any:
        """Any other call that goes well."""
        answer = self.call(method, path, document)
        assert answer.status_code in (200, 201), answer.text
        return answer.get_json()

    def refused(self, method: str, path: str, document: Any = None, code: int = 400) -> str:
        """A call that is refused: what is said to it."""
        answer = self.call(method, path, document)
        assert answer.status_code == code, answer.text
        said = answer.get_json()
        assert said["error"] == code
        text: str = said["error_text"]
        return text


@pytest.fixture
def app() -> Iterator[InProcess]:
    with InProcess() as app:
        yield app


@pytest.fixture
def admin(app: InProcess) -> Admin:
    return Admin(app)
