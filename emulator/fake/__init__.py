"""Made-up fixture sets, and the Faker providers that they are made of."""

from emulator.fake.fixture_set import write_fixture_set
from emulator.fake.profiles import PushProfiles, PushTokens

__all__ = ["PushProfiles", "PushTokens", "write_fixture_set"]
