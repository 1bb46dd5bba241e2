"""The server of a pytest session, and the workspaces of its tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from push_emulator.errors import EmulatorError
from push_emulator.local_server import LocalServer
from push_emulator.waiting import until

if TYPE_CHECKING:
    from push_emulator import EmulatorClient, PushEmulator

#: What follows the end of a server's process.
ANOTHER = "The next test that uses an emulator gets another one."
#: The most seconds between the end of its connections and that of a process.
_ENDS_S = 1.0
_LOOK_EVERY_S = 0.01
_TITLE = "push emulator: "
#: Requests, and events, that a failed test's report lists.
_LISTED = 20
#: The most workspaces of tests that wait for their deletion: one call deletes them all.
_MOST_LEFT = 16
#: Seconds of a test after which its workspace may be large and is deleted without waiting for others.
_LONG_S = 0.1


@dataclass
class SessionServer:
    """The server that the session started (``local``), or one that others may use at the same time.

    ``used``: the workspaces that tests have had; ``left``: those of them that are to be deleted, before the
    next test if ``due``. ``last``: what came to the last one. ``told``: a test has failed because the server
    ended.
    """

    client: EmulatorClient
    local: LocalServer | None = None
    resource_token: str | None = None
    used: set[str] = field(default_factory=set)
    left: list[str] = field(default_factory=list)
    due: bool = False
    last: Came | None = None
    told: bool = False

    @property
    def shared(self) -> bool:
        return self.local is None

    @property
    def ended(self) -> str:
        """How the process of ``local`` ended, with the end of its output; "" while it runs."""
        return "" if self.local is None else self.local.ended

    def start_again(self) -> None:
        """Start another server in place of one that ended. Raises :class:`StartError`."""
        from push_emulator import EmulatorClient  # noqa: PLC0415

        assert self.local is not None
        self.used, self.left, self.due, self.last = set(), [], False, None
        self.client.close()
        self.local.stop()
        self.client, self.told = EmulatorClient(self.local.start().url), False

    def leave(self, name: str, took_s: float) -> None:
        """Delete the workspace of a test that is over, later if the test was short."""
        self.left.append(name)
        # A shared server's memory is others', too, and behind a proxy each workspace may be on another one.
        self.due = self.due or self.shared or took_s > _LONG_S or len(self.left) >= _MOST_LEFT

    def delete_left(self) -> None:
        """Delete the workspaces of tests that are over."""
        names, self.left, self.due = self.left, [], False
        if not self.shared:
            try:
                self.client.workspaces.delete_all(names)
            except EmulatorError as error:
                if error.status != 405:
                    raise
            else:
                return
        for name in names:  # an older emulator does not know the call for several
            self.delete(name)

    def finish(self) -> None:
        """Leave no workspace of a test on a server of others; what came to the last one is read before."""
        if self.last is not None:
            self.last.keep()
        self.delete_left()
        # A request that came after the end of its test has made the workspace again.
        self.left += self.used & {one.name for one in self.client.workspaces.all()}
        self.delete_left()

    def delete(self, name: str) -> None:
        """Delete a workspace, if the test has changed something: the first change makes it."""
        try:
            self.client.workspaces.delete(name)
        except EmulatorError as error:
            if error.status != 404:
                raise


class Came:
    """What came to the workspace of a test, as sections of the report of its failure."""

    def __init__(self, test: PushEmulator, server: SessionServer) -> None:
        self._test = test
        self._server = server
        self._kept: list[tuple[str, str]] | None = None

    def keep(self) -> None:
        """Read it before the workspace is deleted: the last test's teardown is reported after that."""
        self._kept = self._read()

    def sections(self, said: str) -> list[tuple[str, str]]:
        """Titles and texts; what ``said``, the report's text, has already is left out."""
        sections = self._read() if self._kept is None else self._kept
        return [one for one in sections if one[0].removeprefix(_TITLE) not in said and one[1] not in said]

    def _read(self) -> list[tuple[str, str]]:
        from push_emulator.push_emulator import WHAT_CAME  # noqa: PLC0415

        client, server = self._test.client, self._server
        try:
            came = _listed(client.requests) or f"nothing came to {client.url}"
            events = _listed(client.events)
        except Exception as error:  # of any kind, as of pytest-socket's: it must not end the run
            # The connections of a process that is killed end before it does.
            lost = isinstance(error, EmulatorError) and error.status == 0
            if lost and not server.shared and until(lambda: server.ended != "", _ENDS_S, _LOOK_EVERY_S):
                return [(f"{_TITLE}the process", f"{server.ended}\n{ANOTHER}")]
            came, events = f"{type(error).__name__}: {error}", ""
        return [(_TITLE + WHAT_CAME, came), *([(f"{_TITLE}events, newest first", events)] if events else [])]


def _listed(recorded: Any) -> str:
    """The last requests or events of a client, a line each; nothing where there are none."""
    page = recorded.find(limit=_LISTED)
    return "\n".join([*map(str, page.items), f"({len(page.items)} of {page.total})"]) if page.items else ""
