"""The pytest fixture ``push_emulator``: an emulator for the test run, a workspace for each test.

It starts one server for the session (under pytest-xdist one for each worker), in memory, on a free port; or
it uses the server of the environment variable EMULATOR_URL, with EMULATOR_ADMIN_TOKEN. It ignores all other
EMULATOR_* variables: they are for servers that are started elsewhere.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import warnings
from collections.abc import Callable, Generator, Iterator
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import pytest

from push_emulator import EmulatorError, LocalServer, StartError
from push_emulator.session_server import ANOTHER, Came, SessionServer

if TYPE_CHECKING:  # what a run that does not use the fixture need not load is imported where it is used
    from push_emulator import PushEmulator

#: The token of the first resource of the default fixtures.
DEFAULT_TOKEN = "3LXP2FRcRxJ-7b14db88ec937f14"
#: Whether the call of a test has passed, and what came to its workspace.
_PASSED = pytest.StashKey[bool]()
_CAME = pytest.StashKey[Came | None]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plugin's options."""
    group = parser.getgroup("push-emulator")
    group.addoption(
        "--emulator-fixtures", metavar="DIR", help="The fixture set that each test's workspace starts from."
    )
    group.addoption(
        "--emulator-seed",
        metavar="N",
        type=int,
        default=1,
        help="Made-up ids and chance are the same in every run with the same N. [%(default)s]",
    )
    group.addoption(
        "--emulator-command",
        metavar="COMMAND",
        help="Start the emulator of another environment, e.g. /opt/emulator/bin/push-emulator.",
    )


@pytest.fixture(scope="session")
def push_emulator_server(pytestconfig: pytest.Config) -> Iterator[SessionServer]:
    """The server: started here, or the server of EMULATOR_URL."""
    fixtures = _fixtures(pytestconfig)
    url = os.environ.get("EMULATOR_URL")
    if url:
        if fixtures is not None:
            pytest.fail("--emulator-fixtures: the server that EMULATOR_URL names has its own", pytrace=False)
        from push_emulator import EmulatorClient  # noqa: PLC0415

        with EmulatorClient(url, admin_token=os.environ.get("EMULATOR_ADMIN_TOKEN")) as client:
            _or_fail(client.workspaces.all, "EMULATOR_URL: ")
            server = SessionServer(client)
            yield server
            server.finish()
        return
    arguments = ("--seed", str(pytestconfig.getoption("--emulator-seed")))
    command = pytestconfig.getoption("--emulator-command")
    words = None if command is None else command_words(command, windows=os.name == "nt")
    local = LocalServer(fixtures, *arguments, command=words)
    _or_fail(local.start)
    pytestconfig.add_cleanup(local.stop)  # the last test's teardown is reported after this fixture's
    from push_emulator import EmulatorClient  # noqa: PLC0415 (loaded while the server starts)

    server = SessionServer(EmulatorClient(local.url), local, first_token(fixtures))
    pytestconfig.add_cleanup(lambda: server.client.close())
    yield server


def _or_fail(call: Callable[[], object], where: str = "") -> None:
    """Make a call without which no test can use the server; a failure of the test if it fails."""
    try:
        call()
        return
    except (StartError, EmulatorError) as error:
        reason = f"{where}{error}"
    pytest.fail(reason, pytrace=False)  # outside of the "except", else pytest tells the reason twice


@pytest.fixture
def push_emulator(
    request: pytest.FixtureRequest, push_emulator_server: SessionServer
) -> Iterator[PushEmulator]:
    """The emulator, in a workspace of the test's own, deleted some tests later or at the run's end."""
    from push_emulator.push_emulator import PushEmulator  # noqa: PLC0415

    server = push_emulator_server
    if ended := server.ended:
        told = server.told
        _or_fail(server.start_again)
        if not told:
            warnings.warn(pytest.PytestWarning(f"between two tests {ended}"), stacklevel=1)
    name = workspace_name(request.node.nodeid, server.shared)
    # Not at once after a test: a server that has just started needs time before its first admin call.
    if server.due or name in server.left:
        server.delete_left()
    client = server.client.in_workspace(name)
    if name in server.used:  # the test runs again: what was asked of a workspace before it was made is kept
        client.workspaces.make(name)
        server.delete(name)
    server.used.add(name)
    test, since = PushEmulator(client, server.resource_token), perf_counter()
    request.node.stash[_CAME] = server.last = Came(test, server)
    yield test
    server.leave(name, perf_counter() - since)
    if ended := server.ended:
        server.told = True
        pytest.fail(f"{ended}\n{ANOTHER}", pytrace=False)
    if test.forgotten and request.node.stash.get(_PASSED, False):
        pytest.fail("\n".join(test.forgotten), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the requests and events of a failed test's workspace to its report."""
    report = yield
    if report.when == "call":
        item.stash[_PASSED] = report.passed
    came = item.stash.get(_CAME, None)
    if report.failed and came is not None:
        report.sections += came.sections(report.longreprtext)
    if report.when == "teardown":  # the test may run again, and its memory is free
        item.stash[_CAME], item.stash[_PASSED] = None, False
    return report


def workspace_name(node_id: str, shared: bool) -> str:
    """A workspace's name for a test: the same in every run, unless the server is shared with other runs."""
    words = re.sub(r"[^a-z0-9_]+", "-", node_id.rpartition("::")[2].lower())[:32].strip("-")
    name = f"{words or 'test'}-{sha256(node_id.encode(errors='surrogateescape')).hexdigest()[:8]}"
    if not shared:
        return name
    return f"{name}-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}-{os.urandom(4).hex()}"


def command_words(command: str, windows: bool) -> list[str]:
    """The program and its arguments; the path of a program may have spaces without quotes."""
    if Path(command).is_file():
        return [command]
    # There a backslash separates folders, and quotes stay.
    words = shlex.split(command, posix=not windows)
    return [one.strip('"') for one in words] if windows else words


def _fixtures(config: pytest.Config) -> Path | None:
    """The directory of the option, relative to the directory of the call or else to the root directory."""
    given = config.getoption("--emulator-fixtures")
    if given is None:
        return None
    for place in (config.invocation_params.dir, config.rootpath):
        if (place / given).is_dir():
            return Path(place, given)
    pytest.fail(f"no such directory: {given} (--emulator-fixtures)", pytrace=False)


def first_token(fixtures: Path | None) -> str | None:
    """The token of the first resource that has databases."""
    if fixtures is None:
        return DEFAULT_TOKEN
    resources = json.loads((fixtures / "resources.json").read_text(encoding="utf-8"))
    return next((one["token"] for one in resources if one.get("db_ids")), None)
