"""Sends the probes to a platform, records the answers, and takes back what was subscribed."""

from __future__ import annotations

import ipaddress
import json
import ssl
from collections.abc import Callable, Iterable
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import httpx

from emulator.compare.ready import Ready
from emulator.compare.recorded import RecordedCall, json_object
from emulator.compare.report import Created, Place
from emulator.rules.answer import ALL_APPLIED, NOT_ALL_APPLIED

#: Seconds for a connection or a piece of an answer, and for the whole answer; the most bytes of an answer.
_PIECE_S, _WHOLE_S, _MOST_BYTES = 10.0, 30.0, 1 << 20
_ENDPOINT = "/push_subscribe"
_TOO_MANY, _STOPPING = 429, (401, 403)


class AddressError(ValueError):
    """An address that no probe may be sent to; the text says why."""


class Stopped(Exception):
    """Why a run ended early."""


class Platform:
    """The platform at an address. TLS is verified; only this address is called, redirects are not followed.

    ``ca_file``: PEM certificates of authorities to trust instead of the system's. ``rate``: requests a
    second, 0 for no limit. ``created``: what was sent to be subscribed; ``save`` is called whenever that
    changes, before the request leaves. Raises :class:`AddressError`, and :class:`OSError` for the file.
    """

    def __init__(
        self,
        url: str,
        resource_token: str,
        ca_file: Path | None = None,
        rate: float = 1.0,
        save: Callable[[], object] = lambda: None,
    ) -> None:
        self.base, self.host = checked_address(url)
        self.created: dict[str, Created] = {}
        self.save = save
        self._resource_token = resource_token
        self._pause_s = 1 / rate if rate else 0.0
        self._next = 0.0
        try:
            context = ssl.create_default_context(cafile=ca_file)
        except ssl.SSLError as error:
            raise AddressError(f"{ca_file}: must be certificates in PEM ({error.reason or error})") from error
        self._http = httpx.Client(timeout=_PIECE_S, trust_env=False, verify=context)

    def ask(self, ready: Iterable[Ready], provider: str) -> Iterable[RecordedCall]:
        """Send the probes one after the other and answer each call that the platform answered in JSON.

        Raises :class:`Stopped` at the first 429, at a 401, 403 or 5xx that the probe does not list, where no
        answer comes, and where the first answer is no JSON object.
        """
        answered = False
        for number, one in enumerate(ready, 1):
            new = [token for token in one.tokens if token not in self.created]
            for token in new:
                self.created[token] = Created(token, provider)
            if new:
                self.save()
            probe = one.probe
            status, body = self._send(probe.method, probe.path, one.body, dict(probe.headers))
            answer = json_object(body)
            self._note(one.tokens, None if status >= 500 else answer)  # it may have failed after the change
            what = f"probe {number} ({probe.rule}, {one.asks})"
            if status == _TOO_MANY:
                raise Stopped(f"{what}: 429, the platform asks to send less; try a lower --rate")
            if (status in _STOPPING or status >= 500) and status not in probe.statuses:
                raise Stopped(f"{what}: {status}: {_said(body)}")
            if answer is None:
                if not answered:
                    raise Stopped(f"{what}: {status}, no JSON object: {_said(body)}")
                continue
            answered = True
            headers = {name.lower(): value for name, value in probe.headers}
            place, at = f"probe {number}: {probe.rule}, {one.asks}", None
            yield RecordedCall(
                place, probe.path, "", headers, one.body, status, answer, self.host, at, probe.method
            )

    def clean(self) -> None:
        """Unsubscribe what is subscribed or uncertain. Raises :class:`Stopped` where the platform refuses."""
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
        status, said = self._send("POST", _ENDPOINT, body, {"Content-Type": "application/json"})
        if (json_object(said) or {}).get("error") not in (ALL_APPLIED, NOT_ALL_APPLIED):
            raise Stopped(f"{one.subscription_id} could not be unsubscribed: {status}: {_said(said)}")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _note(self, tokens: Iterable[str], answer: dict[str, Any] | None) -> None:
        """What an answer says of the tokens that were sent."""
        if answer is None:
            return
        items = [item for item in answer.get("data") or () if isinstance(item, dict)]
        for token in tokens:
            ok = [one for one in items if one.get("subscription_id") == token and one.get("status") == "ok"]
            created = self.created[token]
            if ok:
                created.state = "subscribed"
                new = [Place(one.get("db_id"), one.get("profile_id")) for one in ok]
                created.places += [place for place in new if place not in created.places]
            elif created.state == "uncertain":
                del self.created[token]
        self.save()

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        sleep(max(0.0, self._next - monotonic()))
        self._next = monotonic() + self._pause_s
        until, data = monotonic() + _WHOLE_S, b""
        url = self.base + path
        try:
            with self._http.stream(method, url, content=body or None, headers=headers) as answer:
                if answer.is_redirect:
                    to = answer.headers.get("location", "")
                    raise Stopped(f"{url} redirects to {to}; nothing is sent there: name the right address")
                for piece in answer.iter_bytes():
                    data += piece
                    if monotonic() > until or len(data) > _MOST_BYTES:
                        raise Stopped(
                            f"{url}: the answer has no end in {_WHOLE_S:g} s or {_MOST_BYTES} bytes"
                        )
                return answer.status_code, data
        except httpx.HTTPError as error:
            raise Stopped(f"{url}: {error or type(error).__name__}") from error


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
    if parts.scheme == "http" and not _is_loopback(name):
        raise AddressError(f"{url}: http goes to this machine only; use https://{parts.netloc}")
    shown = f"[{name}]" if ":" in name else name
    base = parts.path.rstrip("/").removesuffix(_ENDPOINT)
    return f"{parts.scheme}://{parts.netloc}{base}", shown if port is None else f"{shown}:{port}"


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _said(body: bytes) -> str:
    return " ".join(body.decode("utf-8", "replace").split())[:200] or "no text"
