"""The OpenAPI document says what the application does."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from flask import Flask
from msgspec import Struct
from openapi_spec_validator import validate

from emulator.app import create_app
from emulator.cli.openapi import command
from emulator.endpoint.call import PATHS
from emulator.mobile.paths import SERVED
from emulator.settings import Settings
from emulator.web.openapi import views
from emulator.web.openapi.document import openapi_document, schema_documents
from emulator.web.openapi.push import page_examples
from push_emulator import answers, journal_answers, record_answers, workspace_answers
from tests.in_process import InProcess
from tests.server import PAGE_TOKEN, ROOT, Server, subscription

EXAMPLES = json.loads((ROOT / "tests" / "seed" / "examples.json").read_text(encoding="utf-8"))["examples"]
#: The page and its files, and the document itself: not part of the contract.
READERS = {"admin.openapi", "admin.docs", "admin.docs_file"}
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document()


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return create_app(Settings(state=tmp_path / "state", durability="none"))


def _served(app: Flask) -> set[tuple[str, str]]:
    """Method and path of every admin route, as OpenAPI writes them."""
    return {
        (method, re.sub(r"<(?:[^<>]*:)?(\w+)>", r"{\1}", str(rule)))
        for rule in app.url_map.iter_rules()
        if str(rule).startswith("/__admin") and rule.endpoint not in READERS
        for method in (rule.methods or set()) & METHODS
    }


def _described(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (method.upper(), path)
        for path, methods in document["paths"].items()
        for method in methods
        if path.startswith("/__admin")
    }


def test_every_admin_route_is_described(app: Flask, document: dict[str, Any]) -> None:
    assert _served(app) - _described(document) == set(), "serve it by @operation"


def test_every_description_is_of_a_route(app: Flask, document: dict[str, Any]) -> None:
    assert _described(document) - _served(app) == set()


def test_Q2_the_endpoint_is_described_at_both_paths(document: dict[str, Any]) -> None:
    assert {path for path in document["paths"] if not path.startswith("/__")} == {
        *(path for path in PATHS if not path.endswith("/")),
        *SERVED,
    }


def test_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    validate(document)
    assert document["openapi"].startswith("3.1.")


def test_an_answer_leaves_out_what_the_document_does_not_allow_to_be_null() -> None:
    optional = [
        one
        for module in (answers, journal_answers, record_answers, workspace_answers)
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Struct) and None in one.__struct_defaults__
    ]
    assert optional
    assert [one.__name__ for one in optional if not one.__struct_config__.omit_defaults] == []


def test_every_reference_leads_somewhere_in_a_schema_that_stands_alone() -> None:
    for schema in schema_documents().values():
        jsonschema.Draft202012Validator.check_schema(schema)
        for name in re.findall(r'"\$ref": "#/\$defs/(\w+)"', json.dumps(schema)):
            assert name in schema["$defs"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: str(one["name"]))
def test_page_example_is_valid_by_the_schemas(example: dict[str, Any]) -> None:
    schemas = schema_documents()
    jsonschema.validate(example["request"], schemas["push_request.json"])
    text = json.dumps(example["response"]).replace("<hash>", "d58ea463").replace("<profile>", "5f" * 12)
    jsonschema.validate(json.loads(text), schemas["push_answer.json"])


@pytest.mark.parametrize("ours", page_examples(), ids=lambda one: str(one["name"]))
def test_every_example_of_the_page_is_in_the_document(ours: dict[str, Any], document: dict[str, Any]) -> None:
    example = next(one for one in EXAMPLES if one["name"] == ours["name"])
    assert {**ours["request"], "resource_token": ""} == {**example["request"], "resource_token": ""}
    given = json.loads(
        json.dumps(example["response"])
        .replace("<hash>", "d58ea463")
        .replace("<profile>", "5fb62e815ae47a4aa04dfadd")
    )
    assert ours["response"] == given
    assert json.dumps(ours["response"]) in json.dumps(document)


@pytest.mark.parametrize(
    "request_body",
    [
        {"resource_token": "t", "subscriptions": []},
        {"resource_token": "t", "subscriptions": [subscription("a")], "matching": "other"},  # M10
        {"resource_token": "t", "subscriptions": [subscription("a")], "matching": "custom"},  # M3
        {"resource_token": "t", "subscriptions": [subscription("a")], "matching": "profile_id"},  # M2
        {"resource_token": "t", "subscriptions": [subscription("a")], "id": "x" * 65},  # M8
        {"resource_token": "t", "subscriptions": [subscription("")]},
        {"subscriptions": [subscription("a")]},
    ],
)
def test_what_the_server_refuses_is_not_valid_by_the_schema(request_body: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(request_body, schema_documents()["push_request.json"])


@pytest.mark.parametrize(
    ("component", "body"),
    [
        ("Fault", {}),
        ("Fault", {"delay_ms": 0}),
        ("Fault", {"then": None}),
        ("Fault", {"then": {"item_error": "duplicate"}, "apply": "after"}),
        ("Match", {"subscription_id": ""}),
        ("Expect", {"exactly": 1, "at_most": 1}),
        ("Database", {"id": 1, "name": "", "fields": {"": "int"}}),
        ("ProfileEntry", {"db_id": 17, "id": "x" * 65}),
        ("Snapshot", {"format": 1, "databases": [], "resources": [], "profiles": None}),
        ("SnapshotProfile", {"db_id": 17, "id": "a", "created": "today"}),
    ],
)
def test_what_the_admin_api_refuses_is_not_valid_by_its_schema(
    fresh: Server, document: dict[str, Any], component: str, body: dict[str, Any]
) -> None:
    root = {"$ref": f"#/components/schemas/{component}", "components": document["components"]}
    assert not jsonschema.Draft202012Validator(root).is_valid(body)
    sent = {
        "Fault": ("POST", "/faults", body),
        "Match": ("POST", "/faults", {"then": {"status": 503}, "match": body}),
        "Expect": ("POST", "/requests/count", {"match": {"outcome": "ok"}, "expect": body}),
        "Database": ("POST", "/databases", body),
        "ProfileEntry": ("POST", "/profiles", body),
        "Snapshot": ("PUT", "/snapshot", body),
        "SnapshotProfile": (
            "PUT",
            "/snapshot",
            {"format": 1, "databases": [{"id": 17, "name": ""}], "resources": [], "profiles": [body]},
        ),
    }
    method, path, whole = sent[component]
    assert fresh.request(method, f"/__admin{path}", json.dumps(whole).encode()).status == 400


def test_a_body_with_what_the_path_does_not_say_is_needed(document: dict[str, Any]) -> None:
    def needed(path: str) -> bool:
        return bool(document["paths"][path]["post"]["requestBody"]["required"])

    assert needed("/__admin/databases/{db_id}")
    assert needed("/__admin/resources/{resource_id}")
    assert not needed("/__admin/profiles/{db_id}/{profile_id}")
    assert needed("/__admin/faults")


def test_command_writes_document_and_schemas(tmp_path: Path) -> None:
    out, schemas = tmp_path / "openapi.json", tmp_path / "schemas"
    assert CliRunner().invoke(command, ["--out", str(out), "--schemas", str(schemas)]).exit_code == 0
    assert json.loads(out.read_text(encoding="utf-8")) == openapi_document()
    assert sorted(path.name for path in schemas.iterdir()) == sorted(schema_documents())


def test_command_says_where_it_cannot_write(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--out", str(tmp_path / "no" / "openapi.json")])
    assert result.exit_code != 0
    assert "openapi.json: No such file" in result.output


def test_served_document_is_the_same_in_every_workspace_but_for_its_server(
    fresh: Server, document: dict[str, Any]
) -> None:
    assert fresh.get("/__admin/openapi.json").json == document
    below = {**document, "servers": [{"url": "/w/team-a"}]}
    assert fresh.get("/w/team-a/__admin/openapi.json").json == below


def test_page_loads_nothing_from_elsewhere(fresh: Server) -> None:
    page = fresh.get("/w/team-a/__admin/docs/")
    assert page.headers["content-type"].startswith("text/html")
    names = re.findall(r'(?:src|href)="([^"]+)"', page.body.decode())
    assert names
    for name in names:
        answer = fresh.get(f"/w/team-a/__admin/docs/{name}")
        assert answer.status == 200
        assert answer.body
    assert "'self'" in page.headers["content-security-policy"]
    assert "http" not in page.headers["content-security-policy"]


def test_page_without_its_slash_leads_to_it(fresh: Server) -> None:
    answer = fresh.get("/w/team-a/__admin/docs")
    assert (answer.status, answer.headers["location"]) == (302, "/w/team-a/__admin/docs/")


@pytest.mark.parametrize("name", ["nothing.js", "..%2F__init__.py", "oauth2-redirect.html"])
def test_page_serves_its_own_files_only(fresh: Server, name: str) -> None:
    answer = fresh.get(f"/__admin/docs/{name}")
    assert answer.status == 404
    assert answer.json["error"] == 404


def test_contract_is_readable_without_the_admin_token(start_server: Any) -> None:
    server = start_server("--admin-token", "s3cret")
    assert server.get("/__admin/openapi.json").status == 200
    assert server.get("/__admin/docs/").status == 200
    assert server.get("/__admin/requests").status == 401
    assert server.get("/__admin/openapi.json", Host="evil.example").status == 403


def test_answer_of_the_server_is_valid_by_the_schema(fresh: Server) -> None:
    schema = schema_documents()["push_answer.json"]
    for parameters in (
        {"subscriptions": [subscription("new")]},
        {"subscriptions": [subscription("new")]},
        {"subscriptions": [subscription("twice"), subscription("twice")]},
        {"matching": "custom", "field_name": "no", "field_value": 1, "subscriptions": [subscription("x")]},
    ):
        jsonschema.validate(fresh.push(PAGE_TOKEN, **parameters), schema)


def test_the_document_is_made_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes a tenth of a second once, in which others are answered."""
    made_in = []

    def made() -> dict[str, Any]:
        made_in.append(threading.current_thread().name)
        return openapi_document()

    monkeypatch.setattr("emulator.web.openapi.document.openapi_document", made)
    views.contract.cache_clear()
    with InProcess() as world:
        for _ in range(2):
            assert "paths" in world.client.get("/__admin/openapi.json").get_json()
    views.contract.cache_clear()
    assert len(made_in) == 1
    assert made_in[0].startswith("asyncio")
