"""The admin API's blueprint: every subject's routes under ``/__admin``."""

from emulator.web.admin import (  # noqa: F401 (each serves and describes its operations)
    configuration,
    events,
    faults,
    health,
    imports,
    profiles,
    requests,
    settings,
    snapshot,
    workspaces,
)
from emulator.web.admin.operation import OPERATIONS as OPERATIONS
from emulator.web.admin.operation import blueprint as blueprint
from emulator.web.admin.safety import check_access
from emulator.web.import_files import before_turn
from emulator.web.limits import check_body
from emulator.web.openapi import views  # noqa: F401

blueprint.before_request(check_access)
blueprint.before_request(check_body)
blueprint.before_request(before_turn)
