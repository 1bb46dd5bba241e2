"""The admin API's blueprint: every subject's routes under ``/__admin``."""

from __future__ import annotations

from flask import Flask

from emulator.web.admin import (
    clock,
    databases,
    events,
    faults,
    health,
    imports,
    metrics,
    profiles,
    requests,
    resources,
    rules,
    settings,
    snapshot,
    subscriptions,
    workspaces,
)
from emulator.web.admin.operation import OPERATIONS, Operation, blueprint
from emulator.web.admin.safety import check_access
from emulator.web.import_files import before_turn
from emulator.web.limits import check_body
from emulator.web.openapi import views

#: The modules of the API: the import of each serves and describes its operations.
SUBJECTS = (
    *(clock, databases, events, faults, health, imports, metrics, profiles, requests),
    *(resources, rules, settings, snapshot, subscriptions, workspaces),
)

blueprint.before_request(check_access)
blueprint.before_request(check_body)
blueprint.before_request(before_turn)
views.add_routes(blueprint)


def init_app(app: Flask) -> None:
    """Serve the admin API."""
    app.register_blueprint(blueprint)


def operations() -> list[Operation]:
    """Every call of the admin API."""
    return OPERATIONS
