"""``/__admin/faults``, ``/clock``, ``/settings``, ``/workspaces``, ``/imports``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from push_emulator.answers import CallName, ItemError, Spoil
from push_emulator.arguments import listed, path
from push_emulator.calls import Subject, given
from push_emulator.workspace_answers import ArmedFault, ClockState, ImportState, SettingsState, WorkspaceState

__tracebackhide__ = True


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
        return self._calls.ask(list[ArmedFault], "GET", "/faults", member="items")

    def get(self, fault_id: str) -> ArmedFault:
        """One armed fault, with how often it has acted."""
        return self._calls.ask(ArmedFault, "GET", f"/faults{path(fault_id)}")

    def disarm(self, fault_id: str) -> None:
        """Disarm one."""
        return self._calls.do("DELETE", f"/faults{path(fault_id)}")

    def clear(self) -> int:
        """Disarm all; returns their number."""
        return self._calls.ask(int, "DELETE", "/faults", member="disarmed")


class ClockCalls(Subject):
    """The workspace's time."""

    def get(self) -> ClockState:
        """The current time and its mode."""
        return self._calls.ask(ClockState, "GET", "/clock")

    def freeze(self, now: str | datetime) -> ClockState:
        """Freeze the time: ISO 8601 with a zone (``2026-01-01T00:00Z``), or a datetime with a zone."""
        if isinstance(now, datetime):
            now = now.isoformat()
        return self._calls.ask(ClockState, "PUT", "/clock", {"now": now})

    def advance(self, by: str | timedelta) -> ClockState:
        """Move the time, frozen or not: ``3h``, ``1d12h``, ``-90s``, or a timedelta."""
        if isinstance(by, timedelta):
            by = f"{by / timedelta(seconds=1):.3f}s"
        return self._calls.ask(ClockState, "PUT", "/clock", {"advance": by})

    def run(self) -> ClockState:
        """Go back to real time."""
        return self._calls.ask(ClockState, "PUT", "/clock", {})


class SettingsCalls(Subject):
    """The workspace's policies, strict mode, lints, overridden answers and platform."""

    def get(self) -> SettingsState:
        """The current settings."""
        return self._calls.ask(SettingsState, "GET", "/settings")

    def change(
        self,
        *,
        policies: Mapping[str, str] | None = None,
        strict: bool | None = None,
        lints: Mapping[str, str] | None = None,
        answers: Mapping[str, Mapping[str, Any] | None] | None = None,
        **more: Any,
    ) -> SettingsState:
        """Change some settings: ``policies={"duplicate_token": "move"}``, ``lints={"L3": "off"}``,
        ``answers={"B4": {"error_text": "…"}}`` (``None``: the emulator's own again).

        ``more``: ``platform`` as in a platform file, ``None`` for none; ``trust_platform``.
        """
        document = given(policies=policies, strict=strict, lints=lints, answers=answers) | more
        return self._calls.ask(SettingsState, "PATCH", "/settings", document)


class WorkspaceList(Subject):
    """All workspaces of the server."""

    def all(self) -> list[WorkspaceState]:
        """Every workspace, by name."""
        return self._calls.ask(list[WorkspaceState], "GET", "/workspaces", member="items")

    def make(self, name: str) -> None:
        """Create one before its first use; an existing one stays as it is."""
        return self._calls.do("PUT", f"/workspaces{path(name)}")

    def delete(self, name: str) -> None:
        """Delete one with all that is in it."""
        return self._calls.do("DELETE", f"/workspaces{path(name)}")

    def delete_all(self, names: Iterable[str]) -> list[str]:
        """Delete those of these (at most 100) that are there; returns their names.

        Raises :class:`TypeError` for a text: its letters would be the names.
        """
        params = {"names": ",".join(listed("names", names, "names"))}
        return self._calls.ask(list[str], "DELETE", "/workspaces", params=params, member="deleted")


class Imports(Subject):
    """The imports of files of tokens into the workspace."""

    def start(
        self,
        file: Path | str | bytes,
        *,
        resource: str | int,
        provider: str,
        match: str,
        token_column: str,
        dry_run: bool = False,
        **more: Any,
    ) -> ImportState:
        """Begin to import a file (its path, or its content). ``match``: id:COLUMN, field:NAME=COLUMN or push.

        ``more``: ``status_column``, without which all rows subscribe; ``header``, ``delimiter``, ``quote``,
        ``encoding``, which are detected by default.
        """
        plan = {
            "resource": resource,
            "provider": provider,
            "match": match,
            "token_column": token_column,
            "dry_run": dry_run,
            **more,
        }
        data = {"plan": msgspec.json.encode(plan).decode()}
        if isinstance(file, bytes):
            return self._calls.upload(ImportState, "/import", file, "tokens.csv", data)
        return self._calls.upload(ImportState, "/import", Path(file), Path(file).name, data)

    def get(self, import_id: str) -> ImportState:
        """The progress and the result of an import."""
        return self._calls.ask(ImportState, "GET", f"/imports{path(import_id)}")

    def wait(self, import_id: str, timeout_s: float = 60.0) -> ImportState:
        """An import when it is over. Raises :class:`EmulatorError` if it is not within ``timeout_s``."""
        otherwise = f"import {import_id} is not over after {timeout_s:g} s"
        return self._calls.repeat(
            ImportState, f"/imports{path(import_id)}", lambda one: not one.running, timeout_s, otherwise
        )

    def all(self) -> list[ImportState]:
        """The workspace's imports, the newest first."""
        return self._calls.ask(list[ImportState], "GET", "/imports", member="items")

    def cancel(self, import_id: str) -> ImportState:
        """Stop one before its next step; stored rows stay."""
        return self._calls.ask(ImportState, "DELETE", f"/imports{path(import_id)}")

    def report(self, import_id: str, delimiter: str = "comma") -> str:
        """The report as CSV, with every refused row. ``delimiter``: comma, semicolon or tab."""
        params = {"delimiter": delimiter}
        return self._calls.text("GET", f"/imports{path(import_id)}/report.csv", params=params)
