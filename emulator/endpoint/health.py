"""``GET /__admin/health``: asked by probes before anything else, so answered without Flask."""

from time import monotonic

from emulator import __version__
from emulator.messages import Incoming
from emulator.workspaces.registry import Workspaces
from push_emulator.workspace_answers import Health

_PATH = "/__admin/health"


def asks_for_health(incoming: Incoming) -> bool:
    """Whether this is a GET of the health; the admin API judges one with an Origin."""
    return incoming.endpoint == _PATH and incoming.method == "GET" and "origin" not in incoming.headers


def health_of(workspaces: Workspaces, name: str) -> Health:
    """Whether the state of a workspace can be written, and what is in it.

    Raises :class:`~emulator.rules.errors.Refused` and :class:`~emulator.store.errors.Unavailable`.
    """
    found = workspaces.look(name)
    # One that is not made would be written where the default one is.
    storage = (found if found.made else workspaces.default).store
    return Health(
        "ok" if workspaces.trouble is None and storage.probe() else "failing",
        __version__,
        found.name,
        found.store.profile_count,
        found.store.subscription_count,
        round(monotonic() - found.started, 3),
        workspaces.trouble or storage.failure or None,
    )
