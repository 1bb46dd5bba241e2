"""The console is an ordinary Flask application: its pages work under any WSGI server, only not live."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from emulator.app import create_app
from emulator.settings import Settings
from tests.console.pages import PAGES
from tests.server import PAGE_TOKEN, subscription


@pytest.fixture(scope="module")
def client() -> Iterator[FlaskClient]:
    """A test client of an application in memory."""
    app = create_app(Settings(durability="none"))
    yield app.test_client()
    app.extensions["emulator"].close()


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_every_page_is_served(client: FlaskClient, path: str) -> None:
    answer = client.get(path, base_url="http://localhost:8080")

    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"]
    assert "</html>" in answer.text


def test_changes_and_replays_are_made(client: FlaskClient) -> None:
    client.post("/push_subscribe", json={"resource_token": PAGE_TOKEN, "subscriptions": [subscription("t")]})
    page = client.get("/__console/requests/1", base_url="http://localhost:8080")
    [token] = set(re.findall(r'name="form_token" value="([^"]+)"', page.text))
    form = {"form_token": token}

    answer = client.post("/__console/requests/1/replay", data=form, base_url="http://localhost:8080")
    assert (answer.status_code, answer.location) == (303, "/__console/requests/2")
    form |= {"db_id": "17", "profile_id": "59db33d269d426509e9c4bf9"}
    answer = client.post("/__console/base/profile/delete", data=form, base_url="http://localhost:8080")
    assert answer.status_code == 303
    assert client.get("/__admin/health").json["profiles"] == 10  # one was made by the request


@pytest.mark.parametrize("db_ids", ["17;", "all", "9" * 5000])
def test_databases_that_are_no_numbers_are_refused(client: FlaskClient, db_ids: str) -> None:
    page = client.get("/__console/base/resource", base_url="http://localhost:8080")
    [token] = set(re.findall(r'name="form_token" value="([^"]+)"', page.text))
    form = {"form_token": token, "id": "98", "name": "New", "token": "new", "db_ids": db_ids}

    answer = client.post("/__console/base/resource", data=form, base_url="http://localhost:8080")

    assert answer.status_code == 400
    assert "db_ids: must be ids of databases, separated by commas" in answer.text


def test_there_is_no_live_stream(client: FlaskClient) -> None:
    assert client.get("/__console/live", base_url="http://localhost:8080").status_code == 204
