"""The messages between the server and the application: a request, its answer, the delivery of the answer.

Free of frameworks: the bridge in :mod:`emulator.server` and Flask's views both use it.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Literal
from urllib.parse import unquote

import orjson
from msgspec import Struct, field

from emulator.rules.answer import error_envelope

#: The key of a WSGI environment for the :class:`Delivery` of a Flask view's answer.
DELIVERY_KEY = "emulator.delivery"
#: The key of a WSGI environment whose server honours a :class:`Delivery`.
BRIDGE_KEY = "emulator.bridge"
#: The key of a WSGI environment for the problem of the body that the server read.
BODY_PROBLEM_KEY = "emulator.body_problem"
#: The key of a WSGI environment for the moment at which the request came (:func:`time.perf_counter`).
SINCE_KEY = "emulator.since"

JSON = ("Content-Type", "application/json")
_WORKSPACE = "/w/"

Effect = Literal["connection_reset", "empty_response", "truncated_body", "slow_body"]
#: ``unread``: the body has not arrived yet. The application answers 100 to accept it, else its final answer.
#: An :class:`OSError`: the body could not be stored.
BodyProblem = Literal["too_large", "cut_off", "unread"] | OSError


def split_path(path: str) -> tuple[str | None, str]:
    """``/w/NAME/rest`` as ``(NAME, /rest)``, also where NAME is empty; any other path as ``(None, path)``."""
    if path != "/w" and not path.startswith(_WORKSPACE):
        return None, path
    name, slash, rest = path[len(_WORKSPACE) :].partition("/")
    return name, slash + rest or "/"


def read_query(query: str) -> dict[str, str]:
    """The parameters of a query by name; a plus is a plus (K2), the last of a repeated one counts."""
    found: dict[str, str] = {}
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        found[name] = value
    found.pop("", None)
    return {unquote(name): unquote(found[name]) for name in found} if "%" in query else found


class Incoming(Struct):
    """One request as it came in.

    ``headers`` has lower-case names; ``query`` is the raw query string; ``path`` is percent-decoded;
    ``client`` is ``"address:port"``. ``body`` is what was read of the body; with a ``problem`` it is not the
    whole body. ``workspace`` (the name at the start of ``path``) and ``endpoint`` (the rest) come from
    ``path``.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    client: str
    problem: BodyProblem | None = None
    workspace: str | None = None
    endpoint: str = ""

    def __post_init__(self) -> None:
        self.workspace, self.endpoint = split_path(self.path)


class Delivery(Struct):
    """The delivery of an answer that does not leave at once and whole.

    ``delay_s``: seconds to wait first. ``effect``: what happens to the connection or the body.
    ``wait``: awaited before anything is sent (the group commit of ``--durability fsync``); if it
    returns an :class:`Answer`, that one is sent instead. ``stream``: the body, piece by piece
    (server-sent events). ``busy``: a context that is entered until the delivery is done. ``first``: work that
    needs no turn of the workspace; it returns what gives the answer, in a turn, in place of this one.
    """

    delay_s: float = 0.0
    effect: Effect | None = None
    wait: Awaitable[Answer | None] | None = None
    stream: AsyncGenerator[bytes] | None = None
    busy: AbstractContextManager[object] = nullcontext()
    first: Callable[[], Awaitable[Callable[[], Answer]]] | None = None


class Summary(Struct):
    """What the access log shows of an answer: its ``error`` code, the counts of its ok and failed items."""

    error: int | None = None
    ok: int = 0
    failed: int = 0


class Answer(Struct):
    """One answer: HTTP status, headers, body, and how to deliver it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    summary: Summary = field(default_factory=Summary)
    delivery: Delivery | None = None

    async def settled(self) -> Answer:
        """The answer that is sent: this one, or the one that its delivery's work returns."""
        if self.delivery is not None and self.delivery.first is not None:
            return await (await self.delivery.first())().settled()
        wait = None if self.delivery is None else self.delivery.wait
        return (None if wait is None else await wait) or self


def failure(
    text: str,
    code: int = 500,
    status: int | None = None,
    headers: Iterable[tuple[str, str]] = (),
    has_data: bool = True,
) -> Answer:
    """An error in the documented envelope (A3, A4); its HTTP ``status`` is ``code`` unless given."""
    body = orjson.dumps(error_envelope(code, text, has_data))
    return Answer(status or code, [JSON, *headers], body, Summary(error=code))


def internal_error(error: BaseException) -> Answer:
    """The answer to a request that raised ``error``; the traceback goes to standard error."""
    with suppress(OSError, ValueError):  # a full disk or a closed terminal must not fail the answer
        traceback.print_exception(error, file=sys.stderr)
    return failure(f"internal error: {type(error).__name__}")
