"""``run.py fake``: the files of a fixture set (design: Fixtures), refusals, broken runs."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from emulator.fake import fixture_set, write_fixture_set
from emulator.fake.profiles import Entry, PushProfiles
from emulator.fixtures.load import load_fixtures
from emulator.store.files import NotWritten
from tests.command_line import assert_one_line, run
from tests.server import ROOT
from tests.waiting import until

FILES = ("databases.json", "resources.json", "profiles.json")


def load(directory: Path, name: str) -> list[dict[str, Any]]:
    entries = json.loads((directory / name).read_text(encoding="utf-8"))
    assert isinstance(entries, list)
    return entries


def read_bytes(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


# The files


def test_three_files_one_entry_a_line(tmp_path: Path) -> None:
    out = tmp_path / "new" / "set"
    write_fixture_set(out, 500, "ru_RU", 42)
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    for name in FILES:
        first, *lines, last, after = (out / name).read_text(encoding="utf-8").split("\n")
        assert (first, last, after) == ("[", "]", "")
        assert [json.loads(line.removesuffix(",")) for line in lines] == load(out, name)


def test_report_counts_what_is_in_the_files(tmp_path: Path) -> None:
    report = write_fixture_set(tmp_path, 500, "ru_RU", 42)
    profiles = load(tmp_path, "profiles.json")
    providers = [each["provider"] for profile in profiles for each in profile["subscriptions"]]
    assert len(profiles) == 500
    assert report == Counter(providers)


def test_profiles_are_written_as_they_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No profile is kept: when the last is made, the file already holds most of the others."""
    make = fixture_set.made_up_profiles
    sizes = []

    def watched(people: PushProfiles, total: int, one_each: bool) -> Iterator[Entry]:
        for profile in make(people, total, one_each):
            sizes.append((tmp_path / "profiles.json").stat().st_size)
            yield profile

    monkeypatch.setattr(fixture_set, "made_up_profiles", watched)
    write_fixture_set(tmp_path, 8_000, "ru_RU", 42)
    whole = (tmp_path / "profiles.json").stat().st_size
    assert sizes[-1] > whole - 2 * 1024 * 1024 > whole / 2


# The same again


def test_same_arguments_give_the_same_bytes_whatever_the_process(tmp_path: Path) -> None:
    write_fixture_set(tmp_path / "here", 300, "it_IT", 7)
    call = "from emulator.fake import *; write_fixture_set(pathlib.Path(sys.argv[1]), 300, 'it_IT', 7)"
    subprocess.run(
        [sys.executable, "-c", f"import pathlib, sys; {call}", str(tmp_path / "there")],
        env=os.environ | {"PYTHONHASHSEED": "1", "TZ": "Asia/Vladivostok"},
        cwd=ROOT,
        check=True,
        timeout=60,
    )
    assert read_bytes(tmp_path / "there") == read_bytes(tmp_path / "here")


def test_another_seed_or_locale_gives_other_people(tmp_path: Path) -> None:
    made = set()
    for n, (locale, seed) in enumerate(
        [("ru_RU", 1), ("ru_RU", -1), ("ru_RU", 2), ("en_US", 1), ("ru_RU", None), ("ru_RU", None)]
    ):
        write_fixture_set(tmp_path / f"{n}", 20, locale, seed)
        made.add((tmp_path / f"{n}" / "profiles.json").read_bytes())
    assert len(made) == 6


def test_locale_may_be_written_with_a_hyphen(tmp_path: Path) -> None:
    write_fixture_set(tmp_path / "hyphen", 20, "ru-RU", 1)
    write_fixture_set(tmp_path / "underscore", 20, "ru_RU", 1)
    assert read_bytes(tmp_path / "hyphen") == read_bytes(tmp_path / "underscore")


# Nobody, and refusals


def test_no_profiles_at_all(tmp_path: Path) -> None:
    report = write_fixture_set(tmp_path, 0, "ru_RU", 42)
    assert report == {}
    assert (tmp_path / "profiles.json").read_bytes() == b"[]\n"
    assert len(load(tmp_path, "databases.json")) == 2


def test_a_negative_number_is_refused(tmp_path: Path) -> None:
    assert_one_line(run("fake", "--profiles", -1, "--out", tmp_path / "set"), "--profiles", "-1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("locale", "advice"), [("ru_RO", "ru_RU"), ("xx", "ru_RU or en_US"), ("", "en_US"), ("../x", "en_US")]
)
def test_an_unknown_locale_is_refused_with_near_ones(locale: str, advice: str, tmp_path: Path) -> None:
    with pytest.raises(NotWritten) as refusal:
        write_fixture_set(tmp_path / "set", 1, locale, 42)
    assert str(refusal.value).startswith(f'unknown locale "{locale}": try ')
    assert advice in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_with_something_in_it_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "databases.json").write_text("mine")
    with pytest.raises(
        NotWritten, match=r'is not empty \(it holds "databases.json"\): name a new or an empty directory'
    ):
        write_fixture_set(tmp_path, 1, "ru_RU", 42)
    assert read_bytes(tmp_path) == {"databases.json": b"mine"}


@pytest.mark.parametrize("inside", ["", "deeper/set"])
def test_a_place_that_is_no_directory_is_refused(inside: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(NotWritten, match=r"^[^\n]* cannot be written: [^\n]+$"):
        write_fixture_set(tmp_path / "file" / inside, 1, "ru_RU", 42)
    assert read_bytes(tmp_path) == {"file": b"mine"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_without_the_right_to_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        for out in (tmp_path, tmp_path / "set"):
            with pytest.raises(NotWritten, match="cannot be written: Permission denied"):
                write_fixture_set(out, 1, "ru_RU", 42)
    finally:
        tmp_path.chmod(0o700)


# Broken runs


@pytest.mark.parametrize("out_exists", [True, False])
@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("after", [0, 500, 1_002])
def test_a_broken_run_leaves_nothing(
    after: int, failure: BaseException, out_exists: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dumps = orjson.dumps
    calls = iter(range(10_000))

    def fails_later(entry: object) -> bytes:
        if next(calls) == after:
            raise failure
        return dumps(entry)

    monkeypatch.setattr(orjson, "dumps", fails_later)
    out = tmp_path if out_exists else tmp_path / "new" / "set"
    with pytest.raises(NotWritten if isinstance(failure, OSError) else KeyboardInterrupt) as broken:
        write_fixture_set(out, 1_000, "ru_RU", 42)
    if isinstance(failure, OSError):
        assert str(broken.value) == f"{out} cannot be written: No space left on device"
    assert list(tmp_path.iterdir()) == []


def test_a_killed_run_leaves_no_set_that_check_accepts(tmp_path: Path) -> None:
    out = tmp_path / "set"
    command = [sys.executable, "run.py", "fake", "--profiles", "1000000", "--plain", "--out", str(out)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        until((out / "profiles.json").exists)
    finally:
        process.kill()
        process.wait()
    checked = run("check", out)
    assert (checked.returncode, checked.stdout) == (1, "")


def test_another_run_in_the_same_directory_keeps_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = fixture_set.made_up_profiles

    def other_run_came_first(people: PushProfiles, total: int, one_each: bool) -> Iterator[Entry]:
        (tmp_path / "resources.json").write_text("the other's")
        return make(people, total, one_each)

    monkeypatch.setattr(fixture_set, "made_up_profiles", other_run_came_first)
    with pytest.raises(NotWritten, match="cannot be written: File exists"):
        write_fixture_set(tmp_path, 10, "ru_RU", 42)
    assert read_bytes(tmp_path) == {"resources.json": b"the other's"}


# For mobile SDKs


def test_the_set_has_what_mobile_sdks_need_and_suspended_subscriptions(tmp_path: Path) -> None:
    write_fixture_set(tmp_path, 300, "ru_RU", 5)
    found = load_fixtures(tmp_path)
    app = found.resources[0]
    assert {role.db_id for role in app.role_tokens} == set(app.db_ids)
    assert {one.steady for one in app.categories} == {True, False}
    every = [one for profile in found.profiles for one in profile.subscriptions]
    assert {one.status for one in every} == {"subscribed", "suspended", "unsubscribed"}
    with_fields = [one for one in every if one.fields]
    assert len(with_fields) > 50
    assert {one.resource_id for one in with_fields} == {app.id}
    assert all(one.cats for one in with_fields)
