"""The settings of a workspace: policies, overridden answers, the platform, strict mode, lints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import asdict, replace

from emulator.rules.model import Lint, Policies
from emulator.rules.overrides import AnswerOverride
from emulator.rules.platform import Platform, Verdict, follow, verdicts
from emulator.settings import Settings

LINT_IDS = ("L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8", "L9")


class WorkspaceSettings(Struct, frozen=True):
    """A workspace's settings. ``lints``: the lints that are ``off``; all others report.

    ``answers``: what answers have in place of our own. ``platform``: what was seen on the real platform;
    ``trust_platform``: it is followed even where it contradicts the documentation.
    """

    policies: Policies = Policies()
    strict: bool = False
    lints: dict[str, Literal["report", "off"]] = {}
    answers: dict[str, AnswerOverride] = {}
    platform: Platform | None = None
    trust_platform: bool = False

    def changed(self, change: Mapping[str, Any]) -> WorkspaceSettings:
        """These settings with other values of some members.

        Of ``policies``, ``lints`` and ``answers`` those that are named change; an answer that is ``None`` is
        our own again. Another ``platform`` changes the policies, the answers and the strict mode that it
        names, and those back that the former one had set; what stands beside it counts more.
        """
        before = self._seen_by(change) if {"platform", "trust_platform"} & change.keys() else self
        answers = {**before.answers, **change.get("answers", {})}
        return replace(
            before,
            policies=replace(before.policies, **change.get("policies", {})),
            strict=change.get("strict", before.strict),
            lints={**self.lints, **change.get("lints", {})},
            answers={name: answer for name, answer in answers.items() if answer is not None},
        )

    def _seen_by(self, change: Mapping[str, Any]) -> WorkspaceSettings:
        """These settings under another platform, or another trust in it."""
        platform = change.get("platform", self.platform)
        trust = change.get("trust_platform", self.trust_platform)
        policies, answers, strict = asdict(self.policies), dict(self.answers), self.strict
        if self.platform is not None:
            former = follow(self.platform, self.trust_platform)
            kept = asdict(Policies())
            policies |= {name: kept[name] for name, it in former.policies.items() if policies[name] == it}
            answers = {name: it for name, it in answers.items() if former.answers.get(name) != it}
            strict = strict and not former.strict
        if platform is not None:
            followed = follow(platform, trust)
            policies |= followed.policies
            answers |= followed.answers
            strict = strict if followed.strict is None else followed.strict
        return replace(
            self,
            policies=Policies(**policies),
            strict=strict,
            answers=answers,
            platform=platform,
            trust_platform=trust,
        )

    def verdicts(self) -> dict[str, Verdict]:
        """How each rule that was seen on the platform stands to it."""
        seen = self.platform
        return {} if seen is None else verdicts(seen, self.policies, self.answers, self.strict)

    def wanted(self, lints: list[Lint]) -> list[Lint]:
        """The lints that are not off."""
        if not self.lints:
            return lints
        return [lint for lint in lints if self.lints.get(lint.rule) != "off"]


def starting_settings(settings: Settings, platform: Platform | None) -> WorkspaceSettings:
    """What a new workspace starts with: what the platform says, then what the server was told."""
    given = settings.policies
    if isinstance(given, Policies):
        usual = asdict(Policies())
        given = {name: value for name, value in asdict(given).items() if value != usual[name]}
    told: dict[str, Any] = {"policies": given, "answers": settings.answers}
    if settings.strict:
        told["strict"] = True
    if platform is not None:
        told |= {"platform": platform, "trust_platform": settings.trust_platform}
    return WorkspaceSettings(trust_platform=settings.trust_platform).changed(told)
