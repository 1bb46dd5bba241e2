"""Every call of the admin API, described. A route without its description here makes a test fail."""

from __future__ import annotations

from emulator.web.openapi import admin_control, admin_imports, admin_requests
from emulator.web.openapi.operation import Operation

#: In the order in which they are shown.
OPERATIONS: tuple[Operation, ...] = (
    *admin_control.OPERATIONS,
    *admin_requests.OPERATIONS,
    *admin_imports.OPERATIONS,
)
