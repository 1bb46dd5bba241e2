"""What was seen on the real platform: the file of ``compare --learn`` and ``serve --platform``.

::

    {"host": "api.example.com", "date": "2026-11-27",
     "policies": {"duplicate_token": "move", "unknown_id": "keep"},
     "answers": {"B4": {"status": 200, "error": 404, "error_text": "No such resource"}},
     "agrees": ["M6", "S1"],
     "differs": {"M11": "the last known subscription decides"}}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from emulator.rules.catalogue import POLICY_RULES, RULES
from emulator.rules.model import Policies
from emulator.rules.overrides import ANSWERS, AnswerOverride, Overrides


class Platform(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What was seen on a platform.

    ``host``: its name, with a port if any. ``date``: of the look, YYYY-MM-DD. ``policies``: every policy
    whose value was seen, the default's too. ``answers``: codes and texts that differ from ours, by the names
    of :data:`~emulator.rules.overrides.ANSWERS`. ``agrees``: rules that were seen to hold as they are.
    ``differs``: what the platform does instead, in words, by rule, where no policy and no answer says it.
    """

    host: str
    date: str
    policies: dict[str, str] = {}
    answers: dict[str, AnswerOverride] = {}
    agrees: tuple[str, ...] = ()
    differs: dict[str, str] = {}


class Followed(Struct, frozen=True):
    """What of a platform is followed."""

    policies: dict[str, str]
    answers: dict[str, AnswerOverride]


class Verdict(Struct, frozen=True):
    """How a rule stands to the platform.

    ``verified``: the emulator answers as the platform was seen to. ``differs``: what the platform does
    instead of what the documentation says (also where that is followed), or of what the emulator does.
    """

    verified: bool
    differs: str | None = None


def follow(platform: Platform, trust: bool) -> Followed:
    """What of the platform is followed: what contradicts the documentation only with ``trust``."""
    return Followed(
        {
            name: value
            for name, value in platform.policies.items()
            if trust or not _policy_contradicts(name, value)
        },
        {
            name: answer
            for name, answer in platform.answers.items()
            if trust or not _answer_contradicts(name, answer)
        },
    )


def _policy_contradicts(name: str, value: str) -> bool:
    return RULES[POLICY_RULES[name]].grade == "D" and value != getattr(Policies(), name)


def _answer_contradicts(name: str, answer: AnswerOverride) -> bool:
    own = ANSWERS[name]
    return own.documented and answer.description not in (None, own.description)


def verdicts(platform: Platform, policies: Policies, answers: Overrides) -> dict[str, Verdict]:
    """How each rule that was seen on the platform stands to it, under these policies and answers."""
    seen: dict[str, list[tuple[bool, str | None]]] = {id: [(True, None)] for id in platform.agrees}
    for rule, followed, contradicts, text in [*_policies(platform, policies), *_answers(platform, answers)]:
        seen.setdefault(rule, []).append((followed, text if contradicts or not followed else None))
    for rule, text in platform.differs.items():
        seen.setdefault(rule, []).append((False, text))
    return {rule: _verdict(parts) for rule, parts in seen.items()}


def _policies(platform: Platform, policies: Policies) -> Iterator[tuple[str, bool, bool, str]]:
    for name, value in platform.policies.items():
        followed = getattr(policies, name) == value
        yield POLICY_RULES[name], followed, _policy_contradicts(name, value), f"{name}: {value}"


def _answers(platform: Platform, answers: Overrides) -> Iterator[tuple[str, bool, bool, str]]:
    for name, answer in platform.answers.items():
        followed = answers.get(name) == answer
        text = f"{name}: " + ", ".join(f"{key} {value!r}" for key, value in given_members(answer).items())
        yield ANSWERS[name].rule, followed, _answer_contradicts(name, answer), text


def given_members(answer: AnswerOverride) -> Mapping[str, Any]:
    """The members of an override that are given."""
    return {key: value for key, value in asdict(answer).items() if value is not None}


def _verdict(parts: Iterable[tuple[bool, str | None]]) -> Verdict:
    followed, texts = zip(*parts, strict=True)
    return Verdict(all(followed), "; ".join(text for text in texts if text is not None) or None)
