"""A fixture set of made-up people, as ``run.py fake`` writes it: two databases, three resources, profiles."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import BinaryIO, TypedDict

import orjson
from faker import Faker
from faker.config import AVAILABLE_LOCALES

from emulator.fake.profiles import CLUB, DATABASES, MAIN, Channel, People
from emulator.rules.providers import DOCUMENTED


class _RequiredKeys(TypedDict):
    id: int
    name: str
    token: str
    db_ids: list[int]


class ResourceEntry(_RequiredKeys, total=False):
    """A resource as in resources.json; without ``providers`` it accepts those that the page names."""

    providers: list[str]


RESOURCES: list[ResourceEntry] = [
    {"id": 1, "name": "App", "token": "fake-app-1", "db_ids": [MAIN, CLUB]},
    {
        "id": 2,
        "name": "Club app",
        "token": "fake-app-2",
        "db_ids": [CLUB],
        "providers": ["android-firebase", "android-huawei", "android-rustore", "ios-apns"],
    },
    {
        "id": 3,
        "name": "Site",
        "token": "fake-site-3",
        "db_ids": [MAIN],
        "providers": ["chrome-firebase", "firefox-firebase", "android-rustore"],
    },
]

# How often a provider comes up beside the others; 3 for those that are not here.
_FREQUENCY = {
    "android-firebase": 30,
    "ios-apns": 22,
    "ios-firebase": 8,
    "android-huawei": 8,
    "android-rustore": 6,
    "chrome-firebase": 5,
    "ios-huawei": 1,
}


class FakeError(Exception):
    """Why no fixture set was written, in one line for the person who asked for it."""


@dataclass(frozen=True, slots=True)
class FakeReport:
    """What was written: how many profiles and subscriptions, subscriptions by provider, and the files."""

    profiles: int
    subscriptions: int
    providers: dict[str, int]
    files: list[Path]


def write_fixture_set(
    out: Path, profiles: int, locale: str, seed: int | None, one_each: bool = False
) -> FakeReport:
    """Write databases.json, resources.json and profiles.json of made-up people into ``out``.

    ``out`` is made if it is missing, and must be empty. ``locale`` is one of Faker's, such as ``ru_RU``.
    The same ``seed`` gives the same bytes on any day and machine (with the same release of Faker); None
    gives other people each time. ``one_each`` makes small profiles of one kind, for measurements: a
    customer number and an email, one active subscription. Profiles are written as they are made, one a
    line, so memory does not grow with their number.

    Raises FakeError; then nothing of the set is left behind.
    """
    if profiles < 0:
        raise FakeError(f"{profiles} profiles cannot be made: 0 or more are needed")
    faker = _faker(locale)
    with _empty_directory(out):
        people = People(Random() if seed is None else Random(f"fake {seed}"), faker, _channels())
        files = _write_files(
            out,
            {
                "profiles.json": people.uniform_profiles(profiles) if one_each else people.profiles(profiles),
                "resources.json": RESOURCES,
                "databases.json": DATABASES,
            },
        )
    counts = dict(sorted(people.subscriptions.items()))
    return FakeReport(profiles, sum(counts.values()), counts, files)


def _faker(locale: str) -> Faker:
    name = locale.replace("-", "_")
    # Faker itself also takes what Python's locale module can complete, which differs between releases.
    if name not in AVAILABLE_LOCALES:
        near = difflib.get_close_matches(name, sorted(AVAILABLE_LOCALES), cutoff=0.5) or ["ru_RU", "en_US"]
        raise FakeError(f'unknown locale "{locale}": try {" or ".join(near)}')
    return Faker(name)


def _channels() -> dict[int, list[Channel]]:
    channels: dict[int, list[Channel]] = {MAIN: [], CLUB: []}
    for resource in RESOURCES:
        for db_id in resource["db_ids"]:
            for provider in resource.get("providers", DOCUMENTED):
                channels[db_id] += [(resource["id"], provider)] * _FREQUENCY.get(provider, 3)
    return channels


@contextmanager
def _empty_directory(out: Path) -> Iterator[None]:
    """Make ``out`` unless it is there and empty; take away what was made if the block fails."""
    made: list[Path] = []
    try:
        made += [path for path in (out, *out.parents) if not path.exists()]
        out.mkdir(parents=True, exist_ok=True)
        found = min((path.name for path in out.iterdir()), default=None)
        if found is not None:
            raise FakeError(f'{out} is not empty (it holds "{found}"): name a new or an empty directory')
        yield
    except BaseException as error:
        for path in made:
            with suppress(OSError):
                path.rmdir()
        if isinstance(error, OSError):
            raise FakeError(f"{out} cannot be written: {error.strerror or error}") from error
        raise


def _write_files(out: Path, contents: Mapping[str, Iterable[object]]) -> list[Path]:
    """Write each file beside its place and rename all when all are whole; the last makes the set valid."""
    parts = {out / name: out / f"{name}.part" for name in contents}
    written: list[Path] = []
    try:
        for part, entries in zip(parts.values(), contents.values(), strict=True):
            with part.open("xb", buffering=1 << 20) as file:
                written.append(part)
                _write_array(file, entries)
        for path, part in parts.items():
            part.replace(path)
            written.append(path)
    except BaseException:
        # Only this run's own files: another one may be writing into the same directory.
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return list(parts)


def _write_array(file: BinaryIO, entries: Iterable[object]) -> None:
    separator = b"[\n"
    for entry in entries:
        file.write(separator + orjson.dumps(entry))
        separator = b",\n"
    file.write(b"\n]\n" if separator == b",\n" else b"[]\n")
