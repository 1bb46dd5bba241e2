"""``GET /__admin/health``."""

from __future__ import annotations

from emulator.endpoint.health import health_of
from emulator.web.admin.operation import operation
from emulator.web.current import emulator, workspace_name
from push_emulator.workspace_answers import Health


@operation("get", "/health", open_to_all=True)
def health() -> Health:
    """Whether the server works.

    That is: whether the state can be written, and what is in it.
    """
    return health_of(emulator().workspaces, workspace_name())
