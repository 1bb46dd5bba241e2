"""Health, faults, settings, clock, rules, metrics and workspaces, described."""

from __future__ import annotations

from emulator.web.admin.faults import FaultSchema
from emulator.web.openapi import shapes
from emulator.web.openapi.operation import Operation, link

OPERATIONS = (
    Operation(
        "get",
        "/faults",
        "list_faults",
        "The armed faults, in the order in which they are tried",
        "faults",
        shapes.page_of(shapes.OldFaultSchema),
    ),
    Operation(
        "post",
        "/faults",
        "arm_fault",
        "Arm a fault",
        "faults",
        shapes.OldFaultSchema,
        201,
        body=FaultSchema,
        body_needed=True,
        links={**link("get_fault", fault_id="/id"), **link("disarm_fault", fault_id="/id")},
    ),
    Operation("delete", "/faults", "disarm_all", "Disarm all faults", "faults", shapes.DisarmedSchema),
    Operation(
        "get",
        "/faults/{fault_id}",
        "get_fault",
        "One armed fault",
        "faults",
        shapes.OldFaultSchema,
        refusals=(404,),
    ),
    Operation(
        "delete",
        "/faults/{fault_id}",
        "disarm_fault",
        "Disarm one fault",
        "faults",
        shapes.DisarmedSchema,
        refusals=(404,),
    ),
)
