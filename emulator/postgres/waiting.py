"""Requests that wait for their turn, and which workspace each is for."""

import asyncio
import re
from collections.abc import Callable
from typing import IO
from urllib.parse import parse_qs

from msgspec import Struct

from emulator.endpoint.call import PATHS
from emulator.messages import Answer, Incoming
from emulator.workspaces.names import WORKSPACE_HEADER, chosen_name, is_name

_HEADER = WORKSPACE_HEADER.lower()
#: Calls about a workspace that their path, or their form, names.
_NAMED = re.compile(r"/__admin/workspaces/([^/]+)/?")
_FORMS = re.compile(r"/__console/overview/workspaces(/delete)?/?")
#: Calls that do not change their workspace, whatever their method; the last deletes others in their turns.
_ONLY_READS = ("/verify", "/count", "/import/preview", "/__admin/workspaces")
#: Pages that list all workspaces.
_LISTS = re.compile(r"/__admin/workspaces/?|/__console/?(overview)?/?|/")


class RequestTarget(Struct):
    """The workspace that a request is for; whether it may change it; whether it lists all workspaces;
    whether it is for the console, which knows who is signed in."""

    name: str
    changes: bool
    lists: bool = False
    console: bool = False


class Waiting(Struct):
    """A request that waits: what answers it, and where its answer goes."""

    work: Callable[[], Answer]
    target: RequestTarget
    answer: asyncio.Future[Answer]


def target_of(incoming: Incoming, body: bytes | IO[bytes]) -> RequestTarget:
    """What a request is for. Raises :class:`~emulator.rules.errors.Refused` for an impossible name."""
    name = chosen_name(incoming.workspace, incoming.headers.get(_HEADER))
    path, method = incoming.endpoint, incoming.method
    if path != "/" and not path.startswith("/__"):
        return RequestTarget(name, not (method == "OPTIONS" and path in PATHS))  # others are recorded
    changes = method not in ("GET", "HEAD", "OPTIONS") and not path.rstrip("/").endswith(_ONLY_READS)
    named = _NAMED.fullmatch(path)
    if changes and named is not None and is_name(named[1]):
        return RequestTarget(named[1], True)
    if changes and _FORMS.fullmatch(path):
        form = body if isinstance(body, bytes) else body.read()
        if not isinstance(body, bytes):
            body.seek(0)
        wanted = parse_qs(form.decode("latin-1")).get("name", [""])[0]
        return RequestTarget(wanted if is_name(wanted) else name, True, console=True)
    console = path == "/" or path.startswith("/__console")
    return RequestTarget(name, changes, _LISTS.fullmatch(path) is not None, console)
