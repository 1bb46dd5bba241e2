"""The admin API's blueprint: every subject's routes under ``/__admin``."""

from __future__ import annotations

from flask import Blueprint, Flask

from emulator.web.admin import (
    changes,
    clock,
    faults,
    health,
    imports,
    metrics,
    records,
    requests,
    rules,
    settings,
    snapshot,
    workspaces,
)
from emulator.web.admin.safety import check_access
from emulator.web.limits import check_body
from emulator.web.openapi import views as openapi

SUBJECTS = (
    health,
    records,
    changes,
    snapshot,
    requests,
    faults,
    settings,
    clock,
    rules,
    metrics,
    workspaces,
    imports,
    openapi,
)


def init_app(app: Flask) -> None:
    """Serve the admin API."""
    blueprint = Blueprint("admin", __name__, url_prefix="/__admin")
    blueprint.before_request(check_access)
    blueprint.before_request(check_body)
    for subject in SUBJECTS:
        subject.add_routes(blueprint)
    app.register_blueprint(blueprint)
