"""``GET /__admin/health``."""

from __future__ import annotations

from time import monotonic
from typing import Any

from flask import Blueprint

from emulator import __version__
from emulator.web.current import emulator, workspace


def add_routes(blueprint: Blueprint) -> None:
    """Add this subject's routes."""
    blueprint.add_url_rule("/health", view_func=health)


def health() -> dict[str, Any]:
    """Whether the state can be written, and what is in it."""
    found = workspace()
    # One that is not made would be written where the default one is.
    disk = (found if found.made else emulator().workspaces.default).store
    answer: dict[str, Any] = {
        "status": "ok" if disk.probe() else "failing",
        "version": __version__,
        "workspace": found.name,
        "profiles": found.store.profile_count,
        "subscriptions": found.store.subscription_count,
        "uptime_s": round(monotonic() - found.started, 3),
    }
    if disk.failure:
        answer["reason"] = disk.failure
    return answer
