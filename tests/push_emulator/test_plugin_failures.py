"""What the pytest plugin says of tests that fail before or after their call, and of an emulator that ends."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from push_emulator import EmulatorClient, LocalServer
from tests.push_emulator.test_pytest_plugin import Apart, Suite, new_suite, run_together


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return new_suite(tmp_path / "suite")


#: Tests that one run has together, by the name of their file.
TOGETHER = {
    "fixtures": """
        import pytest

        @pytest.fixture
        def before(push_emulator):
            push_emulator.push("before")
            raise RuntimeError

        @pytest.fixture
        def after(push_emulator):
            yield push_emulator
            push_emulator.push("after")
            raise RuntimeError

        def test_before(before):
            pass

        def test_before_by_name(request):
            emulator = request.getfixturevalue("push_emulator")
            emulator.push("by name")
            raise RuntimeError

        def test_after(after):
            after.push("in the test")

        def test_last_after(after):
            pass
        """,
    "blocked": """
        def test_blocked(push_emulator, monkeypatch):
            def block(*_, **__):
                raise RuntimeError("no connection is allowed")
            monkeypatch.setattr("socket.create_connection", block)
            assert 0

        def test_next(push_emulator):
            assert push_emulator.push("t1").ok
        """,
    "kept": """
        import gc
        import weakref

        emulators = []

        def test_one(push_emulator):
            emulators.append(weakref.ref(push_emulator))
            push_emulator.push("t1")

        def test_two(push_emulator):
            gc.collect()
            assert emulators[0]() is None
        """,
}


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Apart:
    """What one run of all of :data:`TOGETHER` says of each file."""
    return run_together(tmp_path_factory.mktemp("together"), TOGETHER)


def summary(text: str) -> list[str]:
    """The lines of pytest's short summary."""
    return re.findall(r"^(?:FAILED|ERROR) .*", text, re.MULTILINE)


def test_fixtures_that_fail_before_and_after_a_test_report_what_came(together: Apart) -> None:
    ran = together["fixtures"]
    assert ran.counts == {"passed": 2, "failed": 1, "error": 3}, ran.text
    came = re.findall(r"added: android-firebase (.*)", ran.text)
    assert came == ["before", "after", "in the test", "after", "by name"]


def test_a_test_that_runs_again_and_fails_earlier_reports_nothing_of_its_first_run(suite: Suite) -> None:
    suite.write(
        """
        import pytest

        runs = []

        @pytest.fixture
        def app(request):
            runs.append(1)
            if len(runs) > 1:
                raise RuntimeError
            return request.getfixturevalue("push_emulator")

        def test_it(app):
            app.push("first")
        """
    )
    suite.write(
        """
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            runtestprotocol(item, nextitem=nextitem, log=False)
            runtestprotocol(item, nextitem=nextitem)
            return True
        """,
        "conftest.py",
    )
    ran = suite.run()
    assert ran.counts == {"error": 1}, ran.text
    assert "push emulator" not in ran.text


KILLED = "the emulator ended with status -9 (SIGKILL)"
NEXT = "The next test that uses an emulator gets another one."
#: Kills the emulator of this run.
KILL = """
import os, signal
import psutil
import pytest

def kill():
    (server,) = psutil.Process().children()
    os.kill(server.pid, signal.SIGKILL)
    os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
"""


def test_an_emulator_that_is_killed_during_a_test_is_told_and_the_next_test_gets_another(
    suite: Suite,
) -> None:
    suite.write(
        KILL
        + """
def test_sends(push_emulator):
    kill()
    push_emulator.push("t1")

def test_is_next(push_emulator):
    assert push_emulator.requests() == []
    assert push_emulator.push("t1").ok

def test_notices_nothing(push_emulator):
    kill()
"""
    )
    ran = suite.run(COLUMNS="200")
    assert ran.counts == {"passed": 2, "failed": 1, "error": 2}, ran.text
    assert summary(ran.text) == [
        "FAILED test_it.py::test_sends - httpx.ConnectError: [Errno 111] Connection refused",
        f"ERROR test_it.py::test_sends - Failed: {KILLED}",
        f"ERROR test_it.py::test_notices_nothing - Failed: {KILLED}",
    ]
    failure = ran.text.partition("= FAILURES =")[2]
    assert "push emulator: the process -----" in failure
    assert f"\n{KILLED}\n{NEXT}\n" in failure
    assert "what came" not in ran.text
    assert "Warning" not in ran.text


def test_an_emulator_that_ends_between_two_tests_is_a_warning(suite: Suite) -> None:
    suite.write(
        KILL
        + """
def test_first(push_emulator):
    assert push_emulator.push("t1").ok

def test_between():
    kill()

def test_second(push_emulator):
    assert push_emulator.push("t1").ok
"""
    )
    ran = suite.run()
    assert ran.counts == {"passed": 3}, ran.text
    assert f"PytestWarning: between two tests {KILLED}" in ran.text


def test_an_emulator_that_cannot_be_started_again_is_told_by_each_test(suite: Suite) -> None:
    suite.write(
        KILL
        + """
def test_sends(push_emulator):
    kill()
    open("fixtures/databases.json", "w").close()

def test_is_next(push_emulator):
    pass

def test_is_after(push_emulator):
    pass
"""
    )
    ran = suite.run(COLUMNS="200")
    assert summary(ran.text) == [
        f"ERROR test_it.py::test_sends - Failed: {KILLED}",
        *(
            f"ERROR test_it.py::{name} - Failed: databases.json: is empty"
            for name in ("test_is_next", "test_is_after")
        ),
    ], ran.text


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("fixtures", "databases.json: is not JSON:"),
        ("nowhere", "no such directory: nowhere"),
    ],
)
def test_fixtures_that_cannot_be_used_are_told_once_with_the_reason_in_the_summary(
    suite: Suite, option: str, reason: str
) -> None:
    (suite.folder / "fixtures" / "databases.json").write_text("[{")
    suite.write("def test_it(push_emulator): pass")
    ran = suite.run("--emulator-fixtures", option, COLUMNS="80")
    (line,) = summary(ran.text)
    assert line.startswith(f"ERROR test_it.py::test_it - Failed: {reason}"), line
    assert ran.text.count(reason) == 2  # in the report and in the summary
    assert "During handling" not in ran.text


def test_a_workspace_that_a_late_request_makes_again_is_deleted_at_the_end_of_the_run(suite: Suite) -> None:
    suite.write(
        """
        def test_it(push_emulator):
            global late
            late = push_emulator
            push_emulator.push("t1", resource_token="3LXP2FRcRxJ-7b14db88ec937f14")

        def test_next(push_emulator):
            assert late.client.workspace not in [one.name for one in late.client.workspaces.all()]
            late.push("t2", resource_token="3LXP2FRcRxJ-7b14db88ec937f14")
            assert push_emulator.requests() == []
            assert late.client.workspace in [one.name for one in late.client.workspaces.all()]
        """
    )
    (suite.folder / "pytest.ini").write_text("[pytest]\n")
    with LocalServer() as server, EmulatorClient(server.url) as client:
        client.in_workspace("of-somebody-else").reset()
        ran = suite.run(EMULATOR_URL=server.url)
        assert ran.counts == {"passed": 2}, ran.text
        assert [one.name for one in client.workspaces.all()] == ["default", "of-somebody-else"]


def test_a_server_that_cannot_be_used_is_told_by_each_test_before_it_begins(suite: Suite) -> None:
    suite.write("def test_one(push_emulator): assert 0\ndef test_two(push_emulator): assert 0\n")
    (suite.folder / "pytest.ini").write_text("[pytest]\n")
    with LocalServer(None, "--admin-token", "secret") as server:
        for url, reason in {
            "http://127.0.0.1:9": "GET http://127.0.0.1:9/__admin/workspaces: ",
            "127.0.0.1:9": "GET 127.0.0.1:9/__admin/workspaces: Request URL is missing an 'http://'",
            server.url: "401: ",
        }.items():
            ran = suite.run(EMULATOR_URL=url, COLUMNS="200")
            assert ran.counts == {"error": 2}, ran.text
            for line, name in zip(summary(ran.text), ("one", "two"), strict=True):
                assert line.startswith(f"ERROR test_it.py::test_{name} - Failed: EMULATOR_URL: {reason}")


def test_a_report_that_cannot_ask_the_emulator_does_not_end_the_run(together: Apart) -> None:
    """As with pytest-socket, which allows no connection."""
    ran = together["blocked"]
    assert ran.counts == {"passed": 1, "failed": 1}, ran.text
    assert "RuntimeError: no connection is allowed" in ran.text


def test_what_came_to_a_test_is_not_kept_after_its_reports(together: Apart) -> None:
    ran = together["kept"]
    assert ran.counts == {"passed": 2}, ran.text


def test_a_run_of_one_test_that_passes_makes_no_call(suite: Suite) -> None:
    """The first admin call of a run waits until the server has loaded all of itself."""
    suite.write(
        """
        import httpx
        import pytest

        @pytest.fixture(scope="session", autouse=True)
        def no_call():
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(httpx.Client, "request", lambda *_, **__: pytest.fail("a call"))
                yield

        def test_one(push_emulator):
            pass
        """
    )
    ran = suite.run()
    assert ran.counts == {"passed": 1}, ran.text
