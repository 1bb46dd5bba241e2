"""Which providers a form can offer."""

from __future__ import annotations

from emulator.rules.providers import DOCUMENTED
from emulator.store.tinydb_store import TinyDBStore


def known_providers(store: TinyDBStore) -> list[str]:
    """Those that the page names, then those that a resource lists."""
    listed = (name for resource in store.resources() for name in resource.providers or ())
    return list(dict.fromkeys((*DOCUMENTED, *listed)))
