"""Subscription keys and the hash ids made of them (A5)."""

from collections.abc import Callable
from hashlib import blake2b

from emulator.rules.model import PushKey, Subscription

HASH_DIGITS = 8
_EMPTY = blake2b(digest_size=32)


def digest(key: PushKey | Subscription) -> bytes:
    """A digest of the key, 32 bytes; the same in every workspace and every run."""
    text = f"{key.db_id}/{key.resource_id}/{len(key.provider)}:{key.provider}/{key.subscription_id}"
    made = _EMPTY.copy()  # quicker than a new one
    made.update(text.encode())
    return made.digest()


def subscription_hash_id(key: PushKey, taken: Callable[[str], bool]) -> str:
    """The key's hash id: 8 lower-case hex digits, or more where another key has them.

    ``taken`` says whether another key of the workspace has a hash id already.
    """
    digits = digest(key).hex()
    length = HASH_DIGITS  # A5
    while taken(digits[:length]) and length < len(digits):
        length += 1
    return digits[:length]
