"""The access check of the admin API: Origin, Host, token."""

import hmac
import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit

from flask import request

from emulator.rules.errors import Forbidden, Unauthorized
from emulator.rules.texts import message
from emulator.settings import Settings, host_name
from emulator.web.current import emulator

#: Answered whatever Host says: the checks of load balancers send none, or a name of their own.
_PROBED = "admin.health"
#: For probes and readers: they show no secret, and everybody gets the same.
_OPEN = (_PROBED, "admin.openapi", "admin.docs", "admin.docs_file")


def check_access() -> None:
    """Refuse an admin request that must not be answered. Raises :class:`Forbidden` or 401.

    A foreign Host means DNS rebinding, a foreign Origin a cross-site form or script.
    """
    settings = emulator().settings
    host = request.headers.get("Host", "")
    if request.endpoint != _PROBED:
        _check_host(host, settings)
        # A page of a name that leads here can add X-Forwarded-Host, but not change the Host itself.
        came = request.environ.get("werkzeug.proxy_fix.orig", {}).get("HTTP_HOST")
        if came is not None:
            _check_host(came, settings)
    origin = request.headers.get("Origin")
    # The second leaves out a port that the scheme implies, as browsers do.
    if origin is not None and (origin.partition("://")[2] or None) not in (host, request.host):
        text = 'Origin "%(origin)s" is not this server'
        if "X-Forwarded-Host" in request.headers and not settings.trust_proxy:
            text = 'Origin "%(origin)s" is not this server: behind a reverse proxy, start with --trust-proxy'
        raise Forbidden(message(text, origin=origin))
    token = settings.admin_token
    if token is not None and request.endpoint not in _OPEN and not _has_token(token):
        raise Unauthorized("the admin API needs Authorization: Bearer and the admin token")


def _has_token(token: str) -> bool:
    """Whether the request carries the admin token."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())


def _check_host(host: str, settings: Settings) -> None:
    """Refuse a Host that is no address, not ``localhost``, not the name that the server listens on, and
    not allowed: a name that resolves here by somebody else's choice. Raises :class:`Forbidden`.
    """
    if not host:
        raise Forbidden("the request has no Host header: send one, such as Host: localhost")
    try:
        name = _named(host)
    except ValueError:
        raise Forbidden(message('Host "%(host)s" is not this server, and no host name', host=host)) from None
    if name in ("localhost", settings.host.lower(), *settings.allow_host):
        return
    try:
        ipaddress.ip_address(name)
    except ValueError:
        text = 'Host "%(host)s" is not this server: to allow it, start with --allow-host %(name)s'
        raise Forbidden(message(text, host=host, name=name)) from None


@lru_cache(100)
def _named(host: str) -> str:
    """The name or address in a Host header. Raises :class:`ValueError`."""
    return host_name(urlsplit(f"//{host}").hostname or "")
