"""The admin API."""

from __future__ import annotations

from time import monotonic
from typing import Any

from flask import Blueprint, Flask

from emulator import __version__
from emulator.emulator import Emulator


def init_app(app: Flask) -> None:
    """Serve the admin API under ``/__admin``."""
    emulator: Emulator = app.extensions["emulator"]
    blueprint = Blueprint("admin", __name__, url_prefix="/__admin")

    @blueprint.get("/health")
    def health() -> dict[str, Any]:
        workspace = emulator.default
        storage = workspace.store.storage
        answer: dict[str, Any] = {
            "status": "ok" if storage.probe() else "failing",
            "version": __version__,
            "workspace": workspace.name,
            "profiles": workspace.store.profile_count,
            "subscriptions": workspace.store.subscription_count,
            "uptime_s": round(monotonic() - workspace.started, 3),
        }
        if storage.failure:
            answer["reason"] = storage.failure
        return answer

    app.register_blueprint(blueprint)
