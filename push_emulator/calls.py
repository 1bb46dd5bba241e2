"""The HTTP under the client: one connection pool, one workspace, JSON in and out."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx
import msgspec

from push_emulator.answers import Page
from push_emulator.errors import EmulatorError, VerificationFailed

T = TypeVar("T")

#: Seconds that a call may take, in addition to the time that it is asked to wait.
TIMEOUT_S = 30.0


class _Transport(httpx.HTTPTransport):
    """httpx's own, whatever a test replaces in it later: pytest-httpx must not answer for the emulator."""

    handle_request = httpx.HTTPTransport.handle_request


class Calls:
    """Calls to one workspace of one server.

    ``url``: the server's address, without or with ``/w/NAME``; ``workspace`` puts that after it. ``http``:
    the connections to use, which are not closed with these calls.
    """

    def __init__(
        self,
        url: str,
        workspace: str | None,
        admin_token: str | None,
        timeout_s: float,
        verify: bool | ssl.SSLContext,
        http: httpx.Client | None = None,
    ) -> None:
        self.server_url = url.rstrip("/")
        self.url = f"{self.server_url}/w/{workspace}" if workspace is not None else self.server_url
        self.admin_token = admin_token
        self.timeout_s = timeout_s
        self.verify = verify
        self._owned = http is None
        self.http = http or _connections(self.url, timeout_s, verify)

    def close(self) -> None:
        """Close the connections, unless they are another's."""
        if self._owned:
            self.http.close()

    @contextmanager
    def streamed(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        params: Mapping[str, Any] | None = None,
        waits_s: float = 0.0,
        **form: Any,
    ) -> Iterator[httpx.Response]:
        """A successful admin call; the caller reads the body of its answer.

        ``waits_s``: how long the server is asked to wait; ``form``: httpx's. Raises :class:`EmulatorError`
        with the server's text, or with status 0 where the answer is missing or breaks off.
        """
        url = f"{self.url}/__admin{path}"
        headers = {} if self.admin_token is None else {"Authorization": f"Bearer {self.admin_token}"}
        try:
            with self.http.stream(
                method,
                url,
                json=document,
                params=_query(params or {}),
                headers=headers,
                timeout=self.timeout_s + waits_s,
                **form,
            ) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _refusal(answer)
                yield answer
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise EmulatorError(0, 0, f"{method} {url}: {error or type(error).__name__}") from error

    def admin(self, method: str, path: str, document: Any = None, **options: Any) -> httpx.Response:
        """A successful admin call with its whole answer; ``options``, errors: see :meth:`streamed`."""
        with self.streamed(method, path, document, **options) as answer:
            answer.read()
        return answer

    def ask(self, kind: type[T], method: str, path: str, document: Any = None, **options: Any) -> T:
        """The answer to a call as a struct; ``options``: those of :meth:`streamed`."""
        answer = self.admin(method, path, document, **options)
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except msgspec.MsgspecError as error:
            text = f"{answer.request.url} does not answer as an emulator does"
            raise EmulatorError(answer.status_code, 0, text) from error

    def all(self, kind: type[Page[T]], path: str, params: Mapping[str, Any]) -> Iterator[T]:
        """Every item of a list, page by page."""
        cursor: Any = None
        while True:
            page = self.ask(kind, "GET", path, params={**params, "cursor": cursor})
            yield from page.items
            cursor = page.next
            if cursor is None:
                return


class Subject:
    """The calls about one subject, e.g. the clock."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls


def given(**values: Any) -> dict[str, Any]:
    """The values that are not ``None``."""
    return {name: value for name, value in values.items() if value is not None}


def _connections(url: str, timeout_s: float, verify: bool | ssl.SSLContext) -> httpx.Client:
    # The emulator is never behind the proxy that the environment names for the rest of the world. Reading
    # the authorities' certificates takes longer than all else: only where they are needed.
    secure = url.lower().startswith("https:")
    transport = _Transport(trust_env=False, verify=verify if secure else False)
    return httpx.Client(timeout=timeout_s, trust_env=False, transport=transport)


def _query(params: Mapping[str, Any]) -> dict[str, str]:
    """Query parameters in the form of the API, without those that are ``None``."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in given(**params).items()
    }


def _refusal(answer: httpx.Response) -> EmulatorError:
    try:
        document = answer.json()
        error, text = int(document["error"]), str(document["error_text"])
    except (ValueError, KeyError, TypeError):
        said = " ".join(answer.text[:500].split()) or answer.reason_phrase
        text = f"{answer.request.url} does not answer as an emulator does: {said}"
        return EmulatorError(answer.status_code, 0, text)
    kind = VerificationFailed if answer.status_code == 422 else EmulatorError
    return kind(answer.status_code, error, text, document)
