"""The admin API's blueprint: every subject's routes under ``/__admin``."""

from __future__ import annotations

from flask import Blueprint, Flask

from emulator.web.admin import health

SUBJECTS = (health,)


def init_app(app: Flask) -> None:
    """Serve the admin API."""
    blueprint = Blueprint("admin", __name__, url_prefix="/__admin")
    for subject in SUBJECTS:
        subject.add_routes(blueprint)
    app.register_blueprint(blueprint)
