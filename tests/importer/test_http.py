"""``POST /__admin/import`` and what follows it."""

from __future__ import annotations

import asyncio
import csv
import gc
import io
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse, create_environ

from emulator.importer.jobs import ImportJobs
from emulator.web.wsgi_answer import call_application
from tests.importer.tables import holder_of
from tests.server import PAGE_TOKEN

PLAN = {"resource": PAGE_TOKEN, "provider": "android-firebase", "match": "push", "token_column": "token"}
TABLE = b"x,token\n,new:1\n,new:2\nx,\n"


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def send(
    client: FlaskClient, content: bytes = TABLE, path: str = "/__admin/import", **plan: Any
) -> TestResponse:
    data = {"file": (io.BytesIO(content), "tokens.csv"), "plan": json.dumps(PLAN | plan)}
    return client.post(path, data=data, content_type="multipart/form-data")


def refusal(answer: TestResponse, status: int = 400) -> str:
    assert answer.status_code == status
    document = answer.get_json()
    assert (document["data"], document["error"]) == ([], status)
    return str(document["error_text"])


def test_an_upload_is_imported_as_a_job(app: Flask, client: FlaskClient) -> None:
    answer = send(client)
    assert answer.status_code == 202
    job = client.get(answer.headers["Location"]).get_json()
    assert job["state"] == "finished"
    assert job["counts"] == {
        "rows": 3,
        "profiles_created": 2,
        "profiles_found": 0,
        "added": 2,
        "changed": 0,
        "unchanged": 0,
        "refused": 1,
    }
    assert job["refusals"] == [
        {"line": 4, "db_id": None, "reason": "the token is empty", "value": "", "token": ""}
    ]
    assert job["up_to_line"] == 4
    assert holder_of(app.extensions["emulator"].workspaces.default, "new:1")


def test_the_report_is_csv(client: FlaskClient) -> None:
    job = send(client).get_json()
    answer = client.get(job["report"])
    assert answer.mimetype == "text/csv"
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))
    assert ["subscriptions added", "2", "", "", "", "", ""] in rows
    assert rows[-1] == ["refused", "", "4", "", "the token is empty", "", ""]


def test_the_report_has_the_delimiter_that_is_asked_for(client: FlaskClient) -> None:
    path = send(client).get_json()["report"]
    assert client.get(f"{path}?delimiter=semicolon").data.startswith(b"\xef\xbb\xbfwhat;count;line")
    said = refusal(client.get(f"{path}?delimiter=:"))
    assert "delimiter" in said
    assert "semicolon" in said


def test_a_dry_run_changes_nothing(app: Flask, client: FlaskClient) -> None:
    job = send(client, dry_run=True).get_json()
    assert (job["dry_run"], job["counts"]["added"]) == (True, 2)
    assert not holder_of(app.extensions["emulator"].workspaces.default, "new:1")


def test_jobs_are_listed_newest_first_each_in_its_workspace(client: FlaskClient) -> None:
    ids = [send(client).get_json()["id"] for _ in range(2)]
    other = send(client, path="/w/other/__admin/import")
    listed = client.get("/__admin/imports").get_json()
    assert [job["id"] for job in listed["items"]] == ids[::-1]
    assert other.headers["Location"].startswith("/w/other/__admin/imports/")
    assert client.get(other.headers["Location"]).get_json()["workspace"] == "other"
    assert refusal(client.get(f"/__admin/imports/{other.get_json()['id']}"), 404).startswith("import ")


def test_what_is_over_cannot_be_cancelled(client: FlaskClient) -> None:
    job_id = send(client).get_json()["id"]
    assert refusal(client.delete(f"/__admin/imports/{job_id}"), 409) == f"import {job_id} is finished already"


@pytest.mark.parametrize("method", ["get", "delete"])
def test_an_unknown_job_is_404(client: FlaskClient, method: str) -> None:
    assert refusal(getattr(client, method)("/__admin/imports/nope"), 404) == "import nope not found"


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        ({"colour": 1}, "plan.colour: unknown key"),
        ({"tokn_column": "x"}, 'plan.tokn_column: unknown key, did you mean "token_column"?'),
        ({"resource": True}, "plan.resource: must be a resource's token or id"),
        ({"provider": 5}, "plan.provider: must be a string"),
        ({"match": "email"}, 'plan.match: must be id:COLUMN, field:NAME=COLUMN or push, not "email"'),
        ({"match": {"by": "push"}}, "plan.match: must be a string"),
        ({"dry_run": "yes"}, "plan.dry_run: must be true or false"),
        ({"token_column": "tokn"}, 'plan.token_column: there is no column "tokn", did you mean "token"?'),
        ({"provider": "x"}, 'plan.provider: unknown provider "x"'),
        ({"resource": 9}, "plan.resource: 9 (No databases yet) has no databases"),
        ({"encoding": "klingon"}, 'plan.encoding: there is no "klingon": try utf-8, windows-1251, utf-16'),
    ],
)
def test_a_wrong_plan_is_refused_by_its_path(client: FlaskClient, plan: dict[str, Any], text: str) -> None:
    assert refusal(send(client, **plan)) == text
    assert client.get("/__admin/imports").get_json()["items"] == []


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        ("", "plan: is required"),
        ("{", "plan: is not JSON"),
        ("[]", "plan: must be an object"),
        ('{"provider": "x"}', "plan.resource: is required"),
    ],
)
def test_what_is_no_plan_is_refused(client: FlaskClient, plan: str, text: str) -> None:
    data = {"file": (io.BytesIO(TABLE), "t.csv"), "plan": plan}
    assert text in refusal(client.post("/__admin/import", data=data))


def test_an_unknown_part_of_the_form_is_refused_with_the_nearest_name(client: FlaskClient) -> None:
    data = {"file": (io.BytesIO(TABLE), "t.csv"), "plna": json.dumps(PLAN)}
    assert refusal(client.post("/__admin/import", data=data)) == 'plna: unknown key, did you mean "plan"?'


def test_an_empty_file_is_refused(client: FlaskClient) -> None:
    assert refusal(send(client, b"")) == "file: is empty"


def test_one_file_is_wanted(app: Flask, client: FlaskClient) -> None:
    plan = json.dumps(PLAN)
    text = "file: send one file, as multipart/form-data"
    assert refusal(client.post("/__admin/import", data={"plan": plan})) == text
    assert refusal(client.post("/__admin/import", json=PLAN)) == text
    two = {"file": [(io.BytesIO(TABLE), "a.csv"), (io.BytesIO(TABLE), "b.csv")], "plan": plan}
    assert refusal(client.post("/__admin/import", data=two)) == text
    assert not list(app.extensions["emulator"].settings.state.glob("imports/*"))


def test_a_large_upload_is_taken(client: FlaskClient) -> None:
    rows = b"".join(b",new:%0120d\n" % number for number in range(10_000))
    assert len(rows) > 1 << 20
    answer = send(client, b"x,token\n" + rows, dry_run=True)
    assert answer.status_code == 202, answer.text
    job = client.get(answer.headers["Location"]).get_json()
    assert job["counts"]["added"] == 10_000


def test_a_preview_offers_a_plan(client: FlaskClient) -> None:
    table = "profile;e-mail;push token\n59db33d269d426509e9c4bf9;a@example.com;t:1\n".encode("utf-16")
    data = {"file": (io.BytesIO(table), "t.csv"), "plan": json.dumps({"resource": 5})}
    shown = client.post("/__admin/import/preview", data=data).get_json()
    assert shown["guess"] == {
        "token_column": "push token",
        "match": "id:profile",
        "status_column": None,
    }
    assert (shown["encoding"], shown["delimiter"], shown["header"]) == ("utf-16", ";", True)
    assert [column["looks"] for column in shown["columns"]] == ["id", "field:email", "token"]
    assert shown["rows"] == [["59db33d269d426509e9c4bf9", "a@example.com", "t:1"]]


ROUNDED = (
    f"client,profile,token\n7.1E+11,{'5' * 24},t:1\n7.1E+11,{'6' * 24},t:2\n".encode(),
    [
        '1 of 2 search values are in an earlier row too; "7.1E+11" is in 2 rows, which are one profile',
        '2 of 2 search values are numbers that a spreadsheet has rounded, such as "7.1E+11"',
    ],
)


def test_a_dry_run_counts_what_is_odd(client: FlaskClient) -> None:
    content, notes = ROUNDED
    started = send(client, content, match="field:nickname=client", dry_run=True)
    lints = client.get(started.headers["Location"]).get_json()["lints"]
    assert [lint for lint in lints if "search values" in lint] == notes
    assert client.get("/__admin/subscriptions?subscription_id=t:1").get_json()["items"] == []


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        ({"match": "field:nickname=client"}, ROUNDED[1]),
        ({}, []),  # the guess takes the column of ids
        ({"match": "id:profil"}, ['match: there is no column "profil", did you mean "profile"?']),
    ],
)
def test_a_preview_counts_what_is_odd_in_the_columns_of_the_plan_or_the_guess(
    client: FlaskClient, plan: dict[str, str], told: list[str]
) -> None:
    given = {"resource": 5, "provider": "android-firebase", **plan}
    data = {"file": (io.BytesIO(ROUNDED[0]), "t.csv"), "plan": json.dumps(given)}
    shown = client.post("/__admin/import/preview", data=data).get_json()
    assert [lint for lint in shown["lints"] if "tokens" not in lint] == told


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
@pytest.mark.parametrize("begins", [True, False])
def test_a_preview_leaves_no_file_also_if_its_work_never_begins(app: Flask, begins: bool) -> None:
    given = {"resource": 5, "provider": "android-firebase"}
    data = {"file": (io.BytesIO(ROUNDED[0]), "t.csv"), "plan": json.dumps(given)}
    environ = create_environ("/__admin/import/preview", method="POST", data=data)
    answer = call_application(partial(Flask.wsgi_app, app), environ)
    folder = import_files_of(app)
    assert len(list(folder.iterdir())) == 1
    assert answer.delivery is not None
    if begins:
        assert asyncio.run(answer.settled()).status == 200
    else:
        answer.delivery = None
        environ.clear()
        gc.collect()
    assert list(folder.iterdir()) == []


def import_files_of(app: Flask) -> Path:
    """The folder of the uploaded files."""
    jobs: ImportJobs = app.extensions["imports"]
    return jobs.upload_path().parent
