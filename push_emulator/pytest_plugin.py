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
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest

from push_emulator import EmulatorError, LocalServer, StartError

if TYPE_CHECKING:  # what a run that does not use the fixture need not load is imported where it is used
    from push_emulator import EmulatorClient, PushEmulator

#: The token of the first resource of the default fixtures.
DEFAULT_TOKEN = "3LXP2FRcRxJ-7b14db88ec937f14"
#: Requests, and events, that a failed test's report lists.
_LISTED = 20
#: The most workspaces of tests that wait for their deletion: one call deletes them all.
_MOST_LEFT = 16
#: Seconds of a test after which its workspace may be large and is deleted without waiting for others.
_LONG_S = 0.1
_PASSED = pytest.StashKey[bool]()


@dataclass
class EmulatorServer:
    """The server of the session. ``shared``: others may use it at the same time. ``used``: the workspaces
    that tests have had; ``left``: those of them that are to be deleted, before the next test if ``due``."""

    client: EmulatorClient
    shared: bool
    resource_token: str | None = None
    used: set[str] = field(default_factory=set)
    left: list[str] = field(default_factory=list)
    due: bool = False

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
            _delete(self.client, name)


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
def push_emulator_server(pytestconfig: pytest.Config) -> Iterator[EmulatorServer]:
    """The server: started here, or the server of EMULATOR_URL."""
    fixtures = _fixtures(pytestconfig)
    url = os.environ.get("EMULATOR_URL")
    if url:
        if fixtures is not None:
            pytest.fail("--emulator-fixtures: the server that EMULATOR_URL names has its own", pytrace=False)
        from push_emulator import EmulatorClient  # noqa: PLC0415

        with EmulatorClient(url, admin_token=os.environ.get("EMULATOR_ADMIN_TOKEN")) as client:
            shared = EmulatorServer(client, shared=True)
            yield shared
            shared.delete_left()
        return
    arguments = ("--seed", str(pytestconfig.getoption("--emulator-seed")))
    command = pytestconfig.getoption("--emulator-command")
    words = None if command is None else shlex.split(command)
    try:
        with LocalServer(fixtures, *arguments, command=words) as server:
            from push_emulator import EmulatorClient  # noqa: PLC0415 (loaded while the server starts)

            with EmulatorClient(server.url) as client:
                yield EmulatorServer(client, shared=False, resource_token=first_token(fixtures))
    except StartError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def push_emulator(
    request: pytest.FixtureRequest, push_emulator_server: EmulatorServer
) -> Iterator[PushEmulator]:
    """The emulator, in a workspace of the test's own, deleted some tests later or at the run's end."""
    from push_emulator import PushEmulator  # noqa: PLC0415

    server = push_emulator_server
    name = workspace_name(request.node.nodeid, server.shared)
    # Not at once after a test: a server that has just started needs time before its first admin call.
    if server.due or name in server.left:
        server.delete_left()
    client = server.client.in_workspace(name)
    if name in server.used:  # the test runs again: what was asked of a workspace before it was made is kept
        client.workspaces.make(name)
        _delete(client, name)
    server.used.add(name)
    test, since = PushEmulator(client, server.resource_token), perf_counter()
    yield test
    server.leave(name, perf_counter() - since)
    if test.forgotten and request.node.stash.get(_PASSED, False):
        pytest.fail("\n".join(test.forgotten), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the requests and events of a failed test's workspace to its report."""
    report = yield
    if report.when == "call":
        item.stash[_PASSED] = report.passed
        test = getattr(item, "funcargs", {}).get("push_emulator")
        if report.failed and test is not None:
            from push_emulator.push_emulator import WHAT_CAME  # noqa: PLC0415

            if WHAT_CAME not in report.longreprtext:  # else a failed verification has listed them already
                came = _listed(test.client.requests) or f"nothing came to {test.url}"
                report.sections.append((f"push emulator: {WHAT_CAME}", came))
            if events := _listed(test.client.events):
                report.sections.append(("push emulator: events, newest first", events))
    return report


def workspace_name(node_id: str, shared: bool) -> str:
    """A workspace's name for a test: the same in every run, unless the server is shared with other runs."""
    words = re.sub(r"[^a-z0-9_]+", "-", node_id.rpartition("::")[2].lower())[:32].strip("-")
    name = f"{words or 'test'}-{sha256(node_id.encode()).hexdigest()[:8]}"
    if not shared:
        return name
    return f"{name}-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}-{os.urandom(4).hex()}"


def _delete(client: EmulatorClient, name: str) -> None:
    """Delete a workspace, if the test has changed something: the first change makes it."""
    try:
        client.workspaces.delete(name)
    except EmulatorError as error:
        if error.status != 404:
            raise


def _listed(recorded: Any) -> str:
    """The last requests or events of a client, a line each; nothing where there are none."""
    try:
        page = recorded.find(limit=_LISTED)
    except EmulatorError as error:
        return str(error)
    return "\n".join([*map(str, page.items), f"({len(page.items)} of {page.total})"]) if page.items else ""


def _fixtures(config: pytest.Config) -> Path | None:
    """The directory of the option, relative to the directory of the call or else to the root directory."""
    given = config.getoption("--emulator-fixtures")
    if given is None:
        return None
    here: Path = config.invocation_params.dir / given
    return here if here.is_dir() else config.rootpath / given


def first_token(fixtures: Path | None) -> str | None:
    """The token of the first resource that has databases."""
    if fixtures is None:
        return DEFAULT_TOKEN
    resources = json.loads((fixtures / "resources.json").read_text(encoding="utf-8"))
    return next((one["token"] for one in resources if one.get("db_ids")), None)
