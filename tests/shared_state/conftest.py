"""Three emulators for all tests that neither stop nor stall them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.postgres import Postgres
from tests.shared_state import Emulator, Several, emulators


@pytest.fixture(autouse=True, scope="session")
def engine() -> None:
    """Skip all of it until there is such an engine."""
    if find_spec("emulator.postgres") is None:
        pytest.skip("there is no --state postgresql:// yet")


@pytest.fixture(scope="session")
def three(
    engine: None, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Emulator]]:
    """Three emulators; a test takes workspaces of its own."""
    with emulators(tmp_path_factory.mktemp("three"), postgres.database()) as running:
        yield running


@pytest.fixture
def several(three: list[Emulator]) -> Several:
    """The same three, each request to any of them."""
    return Several(three)
