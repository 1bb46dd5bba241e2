"""Limits of request bodies: bytes by path, and the number of large bodies at the same time."""

from flask import Response, current_app, request

from emulator.messages import BODY_PROBLEM_KEY
from emulator.rules.errors import Invalid, Overloaded, TooLarge
from emulator.rules.request import check_encoding
from emulator.rules.texts import Problem, message
from emulator.web.bodies import MOST_AT_ONCE, Spool, body_limit


def spool() -> Spool:
    """The storage of the application's large bodies."""
    found: Spool = current_app.extensions["spool"]
    return found


def check_body() -> Response | None:
    """Refuse a compressed body, one that could not be read whole, or a large one that is one too many.

    To be called when the request itself is allowed. Answers 100 where the server asks before it reads.
    Raises :class:`TooLarge`, :class:`Overloaded`, 400, 415 or 507.
    """
    if request.method not in ("GET", "HEAD"):
        check_encoding(request.headers.get("Content-Encoding", ""))
    problem = request.environ.get(BODY_PROBLEM_KEY)
    if problem == "too_large":
        raise TooLarge(Problem.of("body", "must be at most %(bytes)s bytes", bytes=body_limit(request.path)))
    if problem == "cut_off":
        raise Invalid(Problem("body", "was cut off before its end"))
    if isinstance(problem, OSError):
        raise spool().refusal(problem)
    if problem == "unread":
        if not spool().places.acquire(blocking=False):
            text = "%(most)s large bodies are on their way in already: send this one again"
            raise Overloaded(message(text, most=MOST_AT_ONCE))
        return Response(status=100)  # the caller releases the room
    return None
