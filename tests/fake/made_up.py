"""Made-up tokens for tests, the same in every run."""

from __future__ import annotations

from faker import Factory

from emulator.fake import PushTokens


def push_tokens() -> PushTokens:
    """A seeded provider of tokens."""
    generator = Factory.create()
    generator.seed_instance(1)
    return PushTokens(generator)
