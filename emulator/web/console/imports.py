"""``/__console/import``: the wizard over the importer: a file, its columns, a dry run, the import itself."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from typing import Any

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue

from emulator.importer.checking import check_plan, declared_fields, find_resource
from emulator.importer.columns import describe_columns, guess
from emulator.importer.layout import DELIMITERS, read_layout
from emulator.importer.plan import ImportPlan, Match, parse_match
from emulator.importer.problem import refused
from emulator.importer.sources import Source
from emulator.importer.survey import first_remarks
from emulator.importer.uploads import Upload
from emulator.loop.pacing import in_steps
from emulator.rules.errors import NotFound
from emulator.rules.texts import Text, message
from emulator.web.console.language import language
from emulator.web.console.pages import console_state, page_later, pages, see_other
from emulator.web.console.presenters.refusals import worded
from emulator.web.console.refused_form import SHOWN_FIELD
from emulator.web.current import workspace, workspace_to_change
from emulator.web.import_files import find_job, import_jobs, keep, path_of, report_of, schedule
from emulator.web.limits import spool

_PATH = "/__console/import"
_FILE = f"{_PATH}/file/<upload_id>"
_WRITTEN = ("encoding", "delimiter", "quote", "header")
#: Encodings to choose from where the one that was found is wrong.
ENCODINGS = ("utf-8", "cp1251", "utf-16", "koi8-r", "cp866", "cp1252")
#: Rows of a file that the wizard shows.
SHOWN_ROWS = 8


@pages.get(_PATH, endpoint="imports")
def show_imports() -> str:
    """Step 1: choose a file; and a list of earlier imports."""
    store = workspace().store
    return render_template(
        "console/import.html",
        jobs=[job.as_dict() for job in import_jobs().of(workspace().name)],
        resources=store.resources(),
    )


@pages.post(_PATH, endpoint="upload")
def take_file() -> ResponseReturnValue:
    """Keep the file, if it is a table, and go on to its columns."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise refused("file", "choose_file")
    path, resource_id = path_of(sent), request.form.get("resource_id", type=int, default=0)
    find_resource(resource_id, workspace().store)
    read_layout(Source(path, sent.filename))
    found = workspace_to_change()  # the file is a part of it
    provider = request.form.get("provider", "")
    upload = console_state().uploads.keep(path, sent.filename, found.name, resource_id, provider)
    keep(path)
    return see_other("console.mapping", upload_id=upload.id)


@pages.get(_FILE, endpoint="mapping")
def show_mapping(upload_id: str) -> Response:
    """Step 2: the first rows as the query says that they are written, and which column is what, guessed."""
    return _mapping_page(_upload(upload_id))


def _mapping_page(upload: Upload) -> Response:
    page, plan = _mapping(upload)
    remarks = first_remarks(plan, upload.source(), workspace().store)
    return page_later(in_steps(remarks), lambda found: page(remarks=found))


def _mapping(upload: Upload, plan: ImportPlan | None = None) -> tuple[Callable[..., str], ImportPlan]:
    """What makes the page of the remarks on a plan (a guessed one if none is given), and the plan."""
    store, source, written = workspace().store, upload.source(), _written()
    layout = read_layout(source, **written)
    resource = find_resource(upload.resource_id, store)
    fields = declared_fields(resource, store)
    columns = describe_columns(layout, fields, upload.provider)
    if plan is None:
        guessed = guess(columns)
        token = guessed.token_column or columns[0].column
        match = parse_match(guessed.match or "push")
        how = {"status_column": guessed.status_column, **written}
        plan = ImportPlan(upload.resource_id, upload.provider, match, token, **how)
    page = partial(
        render_template,
        "console/import_mapping.html",
        carried=_carried(plan),
        columns=columns,
        delimiter=DELIMITERS.get(layout.dialect.delimiter, layout.dialect.delimiter),
        encodings=list(dict.fromkeys([layout.encoding, *ENCODINGS])),
        fields=fields,
        layout=layout,
        plan=plan,
        resource=resource,
        rows=layout.sample[:SHOWN_ROWS],
        upload=upload,
    )
    return page, plan


@pages.post(_FILE)
def start_import(upload_id: str) -> ResponseReturnValue:
    """Step 3: the dry run, or the import itself.

    Before an import the remarks on its columns are shown once, if there are any.
    """
    upload, form, store = _upload(upload_id), request.form, workspace().store
    column = form.get("value_column", "")
    match = {"id": Match("id", column), "field": Match("field", column, form.get("field", ""))}
    plan = ImportPlan(
        upload.resource_id,
        upload.provider,
        match.get(form.get("by", ""), Match("push")),
        form.get("token_column", ""),
        status_column=form.get("status_column") or None,
        **_written(),
    )
    dry_run, source = "dry_run" in form, upload.source()
    check_plan(plan, source, store)
    carried = _carried(plan)

    def go_on(remarks: list[Text]) -> ResponseReturnValue:
        upload = _upload(upload_id)  # it may have gone with its workspace
        if remarks:
            return _mapping(upload, plan)[0](remarks=remarks)
        found = workspace_to_change()
        with spool().storing():
            path = console_state().uploads.copy(upload)
            job = import_jobs().start(path, upload.name, replace(plan, dry_run=dry_run), found, schedule())
        return see_other("console.job", job_id=job.description.id, file=upload.id, **carried)

    if dry_run or form.get(SHOWN_FIELD) == carried[SHOWN_FIELD]:
        return go_on([])
    return page_later(in_steps(first_remarks(plan, source, store)), go_on)


@pages.get(f"{_PATH}/<job_id>", endpoint="job")
def show_job(job_id: str) -> str:
    """Step 4: progress and result. A dry run leads back to the import itself."""
    found, job = workspace(), find_job(job_id)
    shown = job.as_dict()
    return render_template(
        "console/import_job.html",
        carried={name: request.args[name] for name in (*_WRITTEN, SHOWN_FIELD) if name in request.args},
        delimiter=DELIMITERS.get(shown["delimiter"], shown["delimiter"]),
        found_by=parse_match(shown["match"]),
        has_report=job.has_report,
        job=shown,
        resource=next((one for one in found.store.resources() if one.id == shown["resource"]), None),
        said=job.description,
        upload=console_state().uploads.get(request.args.get("file", ""), found.name),
    )


@pages.post(f"{_PATH}/<job_id>/cancel")
def cancel_import(job_id: str) -> Response:
    """Stop it before its next step."""
    find_job(job_id).cancel()
    return see_other("console.job", job_id=job_id)


@pages.get(f"{_PATH}/<job_id>/report.csv", endpoint="import_report")
def download_report(job_id: str) -> Response:
    """The report as CSV in the page's language, with the delimiter of its spreadsheets."""
    job = find_job(job_id)
    if not job.has_report:
        raise NotFound(message("import %(id)s has no report", id=job_id))
    delimiter = ";" if language() == "ru" else ","
    return page_later(job.refused(), lambda refused: report_of(job, refused, delimiter, worded))


def _typed() -> dict[str, str]:
    """The format of the file, as the person has chosen it; pages pass it on."""
    return {name: request.values[name] for name in _WRITTEN if name in request.values}


def _written() -> dict[str, Any]:
    """The same, as parameters of :func:`read_layout`."""
    typed = _typed()
    return {**typed, "header": typed["header"] == "yes"} if "header" in typed else {**typed}


def _carried(plan: ImportPlan) -> dict[str, str]:
    """The parameters of the next page: that the plan's remarks were shown, and the format of its file."""
    shown = blake2b(repr(plan).encode(), digest_size=8).hexdigest()
    return {**_typed(), SHOWN_FIELD: shown}


def _upload(upload_id: str) -> Upload:
    upload = console_state().uploads.get(upload_id, workspace().name)
    if upload is None:
        raise NotFound("this file is not here any more: choose it again")
    return upload
