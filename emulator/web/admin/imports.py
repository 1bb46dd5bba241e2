"""``/__admin/import`` and ``/__admin/imports``: start an import, follow it, read its report, cancel it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from flask import Response, after_this_request, request
from msgspec.structs import asdict, replace

from emulator.importer.checking import check_plan, declared_fields, find_resource
from emulator.importer.columns import describe_columns, guess
from emulator.importer.jobs import Job
from emulator.importer.layout import read_layout
from emulator.importer.plan import ImportPlan, parse_match
from emulator.importer.problem import ImportRefused
from emulator.importer.report import REPORT_DELIMITERS
from emulator.importer.sources import Source
from emulator.importer.survey import first_remarks
from emulator.loop.pacing import Steps, in_steps
from emulator.messages import Answer
from emulator.rules.errors import Conflict, Invalid
from emulator.rules.lints import did_you_mean
from emulator.rules.texts import Problem, Text
from emulator.schemas.errors import UNKNOWN_KEY, StrictSchema
from emulator.schemas.json_schema import one_value
from emulator.web.admin.import_plan import PlanSchema, PreviewSchema, ReportSchema, load_plan
from emulator.web.admin.operation import Later, operation
from emulator.web.bodies import Spool
from emulator.web.current import workspace, workspace_to_change
from emulator.web.import_files import (
    HeldFile,
    find_job,
    hold,
    import_jobs,
    keep,
    path_of,
    report_of,
    schedule,
)
from emulator.web.later import as_answer
from emulator.web.limits import spool
from push_emulator.answers import Page
from push_emulator.workspace_answers import ImportPreview, ImportState

_PREVIEWED_ROWS = 10
#: The members of a plan that say how the file is written, and those that remarks need.
_WRITTEN = ("encoding", "delimiter", "quote", "header")
_NEEDED = ("resource", "provider", "match", "token_column")


def _form(plan: type[StrictSchema], *required: str) -> dict[str, Any]:
    """The description of a call with a file and a plan."""
    properties: dict[str, Any] = {
        "file": {
            "type": "string",
            "format": "binary",
            "description": "CSV, or a table of another kind: see docs/import.md",
        },
        "plan": plan,  # OpenAPI sends an object's part as JSON
    }
    body = {**one_value(**properties), "required": ["file", *required]}
    return {"tag": "imports", "body": body, "media_type": "multipart/form-data"}


@operation("post", "/import", status=202, refusals=(409, 503, 507), **_form(PlanSchema, "plan"))
def start_import() -> ImportState:
    """Start importing a file of collected tokens; ``dry_run`` changes nothing."""
    path, name, sent_plan = _upload()
    with _refusals(spool()):
        plan = load_plan(PlanSchema, sent_plan)
        if not workspace().made:
            check_plan(plan, Source(path, name), workspace().store)  # a refused import creates no workspace
        job = import_jobs().start(path, name, plan, workspace_to_change(), schedule())
        keep(path)

    @after_this_request
    def say_where(response: Response) -> Response:
        response.headers["Location"] = _address(job)
        return response

    return _shown(job)


@operation("post", "/import/preview", refusals=(503, 507), **_form(PreviewSchema))
def preview_import() -> Later[ImportPreview]:
    """What is in a file, a guess at the plan, and remarks.

    The remarks are on the first rows, by the columns of the plan or else of the guess; they need
    ``resource`` and ``provider``. A dry run looks at all rows.
    """
    path, name, sent_plan = _upload()
    with _refusals(spool()):
        given = load_plan(PreviewSchema, sent_plan or "{}")
        written = {name: given.pop(name) for name in _WRITTEN if name in given}
        source, store = Source(path, name), workspace().store
        layout = read_layout(source, **written)
        resource = given.get("resource")
        declared = [] if resource is None else declared_fields(find_resource(resource, store), store)
        columns = describe_columns(layout, declared, given.get("provider"))
        guessed = guess(columns)
        match = None if guessed.match is None else parse_match(guessed.match)
        said = {name: one for name, one in given.items() if one not in (None, "")}
        chosen = asdict(guessed) | {"match": match} | said
        remarks = None
        if all(chosen.get(name) is not None for name in _NEEDED):
            remarks = first_remarks(ImportPlan(**chosen, **written), source, store)
    preview = ImportPreview(
        name,
        layout.encoding,
        layout.dialect.delimiter,
        layout.dialect.quote,
        layout.names is not None,
        columns,
        layout.sample[:_PREVIEWED_ROWS],
        guessed,
        [],
    )
    return _remarked(preview, remarks, hold(path), spool())


async def _remarked(
    preview: ImportPreview, remarks: Steps[list[Text]] | None, file: HeldFile, kept_by: Spool
) -> ImportPreview:
    """The preview with its remarks on the file, which is removed then."""
    try:
        if remarks is not None:
            with _refusals(kept_by):
                return replace(preview, lints=list(map(str, await in_steps(remarks))))
        return preview
    finally:
        file.remove()


@operation("get", "/imports")
def list_imports() -> Page[ImportState]:
    """The workspace's imports, the newest first."""
    items = list(map(_shown, import_jobs().of(workspace().name)))
    return Page(items, None, len(items))


@operation("get", "/imports/<job_id>", refusals=(404,))
def get_import(job_id: str) -> ImportState:
    """How far one import is."""
    return _shown(find_job(job_id))


@operation("delete", "/imports/<job_id>", status=202, refusals=(404, 409))
def cancel_import(job_id: str) -> ImportState:
    """Stop an import before its next step.

    What it has done stays. 202: it will stop before its next step.
    """
    job = find_job(job_id)
    if not job.running:
        raise Conflict(f"import {job_id} is {job.description.state} already")
    job.cancel()
    return _shown(job)


@operation(
    "get",
    "/imports/<job_id>/report.csv",
    content={"type": "string"},
    answer_type="text/csv",
    query=ReportSchema,
    refusals=(404, 409),
)
def get_report(job_id: str, query: dict[str, Any]) -> Later[Answer]:
    """The report as CSV in UTF-8 with a mark, with every refused row."""
    job = find_job(job_id)
    if not job.has_report:
        raise Conflict(f"import {job_id} is {job.description.state}: it has no report")
    return _report(job, REPORT_DELIMITERS[query["delimiter"]])


async def _report(job: Job, delimiter: str) -> Answer:
    return as_answer(report_of(job, await job.refused(), delimiter))


def _address(job: Job) -> str:
    return f"{request.script_root}/__admin/imports/{job.description.id}"


def _shown(job: Job) -> ImportState:
    report = f"{_address(job)}/report.csv" if job.has_report else None
    return msgspec.convert(job.as_dict() | {"report": report}, ImportState)


def _upload() -> tuple[Path, str, str]:
    """The uploaded file's path, its name, and the text of ``plan``."""
    with spool().storing():
        form, files = request.form, request.files
        sent = files.getlist("file")
        if list(files) != ["file"] or len(sent) != 1:
            raise Invalid(Problem("file", "send one file, as multipart/form-data"))
        path = path_of(sent[0])
    unknown = [
        Problem(name, did_you_mean(UNKNOWN_KEY, name, ("file", "plan"))) for name in form if name != "plan"
    ]
    if unknown:
        raise Invalid(unknown)
    return path, sent[0].filename or "file", form.get("plan", "")


@contextmanager
def _refusals(kept_by: Spool) -> Iterator[None]:
    """Say where in the form the plan is wrong, or that the disk has no room."""
    try:
        with kept_by.storing():
            yield
    except ImportRefused as error:
        problems = (
            one if one.path == "file" else one._replace(path=f"plan.{one.path}") for one in error.problems
        )
        raise Invalid(problems) from error
