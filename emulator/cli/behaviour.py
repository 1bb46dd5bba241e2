"""The options that say how the emulator answers: strict mode, policies, answers, the platform."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from emulator.cli.options import Command, setting
from emulator.fixtures.platform import AnswersSchema
from emulator.fixtures.salvage import complaints
from emulator.rules.overrides import ANSWERS, AnswerOverride
from emulator.schemas.strict_json import JSONProblem, read_json
from emulator.settings import POLICY_CHOICES

_POLICIES = ", ".join(f"{name}={'|'.join(choices)}" for name, choices in POLICY_CHOICES.items())


def _parse_policies(ctx: click.Context, param: click.Parameter, given: Sequence[str]) -> dict[str, str]:
    """``NAME=VALUE`` of each policy."""
    chosen = {}
    for text in given:
        name, _, choice = text.partition("=")
        if name not in POLICY_CHOICES:
            raise click.BadParameter(f'there is no policy "{name}"; there are {", ".join(POLICY_CHOICES)}')
        if choice not in POLICY_CHOICES[name]:
            raise click.BadParameter(f'{name} must be {" or ".join(POLICY_CHOICES[name])}, not "{choice}"')
        chosen[name] = choice
    return chosen


class _AnswerType(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """``NAME={…}``; in a variable of the environment several, with spaces between them."""

    name = "NAME=JSON"

    def split_envvar_value(self, rv: str) -> list[str]:
        return [one.strip() for one in re.split(r"\s(?=[A-Z][0-9]+(?:/[a-z]+)?=)", rv) if one.strip()]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        name, _, text = value.partition("=")
        try:
            answer = {name: read_json(text.encode("utf-8", "surrogateescape"))}
        except JSONProblem as problem:
            self.fail(f"{name}: {problem}", param, ctx)
        if name not in ANSWERS:
            self.fail(f'there is no answer "{name}"; there are {", ".join(ANSWERS)}', param, ctx)
        wrong = [f"{path}: {said}" for path, said in complaints(AnswersSchema(), answer)]
        if wrong:
            self.fail("; ".join(wrong), param, ctx)
        return AnswersSchema().load(answer)


def _join_answers(
    ctx: click.Context, param: click.Parameter, given: Sequence[dict[str, AnswerOverride]]
) -> dict[str, AnswerOverride]:
    return {name: answer for one in given for name, answer in one.items()}


def behaviour_options(command: Command) -> Command:
    """Adds the options; a variable of the environment can set each."""
    options = [
        setting("--strict", is_flag=True, help="Refuse unknown parameters (Q5)."),
        setting(
            "--policy",
            "policies",
            metavar="NAME=VALUE",
            multiple=True,
            callback=_parse_policies,
            help="Override a behaviour that the documentation leaves open: "
            f"{_POLICIES}. The first is the default.",
        ),
        setting(
            "--answer",
            "answers",
            type=_AnswerType(),
            multiple=True,
            callback=_join_answers,
            help='Override the codes and texts of an answer: B4={"status": 200, "error_text": "…"}.',
        ),
        setting(
            "--platform",
            type=click.Path(path_type=Path),
            help="Answer as the platform does that this file describes.",
        ),
        setting(
            "--trust-platform",
            is_flag=True,
            help="Follow the platform file even where it contradicts the documentation.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command
