"""Three emulators for all tests that neither stop nor stall them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres import Postgres
from tests.shared_state import Emulator, Several, emulators


@pytest.fixture(scope="session")
def three(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Emulator]]:
    """Three emulators; a test takes workspaces of its own."""
    with emulators(tmp_path_factory.mktemp("three"), postgres.database()) as running:
        yield running


@pytest.fixture
def several(three: list[Emulator]) -> Several:
    """The same three, each request to any of them."""
    return Several(three)
