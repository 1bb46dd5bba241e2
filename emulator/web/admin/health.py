"""``GET /__admin/health``."""

from __future__ import annotations

from time import monotonic

from emulator import __version__
from emulator.web.admin.operation import operation
from emulator.web.current import emulator, workspace
from push_emulator.workspace_answers import Health


@operation("get", "/health", open_to_all=True)
def health() -> Health:
    """Whether the server works.

    That is: whether the state can be written, and what is in it.
    """
    found = workspace()
    # A workspace that does not exist yet would be written where the default one is.
    storage = (found if found.made else emulator().workspaces.default).store
    return Health(
        "ok" if storage.probe() else "failing",
        __version__,
        found.name,
        found.store.profile_count,
        found.store.subscription_count,
        round(monotonic() - found.started, 3),
        storage.failure or None,
    )
