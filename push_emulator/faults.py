"""``/__admin/faults``: errors, delays and broken connections on demand."""

from __future__ import annotations

from typing import Any

from push_emulator.answers import ArmedFault, CallName, Disarmed, ItemError, Page, Spoil
from push_emulator.calls import Subject, given


class Faults(Subject):
    """The workspace's armed faults."""

    def arm(
        self,
        then: Spoil | None = None,
        *,
        status: int | None = None,
        error: int | None = None,
        error_text: str | None = None,
        item_error: ItemError | None = None,
        rate_limit: float | None = None,
        delay_ms: int | tuple[int, int] | None = None,
        times: int | None = None,
        probability: float | None = None,
        after: bool | None = None,
        provider: str | None = None,
        subscription_id: str | None = None,
        resource_token: str | None = None,
        field_value: str | int | float | bool | None = None,
        call: CallName | None = None,
        profile_id: str | None = None,
        event: str | None = None,
    ) -> ArmedFault:
        """Arm a fault.

        Effect: ``then``, a broken connection or body; or ``status`` (400–599) with ``error`` and
        ``error_text``, an error answer; or ``item_error`` in every item; or ``rate_limit``, 429 beyond this
        many requests a second. ``delay_ms`` delays the answer, with or without one of these; a pair gives
        the bounds of a random delay. Number: ``times`` (default: unlimited), ``probability`` 0–1. ``after``:
        the state changes, then the answer is lost. Requests: those with this ``provider``,
        ``subscription_id``, ``resource_token``, ``field_value``, ``call`` (``"subscribe"``, ``"status"`` …),
        ``profile_id``, ``event`` (the name of a mobile event); all if none is given.

        Raises :class:`~push_emulator.errors.EmulatorError` for a fault that could never act.
        """
        outcomes: list[Any] = [
            then,
            given(status=status, error=error, error_text=error_text),
            given(item_error=item_error),
            None if rate_limit is None else {"rate_limit": {"per_second": rate_limit}},
        ]
        wanted = [outcome for outcome in outcomes if outcome]
        if len(wanted) > 1:
            raise ValueError(f"a fault does one thing, not {' and '.join(map(repr, wanted))}")
        document = given(
            then=wanted[0] if wanted else None,
            delay_ms={"uniform": list(delay_ms)} if isinstance(delay_ms, tuple) else delay_ms,
            times=times,
            probability=probability,
            apply=None if after is None else "after" if after else "before",
            match=given(
                provider=provider,
                subscription_id=subscription_id,
                resource_token=resource_token,
                field_value=field_value,
                call=call,
                profile_id=profile_id,
                event=event,
            ),
        )
        return self._calls.ask(ArmedFault, "POST", "/faults", document)

    def all(self) -> list[ArmedFault]:
        """All armed faults, in the order of their priority."""
        return self._calls.ask(Page[ArmedFault], "GET", "/faults").items

    def get(self, fault_id: str) -> ArmedFault:
        """One armed fault, with how often it has acted."""
        return self._calls.ask(ArmedFault, "GET", f"/faults/{fault_id}")

    def disarm(self, fault_id: str) -> None:
        """Disarm one."""
        self._calls.admin("DELETE", f"/faults/{fault_id}")

    def clear(self) -> int:
        """Disarm all; returns their number."""
        return self._calls.ask(Disarmed, "DELETE", "/faults").disarmed
