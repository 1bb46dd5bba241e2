"""``/__admin/clock``, ``/settings``, ``/workspaces``, ``/imports``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from push_emulator.calls import Subject, given
from push_emulator.workspace_answers import ClockState, ImportState, SettingsState, WorkspaceState

__tracebackhide__ = True


class Clock(Subject):
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
        return self._calls.do("PUT", f"/workspaces/{name}")

    def delete(self, name: str) -> None:
        """Delete one with all that is in it."""
        return self._calls.do("DELETE", f"/workspaces/{name}")


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
        return self._calls.ask(ImportState, "GET", f"/imports/{import_id}")

    def wait(self, import_id: str, timeout_s: float = 60.0) -> ImportState:
        """An import when it is over. Raises :class:`EmulatorError` if it is not within ``timeout_s``."""
        otherwise = f"import {import_id} is not over after {timeout_s:g} s"
        return self._calls.repeat(
            ImportState, f"/imports/{import_id}", lambda one: not one.running, timeout_s, otherwise
        )

    def all(self) -> list[ImportState]:
        """The workspace's imports, the newest first."""
        return self._calls.ask(list[ImportState], "GET", "/imports", member="items")

    def cancel(self, import_id: str) -> ImportState:
        """Stop one before its next step; stored rows stay."""
        return self._calls.ask(ImportState, "DELETE", f"/imports/{import_id}")

    def report(self, import_id: str, delimiter: str = "comma") -> str:
        """The report as CSV, with every refused row. ``delimiter``: comma, semicolon or tab."""
        params = {"delimiter": delimiter}
        return self._calls.text("GET", f"/imports/{import_id}/report.csv", params=params)
