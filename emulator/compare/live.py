"""Sends the probes to a platform, records the answers, and unsubscribes what was subscribed."""

import asyncio
import json
import ssl
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import httpx
from msgspec import Struct

from emulator.compare.attribution import carried_out
from emulator.compare.probes import Ready
from emulator.compare.recorded import FAILURES, TOO_MANY, RecordedCall, code_of, json_object
from emulator.compare.report import Created, Place
from emulator.rules.texts import message
from emulator.settings import is_loopback

#: The most seconds that Retry-After is waited for.
_LONGEST_WAIT_S = 60.0
_MOST_BYTES = 1 << 20
_ENDPOINT = "/push_subscribe"
_STOPPING = (401, 403, *FAILURES)


class AddressError(ValueError):
    """An address that no probe may be sent to; the text says why."""


class Stopped(Exception):
    """Why a run ended early."""


class _Heard(Struct):
    """A whole answer of the platform."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> int:
        """As :func:`~emulator.compare.recorded.code_of` has it."""
        return code_of(self.status, json_object(self.body) or {})

    @property
    def said(self) -> str:
        """A description, for people, of an answer that is not the endpoint's."""
        location = self.headers.get("location")
        if location and self.status // 100 == 3:
            return f"{self.status}, a redirect to {location}"
        kind = self.headers.get("content-type", "").partition(";")[0] or "no Content-Type"
        text = " ".join(self.body.decode("utf-8", "replace").split())[:200] or "no text"
        return f"{self.status}, {'' if json_object(self.body) else 'no JSON object: '}{kind}: {text}"


class LivePlatform:
    """The platform at an address. TLS is verified; only this address is called, redirects are not followed.

    ``ca_file``: PEM certificates of authorities to trust instead of the system's. ``rate``: requests a
    second, 0 for no limit. ``timeout_s``: for a whole answer. ``created``: what was sent to be subscribed;
    ``save`` is called whenever that changes, before the request leaves. Raises :class:`AddressError`, and
    :class:`OSError` for the file.
    """

    def __init__(
        self,
        url: str,
        resource_token: str,
        ca_file: Path | None,
        rate: float,
        timeout_s: float,
        save: Callable[[], object],
    ) -> None:
        self.base, self.host = checked_address(url)
        self.created: dict[str, Created] = {}
        self.save = save
        self._resource_token = resource_token
        self._pause_s = 1 / rate if rate else 0.0
        self._timeout_s = timeout_s
        self._next = 0.0
        # Reading the authorities' certificates takes longer than a call: only where they are needed.
        secure = ca_file is not None or self.base.startswith("https:")
        try:
            self._verify = ssl.create_default_context(cafile=ca_file) if secure else False
        except ssl.SSLError as error:
            raise AddressError(f"{ca_file}: must be certificates in PEM ({error.reason or error})") from error

    def ask(self, ready: Iterable[Ready]) -> Iterable[RecordedCall]:
        """Send the probes one after the other and answer each call.

        Raises :class:`Stopped` at the first 429, at a 401, 403 or 5xx that the probe does not list, where no
        whole answer comes, at a redirect and at what is no JSON object, unless the probe lists it as an
        answer, and where the first answer is not the endpoint's.
        """
        for number, one in enumerate(ready, 1):
            new = {token: provider for token, provider in one.tokens.items() if token not in self.created}
            self.created |= {token: Created(token, provider) for token, provider in new.items()}
            if new:
                self.save()
            probe, headers = one.probe, dict(one.probe.headers)
            name = message(
                "probe %(number)s: %(rule)s, %(asks)s", number=number, rule=probe.rule, asks=one.asks
            )
            try:
                heard = self._send(probe.method, probe.path, one.body, headers)
            except Stopped as why:
                raise Stopped(f"{name}: {why}") from why
            answer = json_object(heard.body)
            self._note(one, None if heard.code in FAILURES else answer)  # it may have failed later
            problem = _problem(one, heard, first=number == 1)
            if problem is not None:
                raise Stopped(f"{name}: {problem}")
            yield RecordedCall(
                name,
                probe.path,
                "",
                {name.lower(): value for name, value in headers.items()},
                one.body,
                heard.status,
                heard.body if answer is not None else b"{}",
                self.host,
                None,
                probe.method,
                heard.headers,
                "" if probe.prepares else probe.rule,
                "" if answer is not None or probe.method == "OPTIONS" else heard.said,
                urlsplit(self.base).path,
            )

    def clean(self) -> None:
        """Unsubscribe what is subscribed or uncertain. Raises :class:`Stopped` where the platform refuses."""
        if self._next - monotonic() > _LONGEST_WAIT_S:
            raise Stopped("nothing was unsubscribed: the platform asks to wait longer")
        for one in self.created.values():
            for place in one.places or (None,):
                if one.state != "unsubscribed":
                    self._unsubscribe(one, place)
            one.state = "unsubscribed"
            self.save()

    def _unsubscribe(self, one: Created, place: Place | None) -> None:
        gone = {"provider": one.provider, "subscription_id": one.subscription_id, "unsubscribe": True}
        request: dict[str, Any] = {"resource_token": self._resource_token, "subscriptions": [gone]}
        if place is not None:
            request |= {"db_ids": [place.db_id], "id": place.profile_id}
        body = json.dumps(request, ensure_ascii=False).encode()
        heard = self._send("POST", _ENDPOINT, body, {"Content-Type": "application/json"})
        if not carried_out(json_object(heard.body) or {}):
            raise Stopped(f"{one.subscription_id} could not be unsubscribed: {heard.said}")

    def _note(self, ready: Ready, answer: dict[str, Any] | None) -> None:
        """Record what an answer shows about the tokens that were sent."""
        if answer is None:
            return
        items = [item for item in answer.get("data") or () if isinstance(item, dict)]
        bare = [one for one in items if "subscription_id" not in one and one.get("status") == "ok"]
        named = {one.get("subscription_id") for one in items}
        for token in ready.tokens:
            ok = [one for one in items if one.get("subscription_id") == token and one.get("status") == "ok"]
            created = self.created[token]
            if ok or (bare and token not in named):  # a bare item: it was there already (S3, S7)
                created.state = "subscribed"
                new = [Place(one.get("db_id"), one.get("profile_id")) for one in ok or bare]
                created.places += [place for place in new if place not in created.places]
            elif created.state == "uncertain" and (token in named or not carried_out(answer)):
                if ready.probe.prepares:
                    continue  # whether a refusal changes nothing is what A6 asks
                del self.created[token]
        self.save()

    def _send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> _Heard:
        sleep(max(0.0, self._next - monotonic()))
        self._next = monotonic() + self._pause_s
        url = self.base + path
        try:
            heard = asyncio.run(asyncio.wait_for(self._exchange(method, url, body, headers), self._timeout_s))
        except asyncio.TimeoutError:
            raise Stopped(f"{url}: no whole answer in {self._timeout_s:g} s") from None
        seconds = heard.headers.get("retry-after", "")
        if heard.code == TOO_MANY and seconds.isascii() and seconds.isdigit():
            self._next += float(seconds)
        return heard

    async def _exchange(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> _Heard:
        data = b""
        # httpx limits the time between two pieces of an answer; the loop limits the whole, and ends first
        client = httpx.AsyncClient(timeout=2 * self._timeout_s, trust_env=False, verify=self._verify)
        try:
            async with client, client.stream(method, url, content=body or None, headers=headers) as answer:
                async for piece in answer.aiter_bytes():
                    data += piece
                    if len(data) > _MOST_BYTES:
                        raise Stopped(f"{url}: the answer has more than {_MOST_BYTES} bytes")
                return _Heard(answer.status_code, dict(answer.headers.items()), data)
        except httpx.HTTPError as error:
            raise Stopped(f"{url}: no whole answer: {error or type(error).__name__}") from error


def _problem(ready: Ready, heard: _Heard, first: bool) -> str | None:
    """Why the probe can learn nothing from an answer, if so."""
    probe = ready.probe
    if heard.code == TOO_MANY:
        seconds = heard.headers.get("retry-after")
        wait = f" (Retry-After: {seconds})" if seconds else ""
        return f"429, the platform asks to send less{wait}; try a lower --rate"
    if heard.code in _STOPPING and heard.code not in probe.statuses:
        return heard.said
    if probe.method == "OPTIONS":
        return None  # a preflight is answered by headers
    answer = json_object(heard.body)
    if answer is None and not (probe.other_answers and heard.status not in range(200, 300)):
        return heard.said + ("; name the right address" if "a redirect" in heard.said else "")
    if first and not {"data", "error"} & (answer or {}).keys():
        return f"this is no answer of push_subscribe: {heard.said}"
    return None


def checked_address(url: str) -> tuple[str, str]:
    """The address without the endpoint's path, and its host with a port. Raises :class:`AddressError`."""
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise AddressError(f"{url}: is no address: {error}") from error
    if parts.scheme not in ("http", "https") or not name:
        raise AddressError(f"{url}: must be https://HOST")
    if parts.username is not None or parts.query or parts.fragment:
        raise AddressError("the address must have no user name, no query and no fragment")
    if parts.scheme == "http" and not is_loopback(name):
        raise AddressError(f"{url}: http goes to this machine only; use https://{parts.netloc}")
    shown = f"[{name}]" if ":" in name else name
    base = parts.path.rstrip("/").removesuffix(_ENDPOINT)
    return f"{parts.scheme}://{parts.netloc}{base}", shown if port is None else f"{shown}:{port}"
