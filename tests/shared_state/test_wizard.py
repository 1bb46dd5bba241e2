"""The import wizard of the console behind a balancer: no two requests of a person reach the same emulator."""

from __future__ import annotations

import re
from html import unescape
from itertools import cycle
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.postgres import Postgres
from tests.shared_state import Emulator
from tests.waiting import until

TABLE = "номер;token\n100;t:1\n200;t:2\n".encode("cp1251")


class Person:
    """A browser; each request goes to the next emulator."""

    def __init__(self, emulators: list[Emulator], name: str) -> None:
        self._urls = cycle(one.url for one in emulators)
        self.prefix = f"/w/{name}"
        self._client = httpx.Client(headers={"Host": "localhost"}, timeout=30, trust_env=False)

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request, and what it leads to."""
        answer = self._client.request(method, next(self._urls) + path, **more)
        return self.send("GET", answer.headers["location"]) if answer.status_code == 303 else answer

    def choose(self, table: bytes = TABLE) -> httpx.Response:
        """The first step: the page of the columns."""
        path = f"{self.prefix}/__console/import"
        hidden = fields(self.send("GET", path).text, path)
        values = hidden | {"resource_id": "5", "provider": "ios-apns"}
        return self.send("POST", path, data=values, files={"file": ("tokens.csv", table)})

    def submit(self, page: httpx.Response, path: str, **values: str) -> httpx.Response:
        """Send a page's form."""
        return self.send("POST", path, data=fields(page.text, path) | values)

    def job(self, page: httpx.Response) -> httpx.Response:
        """The page of an import that has ended."""
        return until(lambda: "http-equiv" not in (now := self.send("GET", where(page))).text and now)


def fields(html: str, action: str) -> dict[str, str]:
    """The hidden fields of a form that is posted."""
    (form, *_) = [one for one in html.split('<form method="post"')[1:] if f'action="{action}"' in one]
    found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.partition("</form>")[0])
    return {name: unescape(value) for name, value in found}


def where(page: httpx.Response) -> str:
    return page.url.raw_path.decode()


@pytest.fixture
def change_rows(three: list[Emulator], postgres: Postgres) -> Any:
    """Carries a statement out."""
    return lambda text: postgres.run(text, three[0].state)


def test_each_step_of_the_wizard_may_reach_another_emulator(three: list[Emulator]) -> None:
    person = Person(three, "wizard")
    page = person.choose()
    assert (page.status_code, "номер" in page.text, "tokens.csv" in page.text) == (200, True, True)
    path = where(page)
    again = {"encoding": "koi8-r", "delimiter": "semicolon", "quote": '"', "header": "yes"}
    page = person.send("GET", f"{path}?{urlencode(again)}")
    assert (page.status_code, "номер" in page.text) == (200, False)
    columns = {"token_column": "token", "by": "push", "value_column": "token", "field": ""}
    page = person.job(person.submit(page, path, **columns, dry_run="1"))
    assert (page.status_code, "finished" in page.text, "koi8-r" in page.text) == (200, True, True)
    assert three[0].get("/w/wizard/__admin/subscriptions?provider=ios-apns").json["total"] == 1
    page = person.job(person.submit(page, path))
    assert "koi8-r" in page.text
    for one in three:
        assert one.get("/w/wizard/__admin/subscriptions?provider=ios-apns").json["total"] == 3


def test_remarks_are_shown_once_whichever_emulator_shows_them(three: list[Emulator]) -> None:
    person = Person(three, "remarks")
    page = person.choose(b"number;token\n1E+10;t:1\n2E+10;t:2\n")
    path = where(page)
    columns = {"token_column": "token", "by": "field", "value_column": "number", "field": "nickname"}
    page = person.submit(page, path, **columns)
    assert ('class="note"' in page.text, "http-equiv" in page.text) == (True, False)
    assert fields(page.text, path)["form_shown"]
    page = person.job(person.submit(page, path, **columns))
    assert "finished" in page.text


def test_a_step_that_the_database_has_repeated_is_done_once(three: list[Emulator], change_rows: Any) -> None:
    person = Person(three, "repeated")
    page = person.choose()
    path = where(page)
    for statement in (
        "CREATE SEQUENCE steps",
        "CREATE FUNCTION repeat_step() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF nextval('steps') % 3 <> 0 THEN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END IF;"
        " RETURN NULL; END $$",
        "CREATE TRIGGER repeats AFTER UPDATE OF number ON emulator_workspaces FOR EACH ROW"
        " WHEN (NEW.name = 'repeated') EXECUTE FUNCTION repeat_step()",
    ):
        change_rows(statement)
    columns = {"token_column": "token", "by": "push", "value_column": "token", "field": ""}
    page = person.job(person.submit(page, path, **columns))
    change_rows("DROP TRIGGER repeats ON emulator_workspaces")
    jobs = three[0].get("/w/repeated/__admin/imports").json
    assert [(one["state"], one["counts"]["added"]) for one in jobs["items"]] == [("finished", 2)]


def test_eight_files_wait_for_a_day_whichever_emulators_got_them(
    three: list[Emulator], change_rows: Any
) -> None:
    person = Person(three, "crowded")
    paths = [where(person.choose()) for _ in range(9)]
    for one in range(3):
        until(lambda: person.send("GET", paths[0]).status_code == 404)
        assert person.send("GET", paths[1]).status_code == 200, one
    waiting = "SELECT count(*) FROM emulator_uploads"
    assert change_rows(waiting) == [(8,)]
    last = paths[-1].rpartition("/")[2]
    change_rows(f"UPDATE emulator_uploads SET made = made - interval '25 hours' WHERE file = '{last}'")
    until(lambda: not change_rows(f"SELECT file FROM emulator_uploads WHERE file = '{last}'"))
    assert {person.send("GET", paths[-1]).status_code for _ in three} == {404}


def test_a_successor_inherits_no_file_that_waits_at_another_emulator(
    three: list[Emulator], change_rows: Any
) -> None:
    person = Person(three, "left")
    path = where(person.choose())
    assert {person.send("GET", path).status_code for _ in three} == {200}
    assert three[0].request("DELETE", "/__admin/workspaces/left").status == 200
    for one in three:
        assert one.request("PUT", "/__admin/workspaces/left").status == 200
        assert person.send("GET", path).status_code == 404
    file_id = path.rpartition("/")[2]
    change_rows(f"UPDATE emulator_files SET seen = '-infinity' WHERE id = '{file_id}'")
    until(lambda: change_rows(f"SELECT part FROM emulator_file_parts WHERE file = '{file_id}'") == [])
