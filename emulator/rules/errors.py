"""The errors with which a whole request is refused."""

from collections.abc import Iterable

from emulator.rules.model import bounded_text
from emulator.rules.texts import Message, Problem, Text, joined


class Refused(Exception):
    """A request-level error (A3): nothing changes in any database.

    ``problems`` are what is wrong, ``text`` is all of them in English, bounded; ``rule`` is the rule that
    refused, A3 where none says more. The subclasses say what kind of error it is.
    ``answer``: the name in :data:`~emulator.rules.overrides.ANSWERS` if it is not the rule's.
    """

    def __init__(
        self, said: Text | Problem | Iterable[Problem], rule: str = "A3", answer: str | None = None
    ) -> None:
        if isinstance(said, (str, Message)):
            self.problems = [Problem("", said)]
        else:
            self.problems = [said] if isinstance(said, Problem) else list(said)
        self.text = bounded_text(said if isinstance(said, str) else joined(self.problems))
        super().__init__(self.text)
        self.rule = rule
        self.answer = answer or rule


class Invalid(Refused):
    """The request is not right."""


class ProcessingError(Refused):
    """The platform cannot process the profile (R4, R5): with ``sync`` false no SDK learns of it (K12)."""


class Unauthorized(Refused):
    """A token is missing or wrong: the admin API's, or a mobile SDK's."""


class Forbidden(Refused):
    """The request comes from a host or an origin that is not allowed."""


class NotFound(Refused):
    """What the request names does not exist."""


class NotAllowed(Refused):
    """The path has no such method."""


class Conflict(Refused):
    """The request does not fit the present state of what it names."""


class TooLarge(Refused):
    """The body is too large."""


class Unsupported(Refused):
    """The body is encoded in a way that is not read."""


class TooMany(Refused):
    """There is no room for one more."""


class Busy(TooMany):
    """There is no room for one more just now: there will be some soon."""


class Overloaded(Refused):
    """There is no room for one more large body just now: there will be some soon."""


class Failed(Refused):
    """The emulator could not do it."""


class OutOfFiles(Failed):
    """The system lets the emulator open no more files."""


class Unreachable(Failed):
    """The database that holds the state cannot be used just now."""


class NotKept(Refused):
    """The disk could not keep what was sent."""
