"""One recorded request with its answer, in each form in which tools write it."""

import base64
import json
import re
import zlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from emulator.endpoint.call import PATHS
from emulator.messages import split_path
from emulator.rules.texts import Text, message
from emulator.timestamps import read_iso

#: The most bytes of a body after decompression.
MOST_BYTES = 64 << 20
_ENDPOINT = re.compile(r"/push_subscribe/?$")
#: The headers of a request, and of an answer, that can make a difference.
_OF_REQUEST = ("content-type", "content-encoding", "origin")
_OF_ANSWER = ("access-control-allow-origin", "access-control-allow-credentials")
_OK = 200
#: Codes that no rule of the endpoint gives: nothing is to be learned from such an answer.
TOO_MANY, FAILURES = 429, range(500, 600)


class RecordedCall(Struct):
    """A request to the endpoint and the JSON object that answered it.

    ``place``: the file and the entry. ``path`` is one that the emulator serves; ``headers`` has lower-case
    names. ``host`` and ``at`` (milliseconds since 1970) are empty and ``None`` where the record lacks them.
    ``answered``: the headers of the answer, lower-case; ``None`` where the record lacks them. Of a probe:
    ``rule`` is what it asks about, ``said`` the answer if that is no JSON object, ``base`` the path of the
    platform's address, which stands before ``path``.
    """

    place: Text
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    status: int
    answer_body: bytes
    host: str = ""
    at: int | None = None
    method: str = "POST"
    answered: dict[str, str] | None = None
    rule: str = ""
    said: str = ""
    base: str = ""

    @property
    def request(self) -> dict[str, Any]:
        """The body as a JSON object; ``{}`` for any other body."""
        return json_object(self.body) or {}

    @property
    def answer(self) -> dict[str, Any]:
        """The JSON object that answered it."""
        return json_object(self.answer_body) or {}


class NotCompared(Exception):
    """Why a record is left out, as a ``text`` that is counted."""

    def __init__(self, text: Text) -> None:
        super().__init__(str(text))
        self.text = text


def read_record(record: Any, place: Text) -> RecordedCall:
    """The call of one record: a HAR entry, an entry of the request journal, or ``{request, status, answer}``.

    Raises :class:`NotCompared`.
    """
    if not isinstance(record, dict):
        raise NotCompared("no JSON object")
    request = record.get("request")
    try:
        if isinstance(request, dict) and "url" in request:
            return _har_entry(record, place)
        if "answer" in record and (request is not None or "body" in record):
            return _pair(record, place)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise NotCompared("unreadable") from error
    raise NotCompared("no request with an answer")


def json_object(text: bytes) -> dict[str, Any] | None:
    """The JSON object that these bytes are, if they are one."""
    try:
        value = json.loads(text.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _har_entry(record: Mapping[str, Any], place: Text) -> RecordedCall:
    request, response = record["request"], record.get("response") or {}  # Proxyman: none, where none came
    url = urlsplit(str(request["url"]))
    path = _path(str(request.get("method", "")), unquote(url.path))
    # HTTP Toolkit keeps what it takes for no text in a member of its own
    posted = request.get("postData") or request.get("_content") or {}
    content = response.get("content") or {}
    headers, answered = _headers(request), _headers(response)
    if not posted.get("text"):
        raise NotCompared("no request body")
    if not response.get("status") or not content.get("text"):
        raise NotCompared("no answer")
    body = _body(posted, unpack="content-encoding" not in headers)
    answer, status = _body(content), int(response["status"])
    packed = answered.get("content-encoding")
    if packed and not answer.lstrip().startswith((b"{", b"<")):
        text = "answered in %(coding)s, which is not unpacked: have the tool save bodies decoded"
        raise NotCompared(message(text, coding=packed))
    if "content-type" not in headers and posted.get("mimeType"):
        headers["content-type"] = str(posted["mimeType"])
    kept = _named(headers, _OF_REQUEST)
    if urlsplit(kept.get("origin", "")).netloc == url.netloc:
        del kept["origin"]  # a page of the platform itself
    return RecordedCall(
        place,
        path,
        url.query,
        kept,
        body,
        status,
        _checked(status, answer),
        url.netloc.lower(),
        read_iso(str(record.get("startedDateTime"))),
        answered=_named(answered, _OF_ANSWER) if answered else None,
    )


def _pair(record: Mapping[str, Any], place: Text) -> RecordedCall:
    """``{request, status, answer}``, or an entry of the request journal, whose ``body`` is the request."""
    path = _path(str(record.get("method") or "POST"), str(record.get("path") or "/push_subscribe"))
    if record.get("fault"):
        raise NotCompared("answered by a fault")
    if not record["answer"]:
        raise NotCompared("no answer")
    headers = {str(name).lower(): str(value) for name, value in (record.get("headers") or {}).items()}
    status = int(record.get("status", 200))
    return RecordedCall(
        place,
        path,
        str(record.get("query") or ""),
        _named(headers, _OF_REQUEST) if headers else {"content-type": "application/json"},
        _text(record["body"] if "body" in record else record["request"]),
        status,
        _checked(status, _text(record["answer"])),
        headers.get("host", ""),
        read_iso(str(record.get("time"))),
    )


def _path(method: str, path: str) -> str:
    """The emulator's path for the recorded one. Raises :class:`NotCompared` for any other call."""
    if not _ENDPOINT.search(path):
        raise NotCompared("another call")
    if method.upper() != "POST":
        raise NotCompared("a preflight" if method.upper() == "OPTIONS" else "another method than POST")
    _, path = split_path(path)
    return path if path in PATHS else "/push_subscribe"


def _headers(message: Mapping[str, Any]) -> dict[str, str]:
    return {str(one["name"]).lower(): str(one["value"]) for one in message.get("headers") or ()}


def _named(headers: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: headers[name] for name in names if name in headers}


def _body(stored: Mapping[str, Any], unpack: bool = True) -> bytes:
    """A body as it was sent. Tools write base64 without saying so, and say so where they do not."""
    text = str(stored["text"])
    forms = [text.encode("utf-8", "replace")]
    with suppress(ValueError):
        forms.insert(0 if stored.get("encoding") == "base64" else 1, base64.b64decode(text, validate=True))
    if unpack:
        forms = [decompressed(one) for one in forms]
    return next((one for one in forms if json_object(one) is not None), forms[0])


def _text(value: Any) -> bytes:
    """The bytes of a body that stands in a record as text or as its JSON value."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    return json.dumps(value, ensure_ascii=False, default=float).encode("utf-8", "replace")


def decompressed(data: bytes) -> bytes:
    """The content of a body that is stored compressed, by gzip or deflate; any other body as it is."""
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        return unpack.decompress(data, MOST_BYTES)
    except zlib.error:
        return data


def _checked(status: int, answer: bytes) -> bytes:
    """The answer, if it is one of the endpoint's rules. Raises :class:`NotCompared`."""
    found = json_object(answer)
    code = code_of(status, found or {})
    if code == TOO_MANY or code in FAILURES:
        raise NotCompared(message("answered with %(code)s, a failure", code=code))
    if found is None:
        raise NotCompared("answered with no JSON object")
    return answer


def code_of(status: int, answer: Mapping[str, Any]) -> int:
    """The HTTP status, or the code in its place that the envelope of an answer with HTTP status 200 has."""
    error = answer.get("error")
    return error if status == _OK and isinstance(error, int) and error > _OK else status
