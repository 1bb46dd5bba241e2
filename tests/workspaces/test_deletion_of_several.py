"""``DELETE /__admin/workspaces``: several workspaces by one call."""

from __future__ import annotations

import pytest

from tests.server import Reply, Server
from tests.workspaces.test_workspace_ends import BODY, start_import


def delete(server: Server, names: str) -> Reply:
    """The answer to the call for these names."""
    return server.request("DELETE", f"/__admin/workspaces?names={names}")


def listed(server: Server) -> list[str]:
    """The names of all workspaces."""
    return [one["name"] for one in server.get("/__admin/workspaces").json["items"]]


def make(server: Server, *names: str) -> None:
    """Make workspaces by a push to each."""
    for name in names:
        assert server.post(f"/w/{name}/push_subscribe", BODY).status == 200


def test_those_that_are_there_are_deleted_with_their_files_and_named(server: Server) -> None:
    make(server, "one", "two", "three")
    server.stop()
    server.start()
    make(server, "two")  # it is open, the others are only on the disk
    assert delete(server, "two,missing,one,two").json == {"deleted": ["two", "one"]}
    assert listed(server) == ["default", "three"]
    assert [path.name for path in server.state.glob("*.json")] == ["three.json"]
    assert server.get("/w/one/__admin/health").json["profiles"] == 10
    assert delete(server, "one").json == {"deleted": []}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("one,default", "the default workspace cannot be deleted, only reset"),
        *(
            (names, "names: must be 1 to 100 names of 1 to 64 of a-z 0-9 - _, separated by commas")
            for names in ("", "one,", "one,NOT-ONE", "one, two", ",".join(["one"] * 101))
        ),
        ("one%0A", "workspace: its name must be 1 to 64 of a-z 0-9 - _"),
        ("one&name=two", 'name: unknown key, did you mean "names"?'),
    ],
)
def test_a_wrong_list_of_names_is_refused_and_none_is_deleted(fresh: Server, names: str, said: str) -> None:
    make(fresh, "one")
    answer = delete(fresh, names.replace(" ", "%20"))
    assert (answer.status, answer.json["error_text"]) == (400, said)
    assert "one" in listed(fresh)


def test_names_are_required(fresh: Server) -> None:
    answer = fresh.request("DELETE", "/__admin/workspaces")
    assert (answer.status, answer.json["error_text"]) == (400, "names: is required")


def test_an_import_in_one_of_them_stops(fresh: Server) -> None:
    job = start_import(fresh, "importing")
    make(fresh, "beside")
    assert delete(fresh, "beside,importing").json == {"deleted": ["beside", "importing"]}
    make(fresh, "importing")
    assert fresh.get(f"/w/importing/__admin/imports/{job['id']}").status == 404
    assert fresh.get("/w/importing/__admin/health").json["profiles"] == 11  # nothing of it came after


def test_where_the_disk_refuses_one_those_before_it_are_deleted(server: Server) -> None:
    make(server, "a", "b", "c")
    (server.state / "b.json.deleted").write_text("a file of somebody else")
    answer = delete(server, "a,b,c")
    assert answer.status == 500
    assert answer.json["error_text"].startswith("workspace b was not deleted: another file is in the way")
    assert listed(server) == ["b", "c", "default"]
