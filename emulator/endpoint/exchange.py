"""One call of the endpoint or of a mobile SDK: bytes in, bytes out. The bridge and Flask call it."""

from time import perf_counter

import msgspec

from emulator.endpoint.answering import Postponed, answer_call, error_answer, refuse
from emulator.endpoint.call import PATHS, PushCall, record
from emulator.endpoint.cors import cors_headers, preflight_headers
from emulator.endpoint.health import asks_for_health, health_of
from emulator.messages import JSON, Answer, Delivery, Incoming, read_query
from emulator.mobile.call import SdkCall as MobileCall
from emulator.mobile.paths import served_path
from emulator.rules.errors import Refused, TooMany
from emulator.rules.model import Changes
from emulator.store.errors import Unavailable
from emulator.store.freeing import free_later
from emulator.workspaces.errors import refusal
from emulator.workspaces.names import WORKSPACE_HEADER, chosen_name
from emulator.workspaces.registry import Workspaces
from emulator.workspaces.workspace import Workspace

_HEADER = WORKSPACE_HEADER.lower()


class Exchange:
    """Answers the endpoint, the mobile SDKs' calls, the health and all unknown paths, from the workspaces."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    def accepts(self, incoming: Incoming) -> bool:
        """Whether the request is answered here; the console's and the admin API's others are not."""
        path = incoming.endpoint
        return path != "/" and (not path.startswith("/__") or asks_for_health(incoming))

    def handle(self, incoming: Incoming) -> Answer:
        """Answer one request, and record it in the journal; no request makes it raise."""
        if incoming.endpoint.startswith("/__"):
            return self._health(incoming)
        since = perf_counter()
        cors = cors_headers(incoming.headers)
        served = incoming.endpoint in PATHS
        mobile = None if served else served_path(incoming.endpoint)
        try:
            name = chosen_name(incoming.workspace, incoming.headers.get(_HEADER))
            workspace, no_room = self._workspaces.ready(name), None
            if workspace is None and not self._workspaces.is_ready(name):
                return self._when_ready(name, incoming)
            if workspace is None:
                makes = (served or mobile is not None) and incoming.method == "POST"
                workspace, no_room = self._workspace(name, makes)
        except Refused as error:
            return error_answer(error, cors, mobile=mobile)
        if served and incoming.method == "OPTIONS":  # Q4
            return Answer(204, preflight_headers(incoming.headers), b"")
        call = PushCall(incoming, workspace, since, cors if served else [])
        if mobile is not None:
            query = read_query(incoming.query)
            call.mobile, call.text = MobileCall(workspace, mobile, incoming, query, call.lints), ""
        try:
            answer = answer_call(call) if no_room is None else refuse(call, no_room)
        except Postponed as postponed:
            wait = self._answer_beside(name, call, postponed)
            return Answer(200, [], b"", delivery=Delivery(wait=wait, busy=self._workspaces.in_use(name)))
        if answer.delivery is not None:
            answer.delivery.busy = self._workspaces.in_use(name)
            if answer.delivery.wait is not None:
                return answer  # recorded when the disk has it
        record(call, answer)
        return answer

    def refuse(self, incoming: Incoming, error: Refused) -> Answer:
        """The answer to a request that is refused before it is looked at."""
        served = incoming.endpoint in PATHS
        mobile = None if served else served_path(incoming.endpoint)
        return error_answer(error, cors_headers(incoming.headers) if served else [], mobile)

    def _when_ready(self, name: str, incoming: Incoming) -> Answer:
        wait = self._handle_when_ready(name, incoming)
        return Answer(200, [], b"", delivery=Delivery(wait=wait, busy=self._workspaces.in_use(name)))

    async def _handle_when_ready(self, name: str, incoming: Incoming) -> Answer:
        try:
            await self._workspaces.until_ready(name)
        except Refused as error:
            return error_answer(error, cors_headers(incoming.headers))
        return await self.handle(incoming).settled()

    async def _answer_beside(self, name: str, call: PushCall, postponed: Postponed) -> Answer:
        """The answer to a call that takes long, worked out beside the requests of other workspaces."""
        workspace, incoming, mobile = call.workspace, call.incoming, call.mobile
        again = PushCall(incoming, workspace, call.since, call.cors, text=call.text)
        if mobile is not None:
            again.mobile = MobileCall(workspace, mobile.path, incoming, mobile.query, again.lints)
        try:
            async with workspace.store.alone():
                if workspace not in self._workspaces:  # it was deleted meanwhile
                    return await self._handle_when_ready(name, incoming)
                answer = await workspace.store.beside(lambda: answer_call(again, postponed))
        except Unavailable as error:
            answer = refuse(again, refusal(error))
        changes = Changes() if again.outcome is None else again.outcome.changes
        if answer.delivery is not None and answer.delivery.wait is not None:
            answer = await answer.settled()
        else:
            record(again, answer)
        free_later([*changes.subscriptions], [*changes.moved])
        return answer

    def _health(self, incoming: Incoming) -> Answer:
        try:
            name = chosen_name(incoming.workspace, incoming.headers.get(_HEADER))
            if self._workspaces.is_opening(name):  # one that is changed in steps is asked all the same
                return self._when_ready(name, incoming)
            return Answer(200, [JSON], msgspec.json.encode(health_of(self._workspaces, name)))
        except (Refused, Unavailable) as error:
            return error_answer(refusal(error), [])

    def _workspace(self, name: str, make: bool) -> tuple[Workspace, Refused | None]:
        """The workspace, created if ``make`` says so; with the refusal where there are too many already."""
        if make:
            try:
                return self._workspaces.get(name), None
            except Refused as error:
                if not isinstance(error, TooMany):
                    raise
                return self._workspaces.look(name), error
        return self._workspaces.look(name), None
