"""``/__console/import``: the wizard over the importer: a file, its columns, a dry run, the import itself."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue

from emulator.importer.checking import check_plan, find_resource
from emulator.importer.columns import Guess, describe_columns, guess
from emulator.importer.jobs import ImportJobs, Job
from emulator.importer.layout import read_layout
from emulator.importer.plan import ImportPlan, Match, parse_match
from emulator.importer.problem import ImportRefused, Problem, TooManyImports
from emulator.importer.sources import Source
from emulator.rules.model import RequestError
from emulator.web.console.moving import see_other
from emulator.web.console.presenters.providers import known_providers
from emulator.web.console.state import console_state
from emulator.web.console.uploads import Upload
from emulator.web.current import workspace, workspace_to_change
from emulator.web.import_steps import schedule
from emulator.web.limits import RETRY_AFTER_S, spool
from emulator.workspaces.workspace import Workspace
from push_emulator.workspace_answers import Column

#: Rows of a file that the wizard shows.
SHOWN_ROWS = 8


def add_routes(blueprint: Blueprint) -> None:
    """Add these pages' routes."""
    path = "/__console/import"
    blueprint.add_url_rule(path, "imports", show_imports)
    blueprint.add_url_rule(path, "upload", take_file, methods=["POST"])
    blueprint.add_url_rule(path + "/file/<upload_id>", "mapping", show_mapping)
    blueprint.add_url_rule(path + "/file/<upload_id>", "start_import", start_import, methods=["POST"])
    blueprint.add_url_rule(path + "/<job_id>", "job", show_job)
    blueprint.add_url_rule(path + "/<job_id>/cancel", "cancel_import", cancel_import, methods=["POST"])
    blueprint.add_url_rule(path + "/<job_id>/report.csv", "import_report", download_report)


def show_imports() -> str:
    """Step 1: choose a file; and the imports that there were."""
    found = workspace()
    return _first_page(found, [])


def _first_page(found: Workspace, problems: list[Problem]) -> str:
    return render_template(
        "console/import.html",
        jobs=[job.as_dict() for job in _jobs().of(found.name)],
        problems=problems,
        providers=known_providers(found.store),
        resources=found.store.resources(),
    )


def take_file() -> ResponseReturnValue:
    """Keep the file, if it is a table, and go on to its columns."""
    found = workspace()
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return _first_page(found, [Problem("file", "choose a file")]), 400
    resource_id = request.form.get("resource_id", type=int, default=0)
    with spool().storing():
        upload = console_state().uploads.keep(
            sent, _jobs().upload_path(), found.name, resource_id, request.form.get("provider", "")
        )
    try:
        find_resource(resource_id, found.store)
        read_layout(Source(upload.path, upload.name))
    except ImportRefused as error:
        console_state().uploads.forget(upload.id)
        return _first_page(found, error.problems), 400
    workspace_to_change()  # the file is a part of it
    return see_other("console.mapping", upload_id=upload.id)


def show_mapping(upload_id: str) -> str:
    """Step 2: the first rows, and which column is what, guessed."""
    found = workspace()
    return _mapping_page(found, _upload(found, upload_id), None, [])


def _mapping_page(found: Workspace, upload: Upload, asked: ImportPlan | None, problems: list[Problem]) -> str:
    layout = read_layout(Source(upload.path, upload.name))
    resource = find_resource(upload.resource_id, found.store)
    fields = list(
        dict.fromkeys(one for db_id in resource.db_ids for one in found.store.database(db_id).fields)
    )
    columns = describe_columns(layout, fields, upload.provider)
    plan = asked or _guessed(upload, guess(columns), columns)
    return render_template(
        "console/import_mapping.html",
        columns=columns,
        fields=fields,
        layout=layout,
        plan=plan,
        problems=problems,
        remarks=[] if problems else _remarks(found, upload, plan),
        resource=resource,
        rows=layout.sample[:SHOWN_ROWS],
        upload=upload,
    )


def _guessed(upload: Upload, guessed: Guess, columns: list[Column]) -> ImportPlan:
    token = guessed.token_column or columns[0].column
    return ImportPlan(upload.resource_id, upload.provider, guessed.match or Match("push"), token)


def _remarks(found: Workspace, upload: Upload, plan: ImportPlan) -> list[str]:
    """What the person should see before the import, though it forbids nothing; problems are remarks here."""
    try:
        return check_plan(plan, Source(upload.path, upload.name), found.store).lints
    except ImportRefused as error:
        return [str(problem) for problem in error.problems]


def start_import(upload_id: str) -> ResponseReturnValue:
    """Step 3: the dry run, or the import itself."""
    upload, form = _upload(workspace(), upload_id), request.form
    found = workspace_to_change()
    kind, column = form.get("by", "push"), form.get("value_column", "")
    match = {
        "id": Match("id", column),
        "field": Match("field", column, form.get("field", "")),
    }.get(kind, Match("push"))
    dry_run = "dry_run" in form
    plan = ImportPlan(
        upload.resource_id, upload.provider, match, form.get("token_column", ""), dry_run=dry_run
    )
    jobs, uploads = _jobs(), console_state().uploads
    try:
        with spool().storing():
            path = uploads.copy(upload, jobs.upload_path())
            job = jobs.start(path, upload.name, plan, found, schedule())
    except ImportRefused as error:
        page = _mapping_page(found, upload, plan, error.problems)
        if isinstance(error, TooManyImports):
            return page, 429, {"Retry-After": str(RETRY_AFTER_S)}
        return page, 400
    return see_other("console.job", job_id=job.description.id, file=upload.id)


def show_job(job_id: str) -> str:
    """Step 4: how far it is, and what it came to. A dry run leads back to the import itself."""
    found = workspace()
    job = _job(found, job_id)
    shown = job.as_dict()
    upload = console_state().uploads.get(request.args.get("file", ""), found.name)
    return render_template(
        "console/import_job.html",
        found_by=parse_match(shown["match"]),
        has_report=job.report_path.exists() and not job.running,
        job=shown,
        resource=next((one for one in found.store.resources() if one.id == shown["resource"]), None),
        upload=upload,
    )


def cancel_import(job_id: str) -> Response:
    """Stop it before its next step."""
    _job(workspace(), job_id).cancel()
    return see_other("console.job", job_id=job_id)


def download_report(job_id: str) -> Response:
    """The report as CSV."""
    job = _job(workspace(), job_id)
    if job.running or not job.report_path.exists():
        raise RequestError(404, f"import {job_id} has no report", "A3")
    headers = {"Content-Disposition": f'attachment; filename="import-{job_id}.csv"'}
    return Response(job.report_path.read_bytes(), 200, headers, mimetype="text/csv")


def _jobs() -> ImportJobs:
    jobs: ImportJobs = current_app.extensions["imports"]
    return jobs


def _job(found: Workspace, job_id: str) -> Job:
    job = _jobs().get(job_id, found.name)
    if job is None:
        raise RequestError(404, f"import {job_id} not found", "A3")
    return job


def _upload(found: Workspace, upload_id: str) -> Upload:
    upload = console_state().uploads.get(upload_id, found.name)
    if upload is None:
        raise RequestError(404, "this file is not here any more: choose it again", "A3")
    return upload
