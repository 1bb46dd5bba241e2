"""The access check of the admin API: Origin, Host, token."""

import hmac
import ipaddress
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import request

from emulator.rules.errors import Forbidden, Unauthorized
from emulator.settings import Settings, host_name
from emulator.web.current import emulator

#: Answered whatever Host says: the checks of load balancers send none, or a name of their own.
_PROBED = "admin.health"
#: For probes and readers: they tell nothing that is secret, and the same to everybody.
_OPEN = (_PROBED, "admin.openapi", "admin.docs", "admin.docs_file")
#: What is said of a refused request.
TEXTS = {
    "no host": "the request has no Host header: send one, such as Host: localhost",
    "no name": 'Host "%(host)s" is not this server, and no host name',
    "host": 'Host "%(host)s" is not this server: to allow it, start with --allow-host %(name)s',
    "origin": 'Origin "%(origin)s" is not this server',
    "proxy": 'Origin "%(origin)s" is not this server: behind a reverse proxy, start with --trust-proxy',
    "token": "the admin API needs Authorization: Bearer and the admin token",
}
#: One of these texts, with its values, as a person is told it.
Told = Callable[..., str]


def in_english(text: str, **values: str) -> str:
    """The text itself, with its values."""
    return text % values


def check_access(told: Told = in_english) -> None:
    """Refuse an admin request that must not be answered. Raises :class:`Forbidden` or 401.

    A foreign Host means DNS rebinding, a foreign Origin a cross-site form or script.
    """
    settings = emulator().settings
    host = request.headers.get("Host", "")
    if request.endpoint != _PROBED:
        _check_host(host, settings, told)
        # A page of a name that leads here can add X-Forwarded-Host, but not change the Host itself.
        came = request.environ.get("werkzeug.proxy_fix.orig", {}).get("HTTP_HOST")
        if came is not None:
            _check_host(came, settings, told)
    origin = request.headers.get("Origin")
    # The second leaves out a port that the scheme implies, as browsers do.
    if origin is not None and (origin.partition("://")[2] or None) not in (host, request.host):
        is_proxied = "X-Forwarded-Host" in request.headers and not settings.trust_proxy
        raise Forbidden(told(TEXTS["proxy" if is_proxied else "origin"], origin=origin), "A3")
    if (
        settings.admin_token is not None
        and request.endpoint not in _OPEN
        and not has_token(settings.admin_token)
    ):
        raise Unauthorized(told(TEXTS["token"]), "A3")


def has_token(token: str) -> bool:
    """Whether the request carries the admin token."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())


def _check_host(host: str, settings: Settings, told: Told) -> None:
    """Refuse a Host that is no address, not ``localhost``, not the name that the server listens on, and
    not allowed: a name that resolves here by somebody else's choice. Raises :class:`Forbidden`.
    """
    if not host:
        raise Forbidden(told(TEXTS["no host"]), "A3")
    try:
        name = host_name(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        raise Forbidden(told(TEXTS["no name"], host=host), "A3") from None
    if name in ("localhost", settings.host.lower(), *settings.allow_host):
        return
    try:
        ipaddress.ip_address(name)
    except ValueError:
        raise Forbidden(told(TEXTS["host"], host=host, name=name), "A3") from None
