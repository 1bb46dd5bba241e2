"""The name of a workspace is judged before anything else, wherever it is said; an empty one is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from push_emulator import EmulatorClient, EmulatorError
from tests.command_line import assert_one_line, run
from tests.in_process import InProcess
from tests.server import PAGE_TOKEN, Server, subscription
from tests.web.conftest import assert_error

BODY = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("mine")]}
EMPTY = (
    "workspace: its name is empty; give one, as /w/NAME/… or X-Emulator-Workspace: NAME, "
    "or neither for default"
)
WRONG = "workspace: its name must be 1 to 64 of a-z 0-9 - _"
#: A path behind every door: the endpoint, nobody's, the admin API open and closed, its pages, the console.
DOORS = [
    *("/push_subscribe", "/api/v1.1/resources/push_subscribe/", "/nothing"),
    *("/__admin/health", "/__admin/requests", "/__admin/nothing", "/__admin/workspaces", "/__admin/metrics"),
    *("/__admin/openapi.json", "/__admin/docs", "/__admin/docs/start.js", "/__admin/import/preview"),
    *("/", "/__console/overview", "/__console/live", "/__console/static/console.css", "/__console/nothing"),
]
METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS"]


def refusal(answer: Any) -> str:
    """What a 400 says, in the envelope or on a page of the console."""
    assert answer.status_code == 400, (answer.request.path, answer.status_code)
    document = answer.get_json(silent=True)
    return document["error_text"] if document is not None else answer.text


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("name", "text"), [("", EMPTY), ("A", WRONG), ("x" * 65, WRONG)])
def test_a_name_that_cannot_be_is_refused_first_on_every_path_and_in_the_header(
    method: str, name: str, text: str
) -> None:
    with InProcess(admin_token="secret") as app:  # so that nearly every call would be refused otherwise
        header = {"X-Emulator-Workspace": name}
        for door in DOORS:
            too_large = b"x" * (2 << 20) if method == "POST" else b""
            for path, headers in (
                (f"/w/{name}{door}", {}),
                (door, header),
                (f"/w/good{door}", header),
                (door, {**header, "Host": "evil.example", "Origin": "http://evil.example"}),
            ):
                answer = app.client.open(path, method=method, headers=headers, data=too_large)
                assert text in refusal(answer), path
        assert app.emulator.workspaces.names() == ["default"]


@pytest.mark.parametrize(
    "path", ["/w", "/w/", "/w//push_subscribe", "/w///", "/w//__admin/health", "/w//__admin"]
)
def test_an_empty_name_is_refused_over_tcp(shared_server: Server, path: str) -> None:
    before = shared_server.get("/__admin/requests").json["recorded"]
    for answer in (shared_server.get(path), shared_server.post(path, BODY)):
        assert answer.status == 400
        assert EMPTY in answer.body.decode()
    assert shared_server.get("/__admin/requests").json["recorded"] == before


@pytest.mark.parametrize("value", ["", " ", "\t"])
def test_an_empty_header_is_refused_over_tcp(shared_server: Server, value: str) -> None:
    header = {"X-Emulator-Workspace": value}
    assert_error(shared_server.post("/push_subscribe", BODY, **header), 400, EMPTY)
    assert_error(shared_server.request("POST", "/__admin/import/preview", b"", header), 400, EMPTY)
    assert_error(shared_server.request("OPTIONS", "/push_subscribe", None, header), 400, EMPTY)


def test_the_page_that_refuses_a_name_leads_back_to_a_workspace_that_is_there(shared_server: Server) -> None:
    page = shared_server.get("/w/NOT-ONE/__console/overview")
    assert page.status == 400
    assert WRONG in page.body.decode()
    assert "/w/NOT-ONE" not in page.body.decode()


def test_making_and_deleting_judges_the_name_too(shared_server: Server) -> None:
    for method in ("PUT", "DELETE"):
        assert_error(shared_server.request(method, "/__admin/workspaces/NOT-ONE"), 400, WRONG)


def test_the_client_takes_an_empty_name_for_no_default(shared_server: Server) -> None:
    with EmulatorClient(shared_server.url, "") as client:
        with pytest.raises(EmulatorError, match="its name is empty"):
            client.health()
        assert client.push(PAGE_TOKEN, [subscription("mine")]).error == 400


@pytest.mark.parametrize("command", ["export", "reset"])
@pytest.mark.parametrize("name", ["", "A", "../x"])
def test_the_command_line_takes_an_impossible_name_for_no_default(
    tmp_path: Path, command: str, name: str
) -> None:
    assert_one_line(run(command, "--state", tmp_path, "--workspace", name), f'{WRONG}, not "{name}"')
