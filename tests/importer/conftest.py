"""A workspace of the default fixtures, and the application around one, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from emulator.app import create_app
from emulator.fixtures.load import load_fixtures
from emulator.settings import DEFAULT_FIXTURES, Settings
from emulator.workspaces.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A fresh workspace."""
    (tmp_path / "state").mkdir()
    made = Workspace("default", Settings(state=tmp_path / "state", seed=1), load_fixtures(DEFAULT_FIXTURES))
    yield made
    made.close()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """The application; its imports run at once, for there is no loop."""
    made = create_app(Settings(state=tmp_path / "state"))
    yield made
    made.extensions["emulator"].close()
