"""The emulator for a test: arrangements and expectations."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from push_emulator.answers import PushAnswer
from push_emulator.arguments import dictionary
from push_emulator.emulator_client import EmulatorClient, subscription
from push_emulator.journal_answers import RecordedRequest
from push_emulator.masking import mask
from push_emulator.record_answers import ProfileRecord
from push_emulator.waiting import refuse_on_loop

__tracebackhide__ = True  # pytest shows a failure at the test's line
#: The title of the list of requests in a failure.
WHAT_CAME = "what came, newest first"


class PushEmulator:
    """One test's workspace.

    ``client``: the whole API. ``resource_token``: the token that :meth:`push` uses. ``fault``, ``freeze``,
    ``advance``, ``reset`` are ``client.faults.arm``, ``client.clock.freeze``, ``client.clock.advance`` and
    ``client.reset``.
    """

    def __init__(self, client: EmulatorClient, resource_token: str | None = None) -> None:
        self.client = client
        self.resource_token = resource_token
        #: Arm a fault: ``fault(status=503, times=2)``, ``fault("connection_reset", after=True)``.
        self.fault = client.faults.arm
        #: Freeze the workspace's time: ``freeze("2026-01-01T00:00Z")``.
        self.freeze = client.clock.freeze
        #: Move the workspace's time: ``advance("3h")``.
        self.advance = client.clock.advance
        #: Reset to the fixtures: ``reset()``, ``reset(keep=["faults"])``.
        self.reset = client.reset
        self._verifications: list[Verification] = []

    @property
    def url(self) -> str:
        """The address for the app under test: it calls ``/push_subscribe`` below it."""
        return self.client.url

    def verify(
        self, criteria: Mapping[str, Any] | None = None, *, within: float = 0.0, **more: Any
    ) -> Verification:
        """An expectation for the requests that meet all criteria: ``verify(subscription_id="t1").once()``.

        Criteria: those of the journal; ones that are no Python names (``field.NAME``) go into the dictionary.
        ``within``: seconds to wait for requests that are still to come, at most 60. In an asyncio test:
        ``await verify(subscription_id="t1").once_async(within=2)``.
        """
        verification = Verification(self.client, {**dictionary("criteria", criteria or {}), **more}, within)
        self._verifications.append(verification)
        return verification

    def events(
        self,
        name: str | None = None,
        criteria: Mapping[str, Any] | None = None,
        *,
        within: float = 0.0,
        **more: Any,
    ) -> Verification:
        """An expectation for the events that an SDK reports: ``events("purchase").once()``.

        ``name``: a mobile event's; without it: ``events(kind="open", smid="m1").once()``. Criteria: those of
        ``GET /__admin/events``; parts of an object as a dictionary: ``payload={"sum": 5}``.
        ``within``: as for :meth:`verify`.
        """
        named = {} if name is None else {"name": name}
        wanted = _by_parts({**named, **dictionary("criteria", criteria or {}), **more})
        verification = Verification(self.client, wanted, within, "events")
        self._verifications.append(verification)
        return verification

    def requests(self, criteria: Mapping[str, Any] | None = None, **more: Any) -> list[RecordedRequest]:
        """The requests that meet all criteria, newest first."""
        return list(self.client.requests.all(criteria, **more))

    def profile(
        self,
        db_id: int | None = None,
        *,
        id: str | None = None,
        subscriptions: Sequence[Mapping[str, Any]] = (),
        fields: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> ProfileRecord:
        """A new profile, by default in the first database: ``profile(CustomNumber1=5)``.

        ``more`` are fields; ``subscriptions`` are as in fixtures: resource_id, provider, subscription_id,
        status.
        """
        if db_id is None:
            db_id = self.client.databases.find(limit=1).items[0].id
        values = {**dictionary("fields", fields or {}), **more}
        return self.client.profiles.create(db_id, id=id, fields=values, subscriptions=subscriptions)

    def push(
        self,
        *subscriptions: str | Mapping[str, Any],
        provider: str = "android-firebase",
        unsubscribe: bool | None = None,
        resource_token: str | None = None,
        **parameters: Any,
    ) -> PushAnswer:
        """Call the documented endpoint: ``push("t1")``, ``push("t1", unsubscribe=True, id="…")``.

        ``provider`` and ``unsubscribe`` apply to tokens as text; a dictionary is sent as it is.
        ``parameters``: those of the endpoint.
        """
        token = resource_token or self.resource_token
        if token is None:
            raise ValueError("push needs resource_token=…: which resources this server has is not known here")
        if lists := [one for one in subscriptions if not isinstance(one, (str, Mapping))]:
            raise TypeError(f"push: takes each token as an argument of its own, not {lists[0]!r}")
        entries = [
            subscription(one, provider, unsubscribe) if isinstance(one, str) else one for one in subscriptions
        ]
        return self.client.push(token, entries, **parameters)

    @property
    def forgotten(self) -> list[str]:
        """The mistake of each verification that has asked for nothing."""
        return [f"{one} {one.missing}" for one in self._verifications if one.missing]


class Verification:
    """An expectation for the requests or events that meet criteria. One of its methods must be called.

    Each waits up to ``within`` seconds for what is expected; those with only an upper bound watch that long.
    Each raises :class:`~push_emulator.errors.VerificationFailed` with what came and, field by field, what
    the nearest misses have instead. In an asyncio test those that end in ``_async`` let the loop run
    meanwhile, so that the app can send; their ``within`` stands for that of :meth:`PushEmulator.verify`.
    """

    def __init__(
        self, client: EmulatorClient, criteria: Mapping[str, Any], within: float, subject: str = "requests"
    ) -> None:
        self._client = client
        self._criteria = dict(criteria)
        self._within = within
        self._subject = subject
        #: What the test forgot: an expectation, or to await it; "" if nothing.
        self.missing = "expects nothing: end it with .once(), .never(), …"

    def once(self) -> None:
        """Exactly one such request or event came."""
        self._expect("once_async(", exactly=1)

    def times(self, count: int) -> None:
        """Exactly this many came."""
        self._expect(f"times_async({count}, ", exactly=count)

    def never(self) -> None:
        """None came."""
        self._expect("never_async(", exactly=0)

    def at_least(self, count: int) -> None:
        """This many came, or more."""
        self._expect(f"at_least_async({count}, ", at_least=count)

    def at_most(self, count: int) -> None:
        """This many came, or fewer."""
        self._expect(f"at_most_async({count}, ", at_most=count)

    def once_async(self, *, within: float | None = None) -> Coroutine[Any, Any, None]:
        """:meth:`once` for asyncio."""
        return self._expect_async(within, exactly=1)

    def times_async(self, count: int, *, within: float | None = None) -> Coroutine[Any, Any, None]:
        """:meth:`times` for asyncio."""
        return self._expect_async(within, exactly=count)

    def never_async(self, *, within: float | None = None) -> Coroutine[Any, Any, None]:
        """None came; for asyncio."""
        return self._expect_async(within, exactly=0)

    def at_least_async(self, count: int, *, within: float | None = None) -> Coroutine[Any, Any, None]:
        """:meth:`at_least` for asyncio."""
        return self._expect_async(within, at_least=count)

    def at_most_async(self, count: int, *, within: float | None = None) -> Coroutine[Any, Any, None]:
        """:meth:`at_most` for asyncio."""
        return self._expect_async(within, at_most=count)

    def __str__(self) -> str:
        return f"{self._call}({_told(self._criteria)})"

    @property
    def _call(self) -> str:
        """The method of :class:`PushEmulator` that made it."""
        return "verify" if self._subject == "requests" else "events"

    def _expect(self, on_loop: str, **expected: int) -> None:
        self.missing = ""
        if self._within:
            refuse_on_loop(f"await push_emulator.{self._call}(…).{on_loop}within={self._within:g})")
        getattr(self._client, self._subject).verify(self._criteria, within=self._within, **expected)

    def _expect_async(self, within: float | None, **expected: int) -> Coroutine[Any, Any, None]:
        self.missing = "was not awaited: write await before it"
        return self._ask_async(within, expected)

    async def _ask_async(self, within: float | None, expected: Mapping[str, int]) -> None:
        self.missing = ""
        seconds = self._within if within is None else within
        from push_emulator.async_client import beside  # noqa: PLC0415  # whoever awaits has loaded asyncio

        async with beside(self._client) as client:
            await getattr(client, self._subject).verify(self._criteria, within=seconds, **expected)


def _by_parts(criteria: Mapping[str, Any]) -> dict[str, Any]:
    """Criteria with a dotted name for each part of a dictionary or list: ``payload.items.0.sku``."""
    flat: dict[str, Any] = {}
    for name, value in criteria.items():
        if (isinstance(value, list) and "." in name) or isinstance(value, Mapping):
            value = value if isinstance(value, Mapping) else dict(enumerate(value))
            flat |= _by_parts({f"{name}.{part}": inner for part, inner in value.items()})
        else:
            flat[name] = value
    return flat


def _told(criteria: Mapping[str, Any]) -> str:
    """Criteria in readable form, with a masked resource token."""
    token = criteria.get("resource_token")
    shown = {**criteria, "resource_token": mask(token)} if isinstance(token, str) else criteria
    return ", ".join(f"{name}={value!r}" for name, value in shown.items())
