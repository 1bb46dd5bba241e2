"""The peers: what teams put in place of such an endpoint today, each with its nearest to a new token."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.bare import ANSWER
from benchmarks.mixes import NEW_TOKEN, Mix
from benchmarks.packages import Installed, from_npm, from_pip, need
from benchmarks.running import Running, free_port, running

_SIGNED = (
    "AWS4-HMAC-SHA256 Credential=test/20250101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"
)
_FORM = "application/x-www-form-urlencoded"

Start = Callable[[Installed, Path], AbstractContextManager[Running]]


@dataclass(frozen=True)
class PeerSoftware:
    """A peer.

    ``does``: what it does for a request, in words. ``source`` installs ``package`` at ``version``. ``mix``
    makes the started peer ready for its load and answers what that consists of. ``resets``: what it offers
    in place of a reset, in words, with method and path.
    """

    name: str
    does: str
    package: str
    version: str
    source: Callable[[Path, str, str], Installed]
    start: Start
    mix: Callable[[Running], Mix]
    resets: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def install(self, peers_dir: Path, say: Callable[[str], None]) -> Installed:
        """Install it below ``peers_dir`` if it is not there yet. Raises ``InstallError``."""
        say(f"  {self.name}: {self.package} {self.version}")
        return self.source(peers_dir / self.package.replace("/", "-").strip("@"), self.package, self.version)


def _ask(url: str, body: bytes, headers: Mapping[str, str]) -> str:
    with urllib.request.urlopen(urllib.request.Request(url, body, dict(headers)), timeout=60) as answer:
        return str(answer.read().decode())


# moto: AWS, emulated in Python.


def _start_moto(name: str) -> Start:
    def start(installed: Installed, folder: Path) -> AbstractContextManager[Running]:
        port = free_port()
        command = [installed.python, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        return running(name, command, folder, port=port, ready_path="/moto-api/data.json")

    return start


def _sns(server: Running) -> Mix:
    headers = {"Content-Type": _FORM, "Authorization": _SIGNED.format("sns")}
    asked = "Action=CreatePlatformApplication&Version=2010-03-31&Name=app&Platform=GCM"
    asked += "&Attributes.entry.1.key=PlatformCredential&Attributes.entry.1.value=secret"
    answer = _ask(server.url, asked.encode(), headers)
    application = answer.split("<PlatformApplicationArn>")[1].split("<")[0]
    body = "Action=CreatePlatformEndpoint&Version=2010-03-31"
    body += f"&PlatformApplicationArn={urllib.parse.quote(application)}"
    return Mix(
        "sns",
        "new endpoint",
        f'return wrk.format("POST", "/", nil, "{body}&Token=" .. fresh_token())',
        headers=headers,
    )


def _dynamodb(server: Running) -> Mix:
    headers = {"Content-Type": "application/x-amz-json-1.0", "Authorization": _SIGNED.format("dynamodb")}
    table = {
        "TableName": "push",
        "KeySchema": [{"AttributeName": "token", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "token", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    target = "DynamoDB_20120810."
    _ask(server.url, json.dumps(table).encode(), {**headers, "X-Amz-Target": target + "CreateTable"})
    request = (
        'return wrk.format("POST", "/", nil, \'{"TableName":"push","Item":{"token":{"S":"\''
        ' .. fresh_token() .. \'"},"provider":{"S":"android-firebase"},"status":{"S":"subscribed"}}}\')'
    )
    return Mix("dynamodb", "put item", request, headers={**headers, "X-Amz-Target": target + "PutItem"})


# localstripe: Stripe, emulated in Python. Its own command listens on every address and keeps its state in a
# fixed file; this starts the same application on 127.0.0.1 with the file in the folder of the run, and
# without its access log.
_LOCALSTRIPE = """
import sys
from aiohttp import web
from localstripe import resources
from localstripe.server import app
resources.open = lambda file, mode: open("localstripe.pickle", mode)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None)
"""


def _start_localstripe(installed: Installed, folder: Path) -> AbstractContextManager[Running]:
    port = free_port()
    command = [installed.python, "-c", _LOCALSTRIPE, str(port)]
    return running("localstripe", command, folder, port=port, ready_path="/js.stripe.com/v3/")


def _customer(server: Running) -> Mix:
    headers = {"Content-Type": _FORM, "Authorization": "Bearer sk_test_12345"}
    request = 'return wrk.format("POST", "/v1/customers", nil, "description=" .. fresh_token())'
    return Mix("customer", "new customer", request, headers=headers)


# Mock servers: they get the very requests that the emulator gets, and answer the page's example.


def _push_itself(server: Running) -> Mix:
    return NEW_TOKEN


def _start_mockoon(installed: Installed, folder: Path) -> AbstractContextManager[Running]:
    port = free_port()
    answer = {
        "uuid": "3f1cbb9e-4c63-4f0c-a1b5-0d6a3e5f7a11",
        "statusCode": 200,
        "headers": [{"key": "Content-Type", "value": "application/json"}],
        "body": json.dumps(ANSWER).replace("%subscriptionid%", "{{body 'subscriptions.0.subscription_id'}}"),
        "bodyType": "INLINE",
        "default": True,
    }
    route = {
        "uuid": "b1f3d0ac-92cb-4d0f-9a53-6a5b1b0f7c22",
        "type": "http",
        "method": "post",
        "endpoint": "push_subscribe",
        "responses": [answer],
    }
    environment = {
        "uuid": "5a0e1d52-6d3d-4a6e-8f49-2b0d6a9c4e33",
        "lastMigration": 33,
        "name": "push",
        "port": port,
        "hostname": "127.0.0.1",
        "routes": [route],
        "rootChildren": [{"type": "route", "uuid": route["uuid"]}],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "push.json").write_text(json.dumps(environment))
    command = ["node", installed.file("node_modules/@mockoon/cli/bin/run.js"), "start", "--repair"]
    command += [
        "--disable-log-to-file",
        "--disable-admin-api",
        "--hostname",
        "127.0.0.1",
        "--data",
        "push.json",
    ]
    return running("Mockoon", command, folder, port=port, ready_path=None)


def _start_prism(installed: Installed, folder: Path) -> AbstractContextManager[Running]:
    port = free_port()
    words = {"type": "string"}
    subscription: dict[str, object] = {"type": "object", "required": ["provider", "subscription_id"]}
    subscription |= {
        "properties": {"provider": words, "subscription_id": words, "unsubscribe": {"type": "boolean"}}
    }
    request: dict[str, object] = {"type": "object", "required": ["resource_token", "subscriptions"]}
    request |= {
        "properties": {"resource_token": words, "subscriptions": {"type": "array", "items": subscription}}
    }
    operation = {
        "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
        "responses": {"200": {"description": "ok", "content": {"application/json": {"example": ANSWER}}}},
    }
    document = {
        "openapi": "3.0.3",
        "info": {"title": "push", "version": "1"},
        "paths": {"/push_subscribe": {"post": operation}},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "openapi.json").write_text(json.dumps(document))
    command = [
        "node",
        installed.file("node_modules/@stoplight/prism-cli/dist/index.js"),
        "mock",
        "openapi.json",
    ]
    command += ["--host", "127.0.0.1", "--port", str(port), "--verboseLevel", "error"]
    return running("Prism", command, folder, port=port, ready_path=None)


def _start_wiremock(installed: Installed, folder: Path) -> AbstractContextManager[Running]:
    need("java")
    port = free_port()
    stub = {
        "request": {"method": "POST", "urlPath": "/push_subscribe"},
        "response": {"status": 200, "jsonBody": ANSWER, "headers": {"Content-Type": "application/json"}},
    }
    (folder / "mappings").mkdir(parents=True, exist_ok=True)
    (folder / "mappings" / "push.json").write_text(json.dumps(stub))
    command = ["java", "-jar", installed.file("node_modules/wiremock/**/wiremock-standalone-*.jar")]
    command += ["--bind-address", "127.0.0.1", "--port", str(port), "--root-dir", ".", "--disable-banner"]
    return running("WireMock", command, folder, port=port, ready_path="/__admin/mappings")


_SNS, _DYNAMODB = "moto SNS", "moto DynamoDB"
PEERS: tuple[PeerSoftware, ...] = (
    PeerSoftware(
        _SNS,
        "CreatePlatformEndpoint, state kept",
        "moto[server]",
        "5.2.5",
        from_pip,
        _start_moto(_SNS),
        _sns,
        {"reset of everything": ("POST", "/moto-api/reset")},
    ),
    PeerSoftware(
        _DYNAMODB, "PutItem, state kept", "moto[server]", "5.2.5", from_pip, _start_moto(_DYNAMODB), _dynamodb
    ),
    PeerSoftware(
        "localstripe",
        "a new customer, state kept",
        "localstripe",
        "1.15.10",
        from_pip,
        _start_localstripe,
        _customer,
    ),
    PeerSoftware(
        "Mockoon",
        "a template with the token",
        "@mockoon/cli",
        "9.9.0",
        from_npm,
        _start_mockoon,
        _push_itself,
    ),
    # The newest version that runs on Node 20.
    PeerSoftware(
        "Prism",
        "a constant, request validated",
        "@stoplight/prism-cli",
        "5.14.2",
        from_npm,
        _start_prism,
        _push_itself,
    ),
    PeerSoftware(
        "WireMock",
        "a constant, requests kept",
        "wiremock",
        "3.13.2",
        from_npm,
        _start_wiremock,
        _push_itself,
        {
            "reset of mappings and journal": ("POST", "/__admin/reset"),
            "reset of the journal": ("DELETE", "/__admin/requests"),
            "reset of scenarios": ("POST", "/__admin/scenarios/reset"),
        },
    ),
)
