"""Health, faults, settings, clock, rules, metrics and workspaces, described."""

from __future__ import annotations

from emulator.web.admin.faults import FaultSchema
from emulator.web.admin.settings import SettingsSchema
from emulator.web.openapi import shapes
from emulator.web.openapi.operation import Operation, link

OPERATIONS = (
    Operation(
        "get",
        "/metrics",
        "metrics",
        "What has been counted, in Prometheus' text format",
        "health",
        {"type": "string"},
        answer_type="text/plain",
        of_a_workspace=False,
    ),
    Operation(
        "get",
        "/faults",
        "list_faults",
        "The armed faults, in the order in which they are tried",
        "faults",
        shapes.page_of(shapes.ArmedFaultSchema),
    ),
    Operation(
        "post",
        "/faults",
        "arm_fault",
        "Arm a fault",
        "faults",
        shapes.ArmedFaultSchema,
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
        shapes.ArmedFaultSchema,
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
    Operation(
        "get", "/settings", "get_settings", "The workspace's choices", "settings", shapes.ChosenSettingsSchema
    ),
    Operation(
        "patch",
        "/settings",
        "patch_settings",
        "Change some of the workspace's choices",
        "settings",
        shapes.ChosenSettingsSchema,
        body=SettingsSchema,
    ),
    Operation(
        "get",
        "/workspaces",
        "list_workspaces",
        "Every workspace",
        "workspaces",
        shapes.page_of(shapes.WorkspaceSchema),
        of_a_workspace=False,
    ),
    Operation(
        "put",
        "/workspaces/{name}",
        "make_workspace",
        "Make a workspace before its first use",
        "workspaces",
        shapes.NamedWorkspaceSchema,
        of_a_workspace=False,
        refusals=(404,),
    ),
    Operation(
        "delete",
        "/workspaces/{name}",
        "delete_workspace",
        "Delete a workspace with all that is in it",
        "workspaces",
        shapes.DeletedWorkspaceSchema,
        of_a_workspace=False,
        refusals=(404,),
    ),
)
