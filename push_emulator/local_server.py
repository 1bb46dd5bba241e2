"""A local emulator: a process on a free port, which ends with the process that started it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree, which
from signal import Signals
from tempfile import mkdtemp
from weakref import WeakSet

from push_emulator.arguments import listed
from push_emulator.waiting import until

#: The most seconds of the start and of the stop.
START_S = 30.0
STOP_S = 10.0
_LOOK_EVERY_S = 0.01
#: The file of the server's output, and how many of its last lines are told.
_LOG = "log"
_LAST_LINES = 20
#: What the server prints when it is ready.
_READY = re.compile(r"ready at (\S+)/push_subscribe\n")
#: The emulator that is installed beside this package. The options -I and the folder in first place exclude a
#: package ``emulator`` of the user's project, on the path or in the current directory.
_FOLDER = str(Path(__file__).resolve().parents[1])
_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from emulator.__main__ import main; main()"
_BESIDE = (sys.executable, "-I", "-c", _START, _FOLDER)
_PROGRAM = "push-emulator"
_NOWHERE = "neither beside the client nor on the PATH is an emulator installed: see --emulator-command"
#: The variable of the folder that the server removes when its standard input closes.
REMOVED_WITH_STDIN = "PUSH_EMULATOR_FOLDER"
_IS_BESIDE = Path(_FOLDER, "emulator", "early_stop.py").exists()


class StartError(Exception):
    """The server did not start; the text has its output."""


class LocalServer:
    """``with LocalServer() as server: EmulatorClient(server.url)``.

    ``fixtures``: the fixture set (the default one if not given); ``arguments``: more options of ``serve``.
    The state is kept in memory unless they have ``--state``.
    ``command`` starts the emulator of another environment, e.g. ``["/opt/emulator/bin/push-emulator"]``
    (default: the one installed beside this package, else ``push-emulator`` on the PATH). No ``EMULATOR_*``
    variable reaches it.
    ``folder`` is temporary and holds the server's output; the server removes it where this process is killed.
    A process that is forked from this one has no part in the server. Raises :class:`StartError`.
    """

    def __init__(
        self, fixtures: Path | str | None = None, *arguments: str | Path, command: Sequence[str] | None = None
    ) -> None:
        self._hint = "" if command or _IS_BESIDE else _NOWHERE
        command = listed("command", command or (_BESIDE if _IS_BESIDE else (_PROGRAM,)), "words")
        self._command = [str(Path(which(command[0]) or command[0]).absolute()), *command[1:]]
        self._arguments = list(map(str, arguments))
        self._fixtures = None if fixtures is None else str(Path(fixtures).resolve())
        if self._fixtures is not None:
            self._arguments += ["--fixtures", self._fixtures]
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.folder = Path()
        self._has_folder = False
        _MADE_HERE.add(self)

    def start(self) -> LocalServer:
        """Start the server, and wait until it answers."""
        try:
            self._start()
        except OSError as error:
            self.stop()
            raise StartError(f"{self._hint}\n{error}".strip()) from None
        except BaseException:  # Ctrl-C, too
            self.stop()
            raise
        return self

    def _start(self) -> None:
        self.folder = folder = Path(mkdtemp(prefix="push-emulator-"))
        self._has_folder = True
        ready = folder / "ready"
        command = [*self._command, "serve", "--stop-with-stdin", "--quiet"]
        command += ["--host", "127.0.0.1", "--port", "0"]
        if not any(one.partition("=")[0] == "--state" for one in self._arguments):
            command += ["--durability", "none", "--state", str(folder / "state")]
        command += self._arguments
        with ready.open("wb") as told, (folder / _LOG).open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                env=_environment() | {REMOVED_WITH_STDIN: str(folder)},
                stdin=subprocess.PIPE,
                stdout=told,
                stderr=errors,
                start_new_session=True,  # a Ctrl-C is for the process that started it
            )
        # The client is needed next: it is loaded while the server starts.
        import push_emulator.push_emulator  # noqa: F401, PLC0415

        self.url = self._wait_for(ready)

    def stop(self) -> None:
        """Stop the server, by force if necessary; a second call does nothing."""
        process, self._process = self._process, None
        try:
            if process is not None:
                _end(process)
        finally:
            if self._has_folder:
                self._has_folder = False
                rmtree(self.folder, ignore_errors=True)

    def _leave_to_parent(self) -> None:
        """In a forked process: keep neither the server nor its folder."""
        process, self._process, self._has_folder = self._process, None, False
        if process is not None and process.stdin is not None:
            process.poll()  # it is no child of this process: nobody warns that it still runs
            process.stdin.close()  # the server stops when the last process that has it closes it

    @property
    def ended(self) -> str:
        """How the process ended, with the last lines of its output; "" while it runs."""
        if self._process is None:
            return "the emulator does not run"
        how = self._how_ended()
        return "\n".join([how, *self._said().splitlines()[-_LAST_LINES:]]) if how else ""

    def _how_ended(self) -> str:
        status = None if self._process is None else self._process.poll()
        if status is None:
            return ""
        name = next((f" ({one.name})" for one in Signals if one == -status), "")
        return f"the emulator ended with status {status}{name}"

    def _said(self) -> str:
        """What the server wrote as errors."""
        said = (self.folder / _LOG).read_text(errors="replace").strip()
        return said if self._fixtures is None else said.replace(self._fixtures + os.sep, "")

    def __enter__(self) -> LocalServer:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _wait_for(self, told: Path) -> str:
        """The address that the server tells when it is ready, as a client here calls it."""
        found: list[str] = []

        def ready() -> bool:
            if how := self._how_ended():
                raise StartError(_reason_first(how, self._said() or self._hint))
            found.extend(_READY.findall(told.read_text(errors="replace")))
            return bool(found)

        if not until(ready, START_S, _LOOK_EVERY_S):
            raise StartError(f"the emulator was not ready after {START_S:g} s\n{self._said()}".strip())
        return found[0].replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


#: The servers of this process.
_MADE_HERE: WeakSet[LocalServer] = WeakSet()


def _leave_all_to_parent() -> None:
    for server in _MADE_HERE:
        server._leave_to_parent()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_leave_all_to_parent)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.terminate()
        until(lambda: process.poll() is not None, STOP_S, _LOOK_EVERY_S)
    finally:
        process.kill()  # no harm to one that has ended
        process.wait()
        if process.stdin is not None:
            process.stdin.close()


def _reason_first(how: str, said: str) -> str:
    """A start's error, whose first line is all that pytest's summary shows of it."""
    if "Traceback" in said:
        return f"{how}: {said.splitlines()[-1]}\n{said}"
    return f"{said}\n{how}".strip()


def _environment() -> dict[str, str]:
    """The environment without the variables for other servers and for the Python of the tests."""
    meant_for_others = ("EMULATOR_", "PYTHONPATH", "PYTHONHOME")
    return {name: text for name, text in os.environ.items() if not name.startswith(meant_for_others)}
