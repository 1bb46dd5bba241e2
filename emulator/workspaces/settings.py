"""The settings of a workspace: policies, strict mode, lints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from emulator.rules.model import Lint, Policies

LINT_IDS = ("L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8", "L9")


class WorkspaceSettings(Struct, frozen=True):
    """A workspace's settings. ``lints``: the lints that are ``off``; all others report."""

    policies: Policies = Policies()
    strict: bool = False
    lints: dict[str, Literal["report", "off"]] = {}

    def changed(self, change: Mapping[str, Any]) -> WorkspaceSettings:
        """These settings with other ``policies``, ``strict`` or ``lints``."""
        return WorkspaceSettings(
            replace(self.policies, **change.get("policies", {})),
            change.get("strict", self.strict),
            {**self.lints, **change.get("lints", {})},
        )

    def wanted(self, lints: list[Lint]) -> list[Lint]:
        """The lints that are not off."""
        if not self.lints:
            return lints
        return [lint for lint in lints if self.lints.get(lint.rule) != "off"]
