"""The examples do what they show: each is run as a user would run it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from emulator.cli.serve import command as serve
from push_emulator import EmulatorClient, LocalServer, subscription
from tests.push_emulator.test_pytest_plugin import PYTEST, RUN_S, clean_environment
from tests.server import ROOT

EXAMPLES = ROOT / "examples"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the examples, as a user's project."""
    return shutil.copytree(EXAMPLES, tmp_path / "project", ignore=shutil.ignore_patterns("__pycache__", ".*"))


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


def run(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=clean_environment() | environment,
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )


def test_suite_of_the_app_client_passes(project: Path) -> None:
    ran = run([*PYTEST, "-q"], project)
    assert ran.returncode == 0, ran.stdout
    assert "13 passed" in ran.stdout


def test_suite_of_the_app_client_notices_a_client_that_does_not_try_again(project: Path) -> None:
    client = project / "app_client.py"
    client.write_text(client.read_text().replace("ATTEMPTS = 3", "ATTEMPTS = 1"))
    ran = run([*PYTEST, "-q"], project)
    failed = {
        line.split()[1].partition("::")[2] for line in ran.stdout.splitlines() if line.startswith("FAILED")
    }
    assert {name.partition("[")[0] for name in failed} == {
        "test_unavailable_server_is_tried_again",
        "test_lost_answer_does_not_register_twice",
        "test_unreadable_answer_is_tried_again",
        "test_answer_that_comes_too_late_is_not_waited_for",
    }


def test_contract_holds(server: LocalServer) -> None:
    ran = run(["./contract.sh"], EXAMPLES, EMULATOR_URL=server.url)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("ok ") == 13
    with EmulatorClient(server.url) as client:
        assert [one.name for one in client.workspaces.all()] == ["default"]


def test_contract_that_does_not_hold_is_told_and_fails(server: LocalServer) -> None:
    with EmulatorClient(server.url, "broken") as client:
        client.faults.arm(status=500, error_text="out of order", times=1)
    ran = run(["./contract.sh"], EXAMPLES, EMULATOR_URL=server.url, WORKSPACE="broken")
    assert ran.returncode == 1
    assert ran.stdout.startswith('FAIL  a new token is subscribed: expected 200 with "error":0, got:\n')
    assert "out of order" in ran.stdout


APP = """
import sys
sys.path.insert(0, {examples!r})
from app_client import PushRegistration

class App(PushRegistration):
    def __init__(self, url):
        super().__init__(url, "3LXP2FRcRxJ-7b14db88ec937f14", pause=lambda seconds: None)

    def register(self, token, customer=None):
        return super().register(token, "android-firebase", customer)

"""


def test_python_of_the_ci_page_runs(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    with_plugin, started_once, *without = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "test_page.py").write_text(APP.format(examples=str(EXAMPLES)) + with_plugin + started_once)
    ran = run([*PYTEST, "-q"], tmp_path)
    assert "6 passed" in ran.stdout, ran.stdout
    without = [program for program in without if "testcontainers" not in program]
    for program in without:
        alone = run([sys.executable, "-c", program], tmp_path)
        assert (alone.returncode, alone.stdout, alone.stderr) == (0, "", "")
    assert len(without) == 2


def test_shell_of_the_ci_page_runs(server: LocalServer, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    (script,) = [block for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) if "base=" in block]
    script = script.replace("http://127.0.0.1:8080", server.url).replace("curl", "curl -sS --noproxy '*'")
    with EmulatorClient(server.url, "build-7") as client:
        client.push("3LXP2FRcRxJ-7b14db88ec937f14", [subscription("t1", "ios-apns")])
    ran = run(["bash", "-e", "-c", script], tmp_path, BUILD_NUMBER="7")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert '{"count":1}' in ran.stdout
    assert ran.stdout.endswith('{"deleted":"build-7"}')


def with_programs(folder: Path) -> str:
    """A PATH on which the emulator and Python are those of this environment."""
    programs = folder / "programs"
    programs.mkdir()
    for name, command in {
        "push-emulator": "-m emulator",
        # No other plugin of this machine; the emulator's is named, for it need not be installed here.
        "python": "",
    }.items():
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {command} "$@"\n')
        (programs / name).chmod(0o755)
    return f"{programs}{os.pathsep}{os.environ['PATH']}"


def test_shell_lines_that_start_a_server_run_as_they_stand(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    (alone,) = [block for block in blocks if block.startswith("push-emulator run")]
    (kept,) = [block for block in blocks if block.startswith("push-emulator --port")]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept = kept.replace("8080", str(listener.getsockname()[1]))
    path = with_programs(tmp_path)
    for script in (alone, f"trap 'kill $!; wait' EXIT\n{kept}"):
        ran = run(["bash", "-e", "-c", script], EXAMPLES, PATH=path)
        assert (ran.returncode, ran.stdout.count("ok ")) == (0, 13), ran.stdout + ran.stderr


def steps() -> list[dict[str, Any]]:
    workflow = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text())
    found: list[dict[str, Any]] = workflow["jobs"]["test"]["steps"]
    return found


def test_workflow_is_of_the_form_that_github_reads() -> None:
    workflow = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text())
    assert set(workflow) == {"name", True, "jobs"}  # YAML 1.1 reads "on" as true, GitHub does not
    assert all(("uses" in step) != ("run" in step) for step in steps())
    installed = [step["run"] for step in steps() if "pip install" in step.get("run", "")]
    assert installed == ['pip install "$PUSH_EMULATOR" httpx pytest pytest-xdist']


def test_commands_of_the_workflow_run_one_after_the_other(project: Path, tmp_path: Path) -> None:
    """Every ``run`` in a shell of its own as GitHub does it, but for what installs, which is here already."""
    environment = {
        "PATH": with_programs(tmp_path),
        "PYTEST_ADDOPTS": "-p xdist -p push_emulator.pytest_plugin -p no:cacheprovider",
    }
    ran = {
        step["name"]: run(["bash", "-e", "-c", step["run"]], project, **environment)
        for step in steps()
        if "run" in step and "pip install" not in step["run"]
    }
    said = {name: (one.returncode, one.stdout + one.stderr) for name, one in ran.items()}
    assert [status for status, _ in said.values()] == [0, 0], said
    assert list(said) == ["Test the app", "Check the contract"]
    assert "13 passed" in said["Test the app"][1]
    assert "FAIL" not in said["Check the contract"][1]


def blocks(language: str) -> list[str]:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    return found


def test_every_shell_block_of_the_ci_page_is_run_but_those_for_docker() -> None:
    run_here = ("push-emulator run", "push-emulator --port", "base=")
    others = [block for block in blocks("sh") if not block.startswith(run_here)]
    assert [block.split()[0] for block in others] == ["docker"]


def test_containers_of_the_ci_page_fit_the_image() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    github, gitlab = map(yaml.safe_load, blocks("yaml"))
    job = github["jobs"]["test"]
    service = job["services"]["push-emulator"]
    assert "EXPOSE 8080" in dockerfile
    assert "HEALTHCHECK" in dockerfile
    assert service["ports"] == ["8080:8080"]
    assert job["env"]["EMULATOR_ADMIN_TOKEN"] == service["env"]["EMULATOR_ADMIN_TOKEN"]
    (other,) = gitlab["test"]["services"]
    assert other["variables"]["EMULATOR_ALLOW_HOST"] == other["alias"]
    assert gitlab["test"]["variables"]["EMULATOR_URL"] == f"http://{other['alias']}:8080"
    options = {one.envvar for one in serve.params if isinstance(one, click.Option)}
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    assert set(re.findall(r"EMULATOR_[A-Z_]+", page)) - {"EMULATOR_URL", "EMULATOR_"} <= options
    for block in blocks("python"):
        compile(block, "ci.md", "exec")
    (docker,) = [block for block in blocks("sh") if block.startswith("docker")]
    subprocess.run(["bash", "-n", "-c", docker], check=True)
