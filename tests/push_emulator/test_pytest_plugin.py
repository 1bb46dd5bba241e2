"""The pytest plugin, as it is used: test files of their own, run by a pytest of their own."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import psutil
import pytest

from push_emulator import EmulatorClient, LocalServer, PushEmulator, VerificationFailed, pytest_plugin
from push_emulator.pytest_plugin import DEFAULT_TOKEN, command_words, first_token, workspace_name
from push_emulator.session_server import SessionServer
from tests.server import ROOT
from tests.waiting import until

PYTEST = (sys.executable, "-m", "pytest", "-p", "push_emulator.pytest_plugin", "-p", "no:cacheprovider")
#: Seconds that one run may take before it is given up.
RUN_S = 120


class Ran(NamedTuple):
    """What a run of pytest came to."""

    status: int
    text: str

    @property
    def counts(self) -> dict[str, int]:
        last = self.text.strip().splitlines()[-1]
        return {
            word.rstrip("s"): int(count)
            for count, word in re.findall(r"([1-9]\d*) (passed|failed|errors?)", last)
        }


class Suite:
    """A folder of tests that use the plugin."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, text: str, name: str = "test_it.py") -> Suite:
        (self.folder / name).write_text(dedent(text))
        return self

    def run(self, *arguments: str, **environment: str) -> Ran:
        """Run it with nothing but this plugin, installed or not; no server of its may outlive the run."""
        done = subprocess.run(
            [*PYTEST, "--rootdir", str(self.folder), *arguments],
            cwd=self.folder,
            env=clean_environment() | environment,
            capture_output=True,
            text=True,
            timeout=RUN_S,
            check=False,
        )
        assert started_in(self.folder) == []
        return Ran(done.returncode, done.stdout + done.stderr)


class Apart:
    """What a run said of each file."""

    def __init__(self, text: str) -> None:
        self.text = text
        parts = re.split(r"^(?=_{3,} .* _{3,}$|={3,} .* ={3,}$)", text, flags=re.MULTILINE)
        self._parts = [one for one in parts if one.startswith("_")]

    def __getitem__(self, name: str) -> Ran:
        file = rf"test_{name}\.py"
        ended = re.findall(rf"^{file}::.* (PASSED|FAILED|ERROR)", self.text, re.MULTILINE)
        counts = [f"{ended.count(word)} {word.lower()}" for word in ("PASSED", "FAILED", "ERROR")]
        told = [one for one in self._parts if re.search(rf"^{file}:\d+: ", one, re.MULTILINE)]
        return Ran(int(len(ended) > ended.count("PASSED")), "".join(told) + ", ".join(counts))


def clean_environment() -> dict[str, str]:
    """This environment without what speaks to pytest or the emulator."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("EMULATOR_", "PYTEST_"))}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def started_in(folder: Path) -> list[int]:
    """The emulators that runs in this folder have started and that still run: they have its mark."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if "--stop-with-stdin" in command and any(str(folder) in one for one in command):
            found.append(process.pid)
    return found


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return new_suite(tmp_path / "suite")


def new_suite(folder: Path) -> Suite:
    folder.mkdir()
    # Its path in the server's command line is the mark by which a server is told to be of this run.
    fixtures = folder / "fixtures"
    fixtures.mkdir()
    for file in (ROOT / "fixtures" / "default").iterdir():
        (fixtures / file.name).write_bytes(file.read_bytes())
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --emulator-fixtures fixtures\n")
    return Suite(folder)


#: A mistake in a test, and the line that it is told in.
MISTAKES = {
    'push_emulator.verify(subscriptionid="t1").once()': 'did you mean "subscription_id"?',
    "push_emulator.fault(status=200)": "400: then.status: must be 400 to 599",
    'push_emulator.fault("slow_body", status=503)': "a fault does one thing, not",
    "push_emulator.requests(resource=None)": "None cannot be asked of a list",
    'push_emulator.client.in_workspace("Ä").reset()': "400: workspace",
    'push_emulator.client.databases.change(1, colour="red")': "400: colour: unknown key",
    'push_emulator.client.profiles.get(17, "gone")': '404: profile "gone" not found',
    'push_emulator.client.imports.start("gone.csv", resource=5, provider="x", match="", token_column="")': (
        "No such file or directory"
    ),
    'type(push_emulator.client)("http://127.0.0.1:9").health()': "GET http://127.0.0.1:9/__admin/health: ",
    '(push_emulator.fault("connection_reset"), push_emulator.push("t1"))': "httpx.ReadError",
    "push_emulator.verify().once()": "match: must be an object",
    'push_emulator.verify(subscription_id="t1").times(-1)': "expect.exactly: must be",
}
#: Tests that run together, by the name of their file: each run has a server of its own to start.
TOGETHER = {
    "say": """
        import httpx
        import pytest

        def test_sentences(push_emulator):
            assert push_emulator.push("t1").ok
            push_emulator.verify(subscription_id="t1").once()
            push_emulator.verify(subscription_id="t1").times(1)
            push_emulator.verify(subscription_id="t1", within=1).at_least(1)
            push_emulator.verify(subscription_id="t1").at_most(1)
            push_emulator.verify(subscription_id="t2").never()
            push_emulator.verify({"field.CustomNumber1": 5}).never()
            assert [one.outcome for one in push_emulator.requests(subscription_id="t1")] == ["added"]

        def test_faults(push_emulator):
            push_emulator.fault(status=503, times=2)
            push_emulator.fault("connection_reset", after=True, times=1)
            push_emulator.fault(delay_ms=1)
            assert [push_emulator.push("t1").status for _ in range(2)] == [503, 503]
            with pytest.raises(httpx.ReadError):
                push_emulator.push("t1")
            assert push_emulator.push("t1").error == 200

        def test_profile(push_emulator):
            anna = push_emulator.profile(CustomNumber1=5, email="anna@example.com")
            assert anna.db_id == 17
            other = push_emulator.profile(34, id="6156ed18eb7fec10a206e917", fields={"CustomNumber1": 6})
            assert other.fields == {"CustomNumber1": 6}
            answer = push_emulator.push("t1", matching="custom", field_name="CustomNumber1", field_value=5)
            assert answer.data[0].profile_id == anna.id

        def test_time(push_emulator):
            push_emulator.freeze("2026-01-01T00:00Z")
            push_emulator.push("t1", "t2", unsubscribe=True, provider="ios-apns")
            push_emulator.advance("3h")
            push_emulator.push({"provider": "ios-apns", "subscription_id": "t3"})
            times = [one.time for one in push_emulator.requests()]
            assert times == ["2026-01-01T03:00:00.000Z", "2026-01-01T00:00:00.000Z"]
            push_emulator.reset()
            assert push_emulator.requests() == []

        def test_url(push_emulator):
            body = {"resource_token": push_emulator.resource_token, "subscriptions": []}
            assert httpx.post(push_emulator.url + "/push_subscribe", json=body).status_code == 400
            push_emulator.verify(error=400).once()
            assert push_emulator.client.health().workspace.startswith("test_url-")
        """,
    "alone": """
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_alone(push_emulator, number):
            assert push_emulator.requests() == []
            push_emulator.fault(status=503)
            push_emulator.freeze("2026-01-01T00:00Z")
            push_emulator.push("t1")
            names = [one.name for one in push_emulator.client.workspaces.all()]
            assert push_emulator.client.workspace in names
        """,
    "failed": """
        def test_it(push_emulator):
            push_emulator.push("t1", id="59db33d269d426509e9c4bf9")
            push_emulator.push("t2")
            push_emulator.verify(subscription_id="t3", id="59db33d269d426509e9c4bf9", within=0.1).once()
        """,
    "nothing": """
        def test_it(push_emulator):
            push_emulator.verify(subscription_id='t1').once()
        """,
    "report": """
        def test_it(push_emulator):
            push_emulator.push("t1")
            assert push_emulator.push("t1").ok
        """,
    "unended": """
        def test_it(push_emulator):
            push_emulator.verify(subscription_id='t1')
        """,
    "never": """
        def test_never(push_emulator):
            push_emulator.verify(outcome="refusd").never()
        def test_list(push_emulator):
            assert push_emulator.requests(provider="ios-apn") == []
        """,
    "awaited": """
        import asyncio
        import pytest

        def test_sent(push_emulator):
            async def send():
                await asyncio.sleep(0.1)
                await asyncio.to_thread(push_emulator.push, "late")

            async def run():
                sending = asyncio.create_task(send())
                with pytest.raises(RuntimeError) as told:
                    push_emulator.verify(subscription_id="late", within=20).times(1)
                assert not sending.done()
                assert str(told.value).endswith("await push_emulator.verify(…).times_async(1, within=20)")
                with pytest.raises(RuntimeError, match="use AsyncEmulatorClient"):
                    push_emulator.client.requests.count({"subscription_id": "late"}, within=20, at_least=1)
                await push_emulator.verify(subscription_id="late").once_async(within=20)
                await push_emulator.verify(subscription_id="late", within=20).at_least_async(1)
                await push_emulator.verify(subscription_id="late").times_async(1)
                await push_emulator.verify(subscription_id="early").never_async(within=0.1)
                await push_emulator.verify(subscription_id="late").at_most_async(1)
                push_emulator.verify(subscription_id="late").once()

            asyncio.run(run())

        def test_missed(push_emulator):
            asyncio.run(push_emulator.verify(subscription_id="t2").once_async(within=0.1))

        @pytest.mark.filterwarnings("ignore:coroutine")
        def test_not_awaited(push_emulator):
            push_emulator.verify(subscription_id="t2").once_async()
        """,
    "replaced": """
        import httpx
        import pytest

        @pytest.fixture
        def replaced(monkeypatch):
            answer = lambda transport, request: httpx.Response(418)
            monkeypatch.setattr(httpx.HTTPTransport, "handle_request", answer)

        def test_it(replaced, push_emulator):
            assert httpx.get("http://127.0.0.1:9/").status_code == 418
            assert push_emulator.push("t1").ok
            push_emulator.verify(subscription_id="t1").once()
        """,
    "costs": """
        import pytest

        def others(push_emulator):
            names = {one.name for one in push_emulator.client.workspaces.all()} - {"default"}
            return names - {push_emulator.client.workspace}

        @pytest.mark.parametrize("number", range(40))
        def test_short(push_emulator, number):
            assert len(others(push_emulator)) < 16
            push_emulator.push("t1")

        def test_long(push_emulator):
            push_emulator.fault(delay_ms=200)
            push_emulator.push("t1")

        def test_asks_only(push_emulator):
            assert others(push_emulator) == set()
            assert push_emulator.requests() == []
            names = {one.name for one in push_emulator.client.workspaces.all()}
            assert push_emulator.client.workspace not in names
        """,
    "events": """
        def test_it(push_emulator):
            import httpx

            body = {"token": "any", "uid": "e|1|2|android-firebase", "events": 2}
            httpx.post(f"{push_emulator.url}/api/v1.1/pushes/post_events", json=body)
            assert False
        """,
    "mistakes": "\n".join(f"def test_{n}(push_emulator):\n    {line}\n" for n, line in enumerate(MISTAKES)),
}


def run_together(folder: Path, files: Mapping[str, str]) -> Apart:
    """What one run of all these files, by name, says of each."""
    suite = new_suite(folder / "suite")
    for name, text in files.items():
        suite.write(text, f"test_{name}.py")
    return Apart(suite.run("-v").text)


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Apart:
    """What one run of all of :data:`TOGETHER` says of each file."""
    return run_together(tmp_path_factory.mktemp("together"), TOGETHER)


def test_everything_that_a_test_can_say(together: Apart) -> None:
    ran = together["say"]
    assert ran.counts == {"passed": 5}, ran.text


def test_tests_do_not_see_each_other_and_leave_nothing(together: Apart) -> None:
    assert together["alone"].counts == {"passed": 4}


def test_failed_verification_says_what_came_and_what_differed(together: Apart) -> None:
    ran = together["failed"]
    assert ran.counts == {"failed": 1}
    said = "\n".join(line[8:] for line in ran.text.splitlines() if line.startswith("E   "))
    said = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", said)
    said = re.sub(r"/w/test_it-[0-9a-f]{8}", "/w/W", said)
    subscriptions = '"subscriptions":[{"provider":"android-firebase","subscription_id":"%s"}]'
    body = '{"resource_token":"3LXP…7f14",' + subscriptions
    with_id = ',"id":"59db33d269d426509e9c4bf9"}'
    assert said == (
        "push_emulator.errors.VerificationFailed: expected exactly 1 request "
        'with subscription_id="t3", id="59db33d269d426509e9c4bf9"'
        " within 0.1 s, came 0\n"
        "\n"
        "nearest: request 1 at TIME\n"
        '  subscription_id: expected "t3", was "t1"\n'
        f"  body: {body % 't1'}{with_id}\n"
        "\n"
        "nearest: request 2 at TIME\n"
        '  subscription_id: expected "t3", was "t2"\n'
        '  id: expected "59db33d269d426509e9c4bf9", was null\n'
        f"  body: {body % 't2'}}}\n"
        "\n"
        "what came, newest first (2 of 2):\n"
        "  2: POST /w/W/push_subscribe -> 200, error 0, added: android-firebase t2\n"
        "  1: POST /w/W/push_subscribe -> 200, error 0, added: android-firebase t1"
    )
    assert "verification.py" not in ran.text  # the traceback ends in the test


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ('verify(subscription_id="t1").never()', 'expected no request with subscription_id="t1", came 2'),
        (
            'verify(subscription_id="t1").at_most(1)',
            'expected at most 1 request with subscription_id="t1", came 2',
        ),
        (
            'verify(subscription_id="t1").at_least(3)',
            'expected at least 3 requests with subscription_id="t1", came 2',
        ),
        (
            'verify(subscription_id="t1").times(1)',
            'expected exactly 1 request with subscription_id="t1", came 2',
        ),
        (
            'verify(subscriptionid="t1").once()',
            'match.subscriptionid: unknown key, did you mean "subscription_id"?',
        ),
        ("verify().once()", "match: must be an object with one criterion or more"),
    ],
)
def test_every_expectation_can_fail(push_emulator_in: LocalServer, sentence: str, said: str) -> None:
    with EmulatorClient(push_emulator_in.url, "failing") as client:
        test = PushEmulator(client, "3LXP2FRcRxJ-7b14db88ec937f14")
        test.reset()
        test.push("t1")
        test.push("t1")
        with pytest.raises(Exception, match=re.escape(said)):
            eval(f"test.{sentence}")


@pytest.fixture(scope="module")
def push_emulator_in() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


LONG = "fJ3kQ-x2T0aYbC1dE:APA91bH" + "k7Zx_Vq9-" * 13


def test_long_tokens_of_a_failed_verification_are_cut_where_they_are_equal(
    push_emulator_in: LocalServer,
) -> None:
    with EmulatorClient(push_emulator_in.url, "long") as client:
        test = PushEmulator(client, DEFAULT_TOKEN)
        test.push(LONG + "1" + "z" * 20)
        with pytest.raises(VerificationFailed) as raised:
            test.verify(subscription_id=LONG + "2" + "z" * 20).once()
    assert 'expected "…k7Zx_Vq9-2zzzzzzzz…", was "…k7Zx_Vq9-1zzzzzzzz…"'.replace("k7Zx", "7Zx") in str(
        raised.value
    )
    assert "k7Zx_Vq9-k7" not in str(raised.value)


def test_a_mistake_in_a_test_is_told_in_one_line_at_the_line_of_the_test(together: Apart) -> None:
    ran = together["mistakes"]
    assert ran.counts == {"failed": len(MISTAKES)}, ran.text
    where = re.findall(r"^(\S+\.py):(\d+): ", ran.text, re.MULTILINE)
    assert where == [("test_mistakes.py", str(3 * n + 2)) for n in range(len(MISTAKES))], ran.text
    told = re.findall(r"^E  +(.*)", ran.text, re.MULTILINE)
    assert len(told) == len(MISTAKES), told
    assert [one for one, part in zip(told, MISTAKES.values(), strict=True) if part not in one] == []


def test_nothing_that_came_is_told_with_the_address(together: Apart) -> None:
    ran = together["nothing"]
    assert "nothing at all came to http://127.0.0.1:" in ran.text
    assert "is that where the app under test sends to?" in ran.text


def test_any_failed_test_reports_what_came_and_no_secret(together: Apart) -> None:
    ran = together["report"]
    assert "push emulator: what came, newest first" in ran.text
    assert "push_subscribe -> 200, error 200, unchanged: android-firebase t1" in ran.text
    assert "3LXP2FRcRxJ-7b14db88ec937f14" not in ran.text


def test_verification_that_expects_nothing_fails_the_test(together: Apart) -> None:
    ran = together["unended"]
    assert ran.status == 1
    assert "verify(subscription_id='t1') expects nothing: end it with .once(), .never(), …" in together.text


def test_value_that_no_request_can_have_fails_the_test_and_names_the_nearest(
    together: Apart,
) -> None:
    ran = together["never"]
    assert ran.counts == {"failed": 2}
    assert 'match.outcome: "refusd" can never match, did you mean "refused"?' in ran.text
    assert 'provider: "ios-apn" can never match, did you mean "ios-apns"?' in ran.text


def test_made_up_ids_and_chance_are_the_same_in_every_run(suite: Suite) -> None:
    suite.write(
        """
        def test_it(push_emulator):
            push_emulator.fault(status=503, probability=0.5)
            print("drawn", [push_emulator.push(f"t{n}").status for n in range(20)])
            push_emulator.reset()
            print("made", push_emulator.push("t").data[0].profile_id)
        """
    )
    first, second, other = (
        re.findall(r"(?:drawn|made) .*", suite.run("-s", *options).text)
        for options in ((), (), ("--emulator-seed", "2"))
    )
    assert len(first) == 2
    assert first == second
    assert first[1] != other[1]


def test_fixtures_that_cannot_be_used_are_told_with_all_their_problems(suite: Suite) -> None:
    (suite.folder / "fixtures" / "databases.json").write_text('[{"id": "x"}]')
    suite.write("def test_it(push_emulator): pass")
    ran = suite.run()
    assert ran.counts == {"error": 1}
    assert 'databases.json: [0].id (id "x"): must be an integer' in ran.text
    assert "Traceback" not in ran.text


def test_own_fixtures_are_what_each_test_starts_from(suite: Suite) -> None:
    (suite.folder / "fixtures" / "profiles.json").unlink()
    suite.write("def test_it(push_emulator): assert push_emulator.client.health().profiles == 0")
    assert suite.run().counts == {"passed": 1}


def test_folder_named_emulator_in_the_users_project_is_no_harm(suite: Suite) -> None:
    (suite.folder / "emulator").mkdir()
    (suite.folder / "emulator" / "readme.txt").write_text("screens")
    suite.write("def test_it(push_emulator): assert push_emulator.push('t1').ok")
    assert suite.run().counts == {"passed": 1}


def test_under_xdist_each_worker_has_its_own_server(suite: Suite) -> None:
    suite.write(
        """
        import pytest

        @pytest.mark.parametrize("number", range(12))
        def test_it(push_emulator, number):
            push_emulator.push("t1")
            push_emulator.verify(subscription_id="t1").once()
            print("at", push_emulator.url.split("/w/")[0], flush=True)
        """
    )
    ran = suite.run("-p", "xdist", "-n", "2", "-rP")
    assert ran.counts == {"passed": 12}, ran.text
    assert len(set(re.findall(r"at (http://\S+)", ran.text))) == 2


def test_a_worker_that_crashes_leaves_nothing_and_the_other_tests_pass(suite: Suite, tmp_path: Path) -> None:
    suite.write(
        """
        import os
        import pytest

        @pytest.mark.parametrize("number", range(12))
        def test_it(push_emulator, number):
            assert push_emulator.push("t1").ok
            if number == 3:
                os._exit(3)
            if number == 8:
                os.kill(os.getpid(), 9)
        """
    )
    (temporary := tmp_path / "temporary").mkdir()
    ran = suite.run("-p", "xdist", "-n", "2", TMPDIR=str(temporary))
    assert ran.counts == {"passed": 10, "failed": 2}, ran.text
    until(lambda: not list(temporary.glob("push-emulator-*")))


def test_server_that_is_there_already_is_used_and_left_clean(suite: Suite) -> None:
    suite.write(
        """
        import pytest

        def test_it(push_emulator):
            with pytest.raises(ValueError, match="push needs resource_token"):
                push_emulator.push("t1")
            push_emulator.push("t1", resource_token="3LXP2FRcRxJ-7b14db88ec937f14")
            push_emulator.verify(subscription_id="t1").once()
        """
    )
    (suite.folder / "pytest.ini").write_text("[pytest]\n")
    with LocalServer(None, "--admin-token", "secret") as server:
        environment = {"EMULATOR_URL": server.url, "EMULATOR_ADMIN_TOKEN": "secret"}
        for url in (server.url, f"{server.url}/w/somebody"):  # as somebody copied it from the console
            ran = suite.run("-p", "xdist", "-n", "2", **{**environment, "EMULATOR_URL": url})
            assert ran.counts == {"passed": 1}, ran.text
        refused = suite.run("--emulator-fixtures", "fixtures", **environment)
        assert "--emulator-fixtures: the server that EMULATOR_URL names has its own" in refused.text
        with EmulatorClient(server.url, admin_token="secret") as client:
            assert [one.name for one in client.workspaces.all()] == ["default"]


def test_server_that_the_plugin_starts_takes_nothing_from_variables_of_another(suite: Suite) -> None:
    suite.write("def test_it(push_emulator): assert push_emulator.push('t1').ok")
    ran = suite.run(EMULATOR_ADMIN_TOKEN="secret", EMULATOR_STRICT="1", EMULATOR_TLS_SELF_SIGNED="1")
    assert ran.counts == {"passed": 1}, ran.text


def test_server_ends_with_a_run_that_is_killed(suite: Suite) -> None:
    """``Suite.run`` looks that no server outlives a run; here the run itself has no chance to stop it."""
    suite.write("def test_it(push_emulator): input()")
    run = subprocess.Popen(
        [*PYTEST, "-s"],
        cwd=suite.folder,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    try:
        children = psutil.Process(run.pid).children
        until(lambda: children() or run.poll() is not None, RUN_S)
        (server,) = children()
    finally:
        run.kill()
        run.communicate()
    assert server.wait(RUN_S) is not None or not server.is_running()


OWN_PACKAGE = {
    "emulator/__init__.py": "OWN = True\n",
    "emulator/cli.py": "raise SystemExit('not the emulator that was meant')\n",
    "test_own.py": "import emulator\n\ndef test_own():\n    assert emulator.OWN\n",
}
USE = "\ndef test_used(push_emulator):\n    assert push_emulator.push('t1').ok\n"


@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize("command", [("pytest",), (sys.executable, "-m", "pytest")])
def test_a_project_with_a_package_emulator_of_its_own(
    suite: Suite, command: tuple[str, ...], used: bool
) -> None:
    for name, text in OWN_PACKAGE.items():
        (suite.folder / name).parent.mkdir(exist_ok=True)
        (suite.folder / name).write_text(text)
    if used:
        suite.write((suite.folder / "test_own.py").read_text() + USE, "test_own.py")
    # A pytest that finds the plugin, but neither emulator nor this project, through its path alone.
    packages = suite.folder.parent / "packages"
    packages.mkdir()
    (packages / "push_emulator").symlink_to(ROOT / "push_emulator")
    program = str(Path(sys.executable).with_name("pytest")) if command == ("pytest",) else command[0]
    done = subprocess.run(
        [program, *command[1:], "-p", "push_emulator.pytest_plugin", "-p", "no:cacheprovider"],
        cwd=suite.folder,
        env=clean_environment() | {"PYTHONPATH": os.pathsep.join([str(suite.folder), str(packages)])},
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    assert Ran(done.returncode, done.stdout).counts == {"passed": 1 + used}, done.stdout + done.stderr


def test_server_of_another_environment_is_started_by_its_command(suite: Suite) -> None:
    suite.write("def test_it(push_emulator):\n    assert push_emulator.push('t1').ok\n")
    program = suite.folder / "start"
    program.write_text(f'#!/bin/sh\ntouch {suite.folder}/started\nexec {sys.executable} {ROOT}/run.py "$@"\n')
    program.chmod(0o755)
    assert suite.run("--emulator-command", "./start").counts == {"passed": 1}
    assert (suite.folder / "started").exists()
    missing = suite.run("--emulator-command", "./gone")
    assert "No such file or directory" in missing.text
    assert missing.counts == {"error": 1}


def test_command_is_split_as_its_system_does(tmp_path: Path) -> None:
    program = tmp_path / "my emulator"
    program.touch()
    assert command_words(str(program), windows=False) == [str(program)]
    assert command_words("'/opt/my emulator' -v", windows=False) == ["/opt/my emulator", "-v"]
    at = r"C:\emulator\Scripts\push-emulator.exe"
    assert command_words(f"{at} -v", windows=True) == [at, "-v"]
    assert command_words(r'"C:\my emulator\push-emulator.exe" -v', windows=True) == [
        r"C:\my emulator\push-emulator.exe",
        "-v",
    ]


def test_first_token_without_fixtures_is_that_of_the_default_ones() -> None:
    assert first_token(ROOT / "fixtures" / "default") == DEFAULT_TOKEN


def test_a_run_that_does_not_use_the_fixture_loads_no_client() -> None:
    looked = (
        "import sys, push_emulator.pytest_plugin; print({'httpx', 'msgspec', 'emulator'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", looked], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_workspace_names_are_good_and_the_same_in_every_run_unless_the_server_is_shared() -> None:
    node_ids = [
        "tests/test_a.py::test_x",
        "test_a.py::TestY::test_z[a/b ü-1]",
        f"t.py::{'long' * 50}",
        "t.py::Ы",
        "test_\udcd0.py::test_x",  # a file name in a locale without its letters
    ]
    names = [workspace_name(node_id, shared=False) for node_id in node_ids]
    assert names == [workspace_name(node_id, shared=False) for node_id in node_ids]
    shared = [workspace_name(node_ids[0], shared=True) for _ in range(2)]
    assert len({*names, *shared}) == len(node_ids) + 2
    assert all(re.fullmatch(r"[a-z0-9_-]{1,64}", name) for name in (*names, *shared))


def test_plugin_is_the_entry_point_that_pytest_looks_for() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    name, _, value = setup["options.entry_points"]["pytest11"].strip().partition(" = ")
    assert name == "push_emulator"
    assert EntryPoint(name, value, "pytest11").load() is pytest_plugin


def test_awaited_verification_lets_the_app_send_and_the_other_form_says_so_at_once(
    together: Apart,
) -> None:
    ran = together["awaited"]
    assert ran.counts == {"passed": 2, "failed": 1, "error": 1}, ran.text
    assert (
        'VerificationFailed: expected exactly 1 request with subscription_id="t2" within 0.1 s, came 0'
        in ran.text
    )
    assert "verify(subscription_id='t2') was not awaited: write await before it" in together.text


def test_what_a_test_replaces_in_httpx_does_not_reach_the_emulators_client(
    together: Apart,
) -> None:
    """As pytest-httpx does."""
    assert together["replaced"].counts == {"passed": 1}


def test_no_wait_hangs_while_time_is_frozen() -> None:
    """As freezegun does: the module ``time`` and whoever took from it have a clock that stands still."""
    program = """
        import sys, time
        time.monotonic = time.time = time.perf_counter = lambda: 1000.0
        from push_emulator import EmulatorClient, LocalServer, StartError, local_server
        with LocalServer() as server, EmulatorClient(server.url) as client:
            assert client.requests.count({"q": "x"}, within=0.1) == 0
            plan = dict(resource=5, provider="ios-apns", match="push", token_column="token")
            started = client.imports.start(b"token\\nt1\\n", **plan)
            assert client.imports.wait(started.id, 20).state == "finished"
        local_server.START_S = local_server.STOP_S = 0.2
        stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
        try:
            LocalServer(command=[sys.executable, "-c", stubborn]).start()
        except StartError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", dedent(program)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == "the emulator was not ready after 0.2 s\n", done.stderr


def test_a_workspace_costs_no_call_before_its_test_and_is_gone_soon_after_it(together: Apart) -> None:
    assert together["costs"].counts == {"passed": 42}


def test_workspaces_of_short_tests_are_deleted_together_and_that_of_a_long_one_at_once(
    push_emulator_in: LocalServer,
) -> None:
    with EmulatorClient(push_emulator_in.url) as client:
        server = SessionServer(client, push_emulator_in)

        def use(name: str, took_s: float) -> None:
            client.workspaces.make(name)
            server.leave(name, took_s)

        for number in range(15):
            use(f"short-{number}", 0.01)
        assert not server.due
        server.leave("unchanged", 0.01)  # there is no such workspace
        assert server.due
        server.delete_left()
        assert [one.name for one in client.workspaces.all() if one.name.startswith("short-")] == []
        use("long", 1.0)
        assert server.due
        server.delete_left()
        assert "long" not in {one.name for one in client.workspaces.all()}
        assert not server.due


def test_a_test_that_runs_again_finds_nothing_of_its_first_run(suite: Suite) -> None:
    suite.write(
        """
        def test_it(push_emulator):
            assert push_emulator.requests() == []
            push_emulator.push("t1")

        def test_asks_only(push_emulator):
            assert push_emulator.requests() == []
            push_emulator.client.push("unknown", [])
        """
    )
    ran = suite.run("--keep-duplicates", "test_it.py", "test_it.py", "test_it.py")
    assert ran.counts == {"passed": 6}, ran.text


def test_an_emulator_without_the_call_for_several_workspaces_is_asked_for_each(suite: Suite) -> None:
    (suite.folder / "older.py").write_text(
        dedent(
            f"""
            import sys
            sys.path.insert(0, {str(ROOT)!r})
            from emulator.web.admin.operation import blueprint
            add = blueprint.add_url_rule
            def add_older(rule, name, view, **options):
                if name != "delete_workspaces":
                    add(rule, name, view, **options)
            blueprint.add_url_rule = add_older
            from emulator.__main__ import main
            main()
            """
        )
    )
    suite.write(
        """
        import pytest
        from push_emulator import EmulatorError

        @pytest.mark.parametrize("number", range(20))
        def test_it(push_emulator, number):
            assert len(push_emulator.client.workspaces.all()) < 17
            push_emulator.push("t1")
            with pytest.raises(EmulatorError, match="405: Method DELETE is not allowed"):
                push_emulator.client.workspaces.delete_all(["one"])
        """
    )
    ran = suite.run("--emulator-command", f"{sys.executable} older.py")
    assert ran.counts == {"passed": 20}, ran.text


def test_a_failed_test_reports_its_events(together: Apart) -> None:
    ran = together["events"]
    assert "push emulator: events, newest first" in ran.text
    assert "1: open of message e|1|2|android-firebase" in ran.text
