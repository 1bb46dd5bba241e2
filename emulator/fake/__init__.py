"""Made-up fixture sets."""

from emulator.fake.fixture_set import FakeError, write_fixture_set

__all__ = ["FakeError", "write_fixture_set"]
