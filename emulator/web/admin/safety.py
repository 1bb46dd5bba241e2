"""The access check of the admin API: Origin, Host, token."""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import urlsplit

from flask import request

from emulator.rules.errors import Forbidden, Unauthorized
from emulator.settings import Settings
from emulator.web.current import emulator

#: Open to all: these answers have no secrets and are the same for everybody.
_OPEN = ("admin.health", "admin.openapi", "admin.docs", "admin.docs_file")


def check_access() -> None:
    """Refuse an admin request that must not be answered. Raises :class:`Forbidden` or 401.

    A foreign Host means DNS rebinding, a foreign Origin a cross-site form or script.
    """
    settings = emulator().settings
    host = request.headers.get("Host", "")
    if not _is_own_host(host, settings):
        raise Forbidden(f'Host "{host}" is not this server', "A3")
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != host:
        raise Forbidden(f'Origin "{origin}" is not this server', "A3")
    if (
        settings.admin_token is not None
        and request.endpoint not in _OPEN
        and not has_token(settings.admin_token)
    ):
        raise Unauthorized("the admin API needs Authorization: Bearer and the admin token", "A3")


def has_token(token: str) -> bool:
    """Whether the request carries the admin token."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())


def _is_own_host(host: str, settings: Settings) -> bool:
    """Whether a Host header can mean this server: an address, ``localhost`` or the name that it listens on.

    A foreign name that resolves to this address is none of these.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in ("localhost", settings.host.lower()) or name in settings.allow_host:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
