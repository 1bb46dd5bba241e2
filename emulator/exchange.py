"""One call of the documented endpoint: bytes in, bytes out. Knows no framework; the bridge and Flask call it."""

from __future__ import annotations

import orjson

from emulator.rules.answer import envelope, error_envelope
from emulator.rules.decide import decide
from emulator.rules.lints import content_type_lint, request_lints
from emulator.rules.model import Outcome, RequestError
from emulator.settings import MAX_BODY_BYTES
from emulator.store.errors import StorageUnavailable
from emulator.web.cors import cors_headers, preflight_headers
from emulator.web.push_schema import parse_push_request
from emulator.wire import Answer, Delivery, Incoming, Summary
from emulator.workspace import Workspace

#: Where the endpoint is served (Q2).
PATHS = frozenset(
    path + slash for path in ("/push_subscribe", "/api/v1.1/resources/push_subscribe") for slash in ("", "/")
)
JSON = ("Content-Type", "application/json")


class Exchange:
    """Answers the documented endpoint from a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def accepts(self, path: str) -> bool:
        """Whether this path is the documented endpoint's."""
        return path in PATHS  # Q2

    def handle(self, incoming: Incoming) -> Answer:
        """The answer to one request. Never raises for anything that a client can send."""
        workspace = self._workspace
        headers = cors_headers(incoming.headers)
        if incoming.method == "OPTIONS":  # Q4
            return Answer(204, preflight_headers(incoming.headers), b"")
        try:
            outcome = self._carry_out(workspace, incoming)
        except RequestError as error:
            return self._refused(workspace, error, headers)
        except StorageUnavailable as error:
            return self._refused(workspace, _unavailable(error), headers)
        body = orjson.dumps(envelope(outcome.error, outcome.items))
        answer = Answer(200, [JSON, *headers], body, Summary(outcome.error, outcome.ok, outcome.failed))
        if workspace.store.storage.unsynced:
            answer.delivery = Delivery(wait=self._durable(workspace, headers))
        return answer

    def _carry_out(self, workspace: Workspace, incoming: Incoming) -> Outcome:
        if incoming.method != "POST":
            raise RequestError(405, f"Method {incoming.method} is not allowed, use POST", "A3")
        if incoming.problem == "too_large":
            raise RequestError(413, f"body: must be at most {MAX_BODY_BYTES} bytes", "A3")
        if incoming.problem == "cut_off":
            raise RequestError(400, "body: was cut off before its end", "A3")
        request, lints = parse_push_request(incoming.body, workspace.strict)
        store = workspace.store
        outcome = decide(request, store, workspace.policies, workspace.clock, workspace.ids)
        lint = content_type_lint(incoming.headers.get("content-type"))
        if lint is not None:
            lints.append(lint)
        lints += request_lints(
            request, outcome.resource, [store.database(db_id) for db_id in outcome.resource.db_ids]
        )
        if outcome.changes:
            store.apply(outcome.changes)  # A6
        workspace.decided.update(rule for rule, _, _ in outcome.decided)
        return outcome

    def _refused(self, workspace: Workspace, error: RequestError, headers: list[tuple[str, str]]) -> Answer:
        workspace.decided.update((error.rule, "A3"))
        status = error.code if workspace.policies.http_status == "mirror" else 200  # A3
        extra = [("Allow", "POST, OPTIONS")] if error.code == 405 else []
        body = orjson.dumps(error_envelope(error.code, error.text))
        return Answer(status, [JSON, *extra, *headers], body, Summary(error.code))

    async def _durable(self, workspace: Workspace, headers: list[tuple[str, str]]) -> Answer | None:
        try:
            await workspace.group_commit.wait()
        except StorageUnavailable as error:
            return self._refused(workspace, _unavailable(error), headers)
        return None


def _unavailable(error: StorageUnavailable) -> RequestError:
    return RequestError(500, f"nothing was changed: {error}", "A3")
