"""Subscription keys and the hash ids made of them (A5)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b

from emulator.rules.model import PushKey

HASH_DIGITS = 8


def digest_of(db_id: int, resource_id: int, provider: str, subscription_id: str) -> bytes:
    """32 bytes that stand for the key, the same in every workspace and every run."""
    text = f"{db_id}/{resource_id}/{len(provider)}:{provider}/{subscription_id}"
    return blake2b(text.encode(), digest_size=32).digest()


@lru_cache(maxsize=256)  # one request asks for the same key several times
def digest(key: PushKey) -> bytes:
    """:func:`digest_of` the key."""
    return digest_of(*key)


def subscription_hash_id(key: PushKey, taken: Callable[[str], bool]) -> str:
    """The key's hash id: 8 lower-case hex digits, or as many more as it takes to be nobody else's.

    ``taken`` says whether another key of the workspace has a hash id already.
    """
    digits = digest(key).hex()
    length = HASH_DIGITS  # A5
    while taken(digits[:length]) and length < len(digits):
        length += 1
    return digits[:length]
