"""The client: one object for one workspace of one server."""

from __future__ import annotations

import ssl
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from push_emulator.answers import PushAnswer
from push_emulator.arguments import dictionaries, dictionary, listed
from push_emulator.calls import TIMEOUT_S, Calls, given
from push_emulator.journal import Events, Requests
from push_emulator.records import Databases, Profiles, Resources, Subscriptions
from push_emulator.workspace_answers import Health, RuleState
from push_emulator.world import ClockCalls, Faults, Imports, SettingsCalls, WorkspaceList

__tracebackhide__ = True


def subscription(
    subscription_id: str, provider: str = "android-firebase", unsubscribe: bool | None = None
) -> dict[str, Any]:
    """One entry of a push request's ``subscriptions``."""
    entry: dict[str, Any] = {"provider": provider, "subscription_id": subscription_id}
    if unsubscribe is not None:
        entry["unsubscribe"] = unsubscribe
    return entry


class EmulatorClient(AbstractContextManager["EmulatorClient"]):
    """The documented endpoint and the admin API of one workspace.

    ``url``: the server's address; ``workspace``: its name (the default one if not given); ``admin_token``:
    what the server was started with; ``verify``: which certificates are trusted, for a server with a
    certificate of its own (SSL_CERT_FILE names a file of them, too). Give ``client.url`` to the app under
    test as its address.
    Admin calls raise :class:`EmulatorError`; a text in place of a list is a :class:`TypeError`. Close it,
    or use it in a ``with``.
    """

    def __init__(
        self,
        url: str,
        workspace: str | None = None,
        admin_token: str | None = None,
        timeout_s: float = TIMEOUT_S,
        verify: bool | ssl.SSLContext = True,
    ) -> None:
        self._use(Calls(url, workspace, admin_token, timeout_s, verify))

    @classmethod
    def over(cls, calls: Calls) -> EmulatorClient:
        """A client that sends these calls."""
        client = cls.__new__(cls)
        client._use(calls)
        return client

    def _use(self, calls: Calls) -> None:
        self._calls = calls
        self.workspace = calls.workspace
        self.requests = Requests(self._calls)
        self.events = Events(self._calls)
        self.faults = Faults(self._calls)
        self.clock = ClockCalls(self._calls)
        self.settings = SettingsCalls(self._calls)
        self.workspaces = WorkspaceList(self._calls)
        self.imports = Imports(self._calls)
        self.databases = Databases(self._calls)
        self.resources = Resources(self._calls)
        self.profiles = Profiles(self._calls)
        self.subscriptions = Subscriptions(self._calls)

    @property
    def url(self) -> str:
        """The workspace's address: below it stand ``/push_subscribe`` and ``/__admin``."""
        return self._calls.url

    def in_workspace(self, name: str) -> EmulatorClient:
        """A client for another workspace of the server; it works as long as this one is not closed."""
        return EmulatorClient.over(self._calls.to(name))

    def push(
        self,
        resource_token: str,
        subscriptions: Iterable[Mapping[str, Any]],
        *,
        id: str | None = None,
        db_ids: Iterable[int] | None = None,
        matching: str | None = None,
        field_name: str | None = None,
        field_value: str | int | float | bool | None = None,
        request_id: str | None = None,
        **more: Any,
    ) -> PushAnswer:
        """Call the documented endpoint; ``more``: parameters that this method does not name.

        It returns the answer for any code, because tests expect errors, too. ``request_id`` is sent as
        Request-ID. Raises ``httpx.TransportError`` for a broken connection and :class:`EmulatorError`
        for an answer that is not the documented envelope.
        """
        parameters = given(
            id=id,
            db_ids=None if db_ids is None else listed("db_ids", db_ids, "ids"),
            matching=matching,
            field_name=field_name,
            field_value=field_value,
        )
        entries = dictionaries("subscriptions", subscriptions)
        document = {"resource_token": resource_token, "subscriptions": entries, **parameters, **more}
        headers = {} if request_id is None else {"Request-ID": request_id}
        return self._calls.push(document, headers)

    def health(self) -> Health:
        """The state of the server, and the contents of the workspace."""
        return self._calls.ask(Health, "GET", "/health")

    def reset(self, keep: Collection[str] = ()) -> None:
        """Reset to the fixtures; ``keep``: some of settings, clock, faults, requests, events."""
        kept = sorted(listed("keep", keep, "names"))
        return self._calls.do("POST", "/reset", {"keep": kept} if kept else {})

    def snapshot(self) -> dict[str, Any]:
        """The whole workspace as one document."""
        return self._calls.ask(dict[str, Any], "GET", "/snapshot")

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Replace everything by a snapshot of this workspace or another: all or nothing."""
        return self._calls.do("PUT", "/snapshot", dictionary("snapshot", snapshot))

    def rules(self) -> list[RuleState]:
        """Every rule of the specification, with how often it has decided."""
        return self._calls.ask(list[RuleState], "GET", "/rules", member="items")

    def metrics(self) -> str:
        """The metrics in Prometheus' text format."""
        return self._calls.text("GET", "/metrics")

    def openapi(self) -> dict[str, Any]:
        """The contract of the endpoint and of the admin API."""
        return self._calls.ask(dict[str, Any], "GET", "/openapi.json")

    def close(self) -> None:
        """Close the connections."""
        self._calls.close()

    def __exit__(self, *error: object) -> None:
        self.close()
