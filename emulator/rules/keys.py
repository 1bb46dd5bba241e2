"""The hash ids made of subscription keys (A5), and ids of new profiles."""

from collections.abc import Callable, Collection, Iterator
from hashlib import blake2b

from emulator.rules.interfaces import Lookup
from emulator.rules.model import PushKey, Subscription

HASH_DIGITS = 8
_EMPTY = blake2b(digest_size=32)


def digest(key: PushKey | Subscription) -> bytes:
    """A digest of the key, 32 bytes; the same in every workspace and every run."""
    text = f"{key.db_id}/{key.resource_id}/{len(key.provider)}:{key.provider}/{key.subscription_id}"
    made = _EMPTY.copy()  # quicker than a new one
    made.update(text.encode())
    return made.digest()


def subscription_hash_id(key: PushKey, taken: Callable[[str], bool], made: Collection[str] = ()) -> str:
    """The key's hash id: 8 lower-case hex digits, or more where another key has them.

    ``taken`` says whether another key of the workspace has a hash id already; ``made``: those that were
    given to other keys and are not stored yet.
    """
    digits = digest(key).hex()
    found, length = digits[:HASH_DIGITS], HASH_DIGITS  # A5
    while (found in made or taken(found)) and length < len(digits):
        length += 1
        found = digits[:length]
    return found


def possible_hash_ids(key: PushKey | Subscription) -> Iterator[str]:
    """The hash ids that a key may have, the usual one first."""
    digits = digest(key).hex()
    return (digits[:length] for length in range(HASH_DIGITS, len(digits) + 1))


def new_profile_id(make: Callable[[], str], lookup: Lookup, db_id: int) -> str:
    """The first id from ``make`` that no profile of this database has."""
    profile_id = make()
    while lookup.id_taken(db_id, profile_id):
        profile_id = make()
    return profile_id
