"""A short run over every operation; the long one is ``python -m tests.contract``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.running import check

ENDPOINT = ("--include-path", "/push_subscribe")
ADMIN = ("--include-path-regex", "^/__admin/")
PART = "^/__admin/(databases|resources|profiles|subscriptions|snapshot|reset|import)"
PHASES = ("--phases", "examples,coverage,fuzzing")


@pytest.mark.parametrize(
    ("examples", "options"),
    [
        pytest.param(30, (*ENDPOINT, *PHASES), id="the documented endpoint"),
        pytest.param(8, (*ADMIN, "--exclude-path-regex", PART), id="control and journal"),
        pytest.param(8, ("--include-path-regex", PART), id="state by hand"),
    ],
)
def test_every_answer_conforms(tmp_path: Path, examples: int, options: tuple[str, ...]) -> None:
    run = check(tmp_path, examples, "--seed", "1", *options)  # the long run is the one that explores
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
