"""Health, faults, settings, clock, rules, metrics and workspaces, described."""

from __future__ import annotations

from emulator.web.admin.settings import SettingsSchema
from emulator.web.openapi import shapes
from emulator.web.openapi.operation import Operation

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
