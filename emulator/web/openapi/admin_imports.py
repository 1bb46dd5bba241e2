"""The import's calls, described."""

from __future__ import annotations

from emulator.schemas.json_schema import JSONSchema
from emulator.web.admin.imports import PlanSchema, PreviewSchema
from emulator.web.openapi import import_shapes as shapes
from emulator.web.openapi.answers import reference
from emulator.web.openapi.operation import Operation
from emulator.web.openapi.shapes import page_of

_FORM = "multipart/form-data"


def _upload(plan: str, *required: str) -> JSONSchema:
    """A file, and what to do with it."""
    return {
        "type": "object",
        "properties": {
            "file": {
                "type": "string",
                "format": "binary",
                "description": "CSV, or a table of another kind: see docs/import.md",
            },
            "plan": reference(plan),  # OpenAPI sends an object's part as JSON
        },
        "required": ["file", *required],
        "additionalProperties": False,
    }


#: Schemas that the documents name only inside other media types.
NAMED = (PlanSchema, PreviewSchema)

OPERATIONS = (
    Operation(
        "post",
        "/import",
        "start_import",
        "Start importing a file of collected tokens; `dry_run` changes nothing",
        "imports",
        shapes.ImportJobSchema,
        202,
        body=_upload("Plan", "plan"),
        media_type=_FORM,
        refusals=(409, 503, 507),
    ),
    Operation(
        "post",
        "/import/preview",
        "preview_import",
        "What is in a file, and a guess at the plan",
        "imports",
        shapes.PreviewAnswerSchema,
        body=_upload("Preview"),
        media_type=_FORM,
        refusals=(503, 507),
    ),
    Operation(
        "get",
        "/imports",
        "list_imports",
        "The workspace's imports, the newest first",
        "imports",
        page_of(shapes.ImportJobSchema),
    ),
    Operation(
        "get",
        "/imports/{job_id}",
        "get_import",
        "How far one import is",
        "imports",
        shapes.ImportJobSchema,
        refusals=(404,),
    ),
    Operation(
        "delete",
        "/imports/{job_id}",
        "cancel_import",
        "Stop an import before its next step",
        "imports",
        shapes.ImportJobSchema,
        202,
        refusals=(404, 409),
    ),
    Operation(
        "get",
        "/imports/{job_id}/report.csv",
        "get_report",
        "The report as CSV, with every refused row",
        "imports",
        {"type": "string"},
        answer_type="text/csv",
        refusals=(404, 409),
    ),
)
