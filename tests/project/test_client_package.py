"""The client alone, in the environment of a project that has a package ``emulator`` of its own."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from emulator import __version__
from tests.project.installing import build_client, install, run
from tests.server import ROOT

TESTS = """
import emulator

def test_own():
    assert emulator.OWN

def test_push(push_emulator):
    push_emulator.push("t1")
    push_emulator.verify(subscription_id="t1").once()
"""


def test_the_client_alone_leaves_a_package_emulator_to_the_project_and_finds_the_program(
    tmp_path: Path,
) -> None:
    programs = install(build_client(tmp_path), tmp_path)
    own = tmp_path / "project" / "src" / "emulator"
    own.mkdir(parents=True)
    (own / "__init__.py").write_text("OWN = True\n")
    (own.parents[1] / "test_own.py").write_text(TESTS)
    packages = next(programs.parent.rglob("borrowed.pth"))
    packages.with_name("editable.pth").write_text(f"{own.parent}\n")  # as pip install -e leaves it
    command = (programs / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_own.py")
    project, path = own.parents[1], str(Path(sys.executable).parent)
    environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p push_emulator.pytest_plugin"}
    assert "2 passed" in run(*command, cwd=project, PATH=path, **environment)
    with pytest.raises(AssertionError, match="neither beside the client nor on the PATH is an emulator"):
        run(*command, cwd=project, PATH="", **environment)


def test_version_and_dependencies_are_those_of_the_whole() -> None:
    alone = (ROOT / "client" / "pyproject.toml").read_text(encoding="utf-8")
    whole = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    assert f'version = "{__version__}"' in alone
    (named,) = re.findall(r"dependencies = \[(.*)\]", alone)
    assert all(f"    {one}\n" in whole for one in re.findall(r'"([^"]+)"', named))
