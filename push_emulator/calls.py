"""The HTTP under the client: one connection pool, one workspace, JSON in and out."""

import io
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

import httpx
import msgspec

from push_emulator.answers import Page, PushAnswer, PushItem
from push_emulator.errors import EmulatorError, VerificationFailed
from push_emulator.waiting import refuse_on_loop, until

__tracebackhide__ = True  # pytest shows an error at the line of whoever calls the client
T = TypeVar("T")
C = TypeVar("C", bound="Calls")

#: The address of a workspace: the server's, and the name.
_IN_WORKSPACE = re.compile(r"(.*)/w/([a-z0-9_-]{1,64})/*")
#: Seconds that a call may take, in addition to the time that it is asked to wait.
TIMEOUT_S = 30.0
#: Seconds between two queries for one state.
LOOK_EVERY_S = 0.05
#: The errors of httpx for a call without an answer.
NO_ANSWER = (httpx.HTTPError, httpx.InvalidURL)


class _Transport(httpx.HTTPTransport):
    """httpx's own, whatever a test replaces in it later: pytest-httpx must not answer for the emulator."""

    handle_request = httpx.HTTPTransport.handle_request


class Calls:
    """The calls of one workspace of one server, each of which waits for its answer.

    ``url``: the server's address, without or with ``/w/NAME``; ``workspace`` replaces that name. ``http``:
    the HTTP client to use, which is not closed with this.
    Admin calls raise :class:`EmulatorError` with the server's text, or with status 0 where the answer is
    missing or breaks off. Their options: ``params``, ``waits_s`` (how long the server is asked to wait),
    and httpx's for a form.
    """

    http: httpx.Client

    def __init__(
        self,
        url: str,
        workspace: str | None,
        admin_token: str | None,
        timeout_s: float,
        verify: bool | ssl.SSLContext,
        http: Any = None,
    ) -> None:
        if named := _IN_WORKSPACE.fullmatch(url):
            url, workspace = named[1], workspace or named[2]
        self.server_url = url.rstrip("/")
        self.workspace = workspace
        self.url = f"{self.server_url}/w/{workspace}" if workspace is not None else self.server_url
        self.admin_token = admin_token
        self.timeout_s = timeout_s
        self.verify = verify
        self.owned = http is None
        self.http = http or self._connect(self.url.lower().startswith("https:"))

    def _connect(self, secure: bool) -> Any:
        # The emulator is never behind the proxy that the environment names for the rest of the world. Reading
        # the authorities' certificates takes longer than all else: only where they are needed. (There the
        # environment names them: SSL_CERT_FILE.)
        transport = _Transport(trust_env=secure, verify=self.verify if secure else False)
        return httpx.Client(timeout=self.timeout_s, trust_env=False, transport=transport)

    def to(self: C, workspace: str) -> C:
        """The same for another workspace, by the same HTTP client."""
        return type(self)(
            self.server_url, workspace, self.admin_token, self.timeout_s, self.verify, self.http
        )

    def close(self) -> None:
        """Close the connections, unless they are another's."""
        if self.owned:
            self.http.close()

    @contextmanager
    def streamed(self, method: str, path: str, document: Any = None) -> Iterator[httpx.Response]:
        """A successful admin call; the caller reads the body of its answer."""
        asked = self._request(method, path, document)
        try:
            with self.http.stream(**asked) as answer:
                if not answer.is_success:
                    answer.read()
                yield successful(answer)
        except NO_ANSWER as error:
            raise unanswered(asked, error) from error

    def ask(
        self, kind: type[T], method: str, path: str, document: Any = None, *, member: str = "", **options: Any
    ) -> T:
        """The answer to a call, or one ``member`` of it, as ``kind``."""
        return self._admin(lambda answer: read(answer, kind, member), method, path, document, **options)

    def do(self, method: str, path: str, document: Any = None, **options: Any) -> None:
        """A call without contents in its answer."""
        return self._admin(lambda _: None, method, path, document, **options)

    def text(self, method: str, path: str, **options: Any) -> str:
        """The answer to a call as text, without a byte order mark."""
        return self._admin(lambda answer: answer.content.decode("utf-8-sig"), method, path, **options)

    def upload(self, kind: type[T], path: str, file: Path | bytes, name: str, data: Mapping[str, str]) -> T:
        """The answer to a call that sends a file in a form, as ``kind``."""
        with opened(file) as content:
            return self.ask(kind, "POST", path, files={"file": (name, content)}, data=data)

    def repeat(
        self, kind: type[T], path: str, done: Callable[[T], bool], timeout_s: float, otherwise: str
    ) -> T:
        """The answer as soon as it is ``done``; :class:`EmulatorError` with the text ``otherwise``."""
        if not until(lambda: done(self.ask(kind, "GET", path)), timeout_s, LOOK_EVERY_S):
            raise EmulatorError(0, 0, otherwise)
        return self.ask(kind, "GET", path)

    def all(self, kind: type[Page[T]], path: str, params: Mapping[str, Any]) -> Iterator[T]:
        """Every item of a list, page by page."""
        cursor: Any = None
        while True:
            page = self.ask(kind, "GET", path, params={**params, "cursor": cursor})
            yield from page.items
            cursor = page.next
            if cursor is None:
                return

    def push(self, document: Any, headers: Mapping[str, str]) -> PushAnswer:
        """The documented endpoint's answer. Raises :class:`httpx.TransportError`."""
        try:
            return push_answer(self.http.post(f"{self.url}/push_subscribe", json=document, headers=headers))
        except httpx.TransportError as error:
            raise error.with_traceback(None) from None  # httpx's own lines say nothing to a test's reader

    def _admin(self, then: Callable[[httpx.Response], T], *call: Any, **options: Any) -> T:
        """What ``then`` makes of the answer."""
        if options.get("waits_s"):
            refuse_on_loop("use AsyncEmulatorClient")
        asked = self._request(*call, **options)
        try:
            answer = self.http.request(**asked)
        except NO_ANSWER as error:
            raise unanswered(asked, error) from None
        return then(successful(answer))

    def _request(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        params: Mapping[str, Any] | None = None,
        waits_s: float = 0.0,
        **form: Any,
    ) -> dict[str, Any]:
        """The parameters of httpx's ``request``."""
        return {
            "method": method,
            "url": f"{self.url}/__admin{path}",
            "json": document,
            "params": _query(params or {}),
            "headers": {} if self.admin_token is None else {"Authorization": f"Bearer {self.admin_token}"},
            "timeout": self.timeout_s + waits_s,
            **form,
        }


class _Envelope(msgspec.Struct):
    """An answer; with the policy ``error_data: absent`` errors have no ``data``."""

    error: int
    error_text: str
    data: list[PushItem] = []


class Subject:
    """The calls about one subject, e.g. the clock."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls


def given(**values: Any) -> dict[str, Any]:
    """The values that are not ``None``."""
    return {name: value for name, value in values.items() if value is not None}


def _query(params: Mapping[str, Any]) -> dict[str, str]:
    """Query parameters in the form of the API, without those that are ``None``."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in given(**params).items()
    }


def opened(file: Path | bytes) -> IO[bytes]:
    """A file, or its content, to read from."""
    try:
        return io.BytesIO(file) if isinstance(file, bytes) else file.open("rb")
    except OSError as error:
        raise error.with_traceback(None) from None


def unanswered(asked: Mapping[str, Any], error: Exception) -> EmulatorError:
    """The error for a call without an answer."""
    return EmulatorError(0, 0, f"{asked['method']} {asked['url']}: {error or type(error).__name__}")


def successful(answer: httpx.Response) -> httpx.Response:
    """The answer itself. Raises :class:`EmulatorError` if it is a refusal."""
    if answer.is_success:
        return answer
    try:
        document = answer.json()
        error, text = int(document["error"]), str(document["error_text"])
    except (ValueError, KeyError, TypeError):
        said = " ".join(answer.text[:500].split()) or answer.reason_phrase
        raise _stranger(answer, f": {said}") from None
    kind = VerificationFailed if answer.status_code == 422 else EmulatorError
    raise kind(answer.status_code, error, text, document)


def read(answer: httpx.Response, kind: type[T], member: str = "") -> T:
    """The body, or one member of it, as ``kind``. Raises :class:`EmulatorError` for any other body."""
    try:
        content: bytes | msgspec.Raw = answer.content
        if member:
            content = msgspec.json.decode(content, type=dict[str, msgspec.Raw])[member]
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, KeyError):
        raise _stranger(answer) from None


def push_answer(answer: httpx.Response) -> PushAnswer:
    """The documented envelope. Raises :class:`EmulatorError` for any other body."""
    try:
        envelope = msgspec.json.decode(answer.content, type=_Envelope)
    except ValueError:
        text = f"not the documented envelope: {answer.text[:500]}"
        raise EmulatorError(answer.status_code, 0, text) from None
    return PushAnswer(envelope.data, envelope.error, envelope.error_text, answer.status_code)


def _stranger(answer: httpx.Response, said: str = "") -> EmulatorError:
    text = f"{answer.request.url} does not answer as an emulator does{said}"
    return EmulatorError(answer.status_code, 0, text)
