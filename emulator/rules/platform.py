"""What was seen on the real platform: the file of ``compare --learn`` and ``serve --platform``.

::

    {"host": "api.example.com", "date": "2026-11-27",
     "policies": {"duplicate_token": "move", "unknown_id": "keep"},
     "answers": {"B4": {"status": 200, "error": 404, "error_text": "No such resource"}},
     "strict": false,
     "agrees": ["M6", "S1"],
     "differs": {"M11": "the last known subscription decides"}}
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct
from msgspec.json import encode
from msgspec.structs import asdict

from emulator.rules.catalogue import POLICY_RULES, RULES
from emulator.rules.model import Policies
from emulator.rules.overrides import ANSWERS, AnswerOverride, Overrides
from push_emulator.workspace_answers import Platform as Platform


class Followed(Struct, frozen=True):
    """What of a platform is followed."""

    policies: dict[str, str]
    answers: dict[str, AnswerOverride]
    strict: bool | None


class Verdict(Struct, frozen=True):
    """How a rule stands to the platform.

    ``verified``: the emulator answers as the platform was seen to. ``differs``: what the platform does
    instead of what the documentation says (also where that is followed), or of what the emulator does.
    """

    verified: bool
    differs: str | None = None


#: The verdict of a rule that was not seen on the platform.
UNSEEN = Verdict(False)


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
        platform.strict,
    )


def _policy_contradicts(name: str, value: str) -> bool:
    return RULES[POLICY_RULES[name]].grade == "D" and value != getattr(Policies(), name)


def _answer_contradicts(name: str, answer: AnswerOverride) -> bool:
    own = ANSWERS[name]
    return own.documented and answer.description not in (None, own.description)


def verdicts(platform: Platform, policies: Policies, answers: Overrides, strict: bool) -> dict[str, Verdict]:
    """How each rule that was seen on the platform stands to it, under these policies and answers."""
    seen: dict[str, list[_Part]] = {rule: [_Part(True)] for rule in platform.agrees}
    if platform.strict is not None:
        said = "refuses unknown parameters" if platform.strict else "ignores unknown parameters"
        same = platform.strict == strict
        seen.setdefault("Q5", []).append(_Part(same, None if same else said))
    for rule, part in [*_policies(platform, policies), *_answers(platform, answers)]:
        seen.setdefault(rule, []).append(part)
    for rule, text in platform.differs.items():
        seen.setdefault(rule, []).append(_Part(False, text))
    return {rule: _verdict(parts) for rule, parts in seen.items() if any(one.seen for one in parts)}


class _Part(NamedTuple):
    """One thing that makes up a rule's answer; ``seen``: on the platform."""

    followed: bool
    differs: str | None = None
    seen: bool = True


def _policies(platform: Platform, policies: Policies) -> Iterator[tuple[str, _Part]]:
    for name, rule in POLICY_RULES.items():
        chosen = getattr(policies, name)
        if name in platform.policies:
            value = platform.policies[name]
            differs = chosen != value or _policy_contradicts(name, value)
            yield rule, _Part(chosen == value, f"{name}: {value}" if differs else None)
        else:
            yield rule, _Part(chosen == getattr(Policies(), name), seen=False)


def _answers(platform: Platform, answers: Overrides) -> Iterator[tuple[str, _Part]]:
    for name, own in ANSWERS.items():
        chosen, answer = answers.get(name), platform.answers.get(name)
        if answer is not None:
            differs = chosen != answer or _answer_contradicts(name, answer)
            yield own.rule, _Part(chosen == answer, _in_words(name, answer) if differs else None)
        elif chosen is not None:
            yield own.rule, _Part(False, seen=False)


def _in_words(name: str, answer: AnswerOverride) -> str:
    given = {key: value for key, value in asdict(answer).items() if value is not None}
    return f"{name}: " + ", ".join(f"{key} {encode(it).decode()}" for key, it in given.items())


def _verdict(parts: Sequence[_Part]) -> Verdict:
    texts = [one.differs for one in parts if one.differs is not None]
    return Verdict(all(one.followed for one in parts), "; ".join(texts) or None)
