"""The clients that people really use, each asked what it saw of one call."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from http.client import IncompleteRead, RemoteDisconnected
from typing import Any, Literal, NamedTuple

import httpx
import pytest
import requests

from tests.server import PATIENCE_S

#: An answer; a connection that was reset, closed without a byte, or closed within the body.
Kind = Literal["answer", "reset", "empty", "cut"]


class Seen(NamedTuple):
    """What a client made of a call: the kind, by its own error where there was one, and what it got."""

    kind: Kind
    status: int = 0
    text: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.text)


Client = Callable[[str, Any], Seen]

_CURL_EXITS: dict[int, Kind] = {0: "answer", 56: "reset", 52: "empty", 18: "cut"}


def by_curl(url: str, document: Any) -> Seen:
    """curl, by its exit status."""
    options = ["-sS", "--noproxy", "*", "--max-time", str(PATIENCE_S), "-w", "\n%{http_code}"]
    done = subprocess.run(
        ["curl", *options, "-H", "Content-Type: application/json", "-d", json.dumps(document), url],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in _CURL_EXITS, f"curl: {done.returncode} {done.stderr}"
    body, _, status = done.stdout.rpartition("\n")
    return Seen(_CURL_EXITS[done.returncode], int(status), body)


def by_httpx(url: str, document: Any) -> Seen:
    """httpx, by its exception."""
    try:
        answer = httpx.post(url, json=document, timeout=PATIENCE_S, trust_env=False, verify=False)
    except httpx.ReadError as error:
        return _sure("reset", errno.ECONNRESET in _numbers(error), error)
    except httpx.RemoteProtocolError as error:
        if "without sending a response" in str(error):
            return Seen("empty")
        return _sure("cut", "without sending complete message body" in str(error), error)
    return Seen("answer", answer.status_code, answer.text)


def by_requests(url: str, document: Any) -> Seen:
    """requests, by its exception and what that wraps."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.post(url, json=document, timeout=PATIENCE_S)
        except requests.exceptions.ChunkedEncodingError as error:
            return _sure("cut", any(isinstance(one, IncompleteRead) for one in _wrapped(error)), error)
        except requests.exceptions.ConnectionError as error:
            if any(isinstance(one, RemoteDisconnected) for one in _wrapped(error)):
                return Seen("empty")
            was_reset = any(isinstance(one, ConnectionResetError) for one in _wrapped(error))
            return _sure("reset", was_reset, error)
        return Seen("answer", answer.status_code, answer.text)


_SCRIPT = """
const [url, body] = process.argv.slice(1);
const options = { method: "POST", body, headers: { "Content-Type": "application/json" } };
const tell = (seen) => console.log(JSON.stringify(seen));
const cause = (error) => ({ code: error.cause?.code ?? "", message: error.cause?.message ?? String(error) });
try {
  const answer = await fetch(url, options);
  try {
    tell({ status: answer.status, text: await answer.text() });
  } catch (error) {
    tell({ status: answer.status, body: cause(error) });
  }
} catch (error) {
  tell({ call: cause(error) });
}
"""


def by_fetch(url: str, document: Any) -> Seen:
    """Node's fetch, by the code of the error's cause."""
    if shutil.which("node") is None:
        warnings.warn("node is not installed: what its fetch sees of a fault is not tested", stacklevel=1)
        pytest.skip("node is not installed")
    done = subprocess.run(
        ["node", "--input-type=module", "-e", _SCRIPT, url, json.dumps(document)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    seen = json.loads(done.stdout)
    if "call" in seen:
        if seen["call"]["code"] == "ECONNRESET":
            return Seen("reset")
        assert seen["call"] == {"code": "UND_ERR_SOCKET", "message": "other side closed"}, seen
        return Seen("empty")
    if "body" in seen:
        assert seen["body"] == {"code": "UND_ERR_SOCKET", "message": "other side closed"}, seen
        return Seen("cut", seen["status"])
    return Seen("answer", seen["status"], seen["text"])


CLIENTS: dict[str, Client] = {
    "curl": by_curl,
    "httpx": by_httpx,
    "requests": by_requests,
    "fetch": by_fetch,
}


def _sure(kind: Kind, certain: bool, error: Exception) -> Seen:
    if not certain:
        raise AssertionError(f"not what was expected of {kind}: {error!r}") from error
    return Seen(kind)


def _wrapped(error: object) -> Iterator[object]:
    """An exception with all that it was raised from or made of."""
    if isinstance(error, BaseException):
        yield error
        for inner in (error.__cause__, error.__context__, getattr(error, "reason", None), *error.args):
            if inner is not error:
                yield from _wrapped(inner)


def _numbers(error: BaseException) -> set[int | None]:
    return {one.errno for one in _wrapped(error) if isinstance(one, OSError)}
