"""A short run over every operation; the long one is ``python -m tests.contract``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.contract.running import check

ENDPOINT = ("--include-path", "/push_subscribe")
ADMIN = ("--include-path-regex", "^/__admin/")
#: The coverage phase would make 5,000 requests of these two, from combinations of entries that the operations
#: on one database, resource, profile or fault have anyway; the long run makes them all.
NESTED = ("PATCH /__admin/settings", "PUT /__admin/snapshot")
PARTS = {
    "the documented endpoint": (15, (*ENDPOINT, "--phases", "examples,coverage,fuzzing")),
    "the admin API": (
        1,
        (*ADMIN, *(f"--exclude-name={one}" for one in NESTED), "--phases", "examples,coverage"),
    ),
    "settings and snapshots": (12, (*(f"--include-name={one}" for one in NESTED), "--phases", "fuzzing")),
}


@pytest.mark.parametrize("part", PARTS)
def test_every_answer_conforms(tmp_path: Path, part: str) -> None:
    examples, options = PARTS[part]
    conforms(tmp_path, examples, "1", options)


def test_every_answer_conforms_with_a_new_seed_each_time(tmp_path: Path) -> None:
    conforms(tmp_path, 4, os.environ["CONTRACT_SEED"], ("--phases", "fuzzing,stateful"))


def conforms(folder: Path, examples: int, seed: str, options: tuple[str, ...]) -> None:
    """Run one part; what it says of the first failure repeats it."""
    run = check(folder, examples, "--seed", seed, *options)
    assert run.returncode == 0, f"--seed {seed}\n{run.stdout[-8000:]}{run.stderr[-2000:]}"
