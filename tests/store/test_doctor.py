"""``run.py doctor``: what it reports, what it finds, what it advises."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from emulator.cli import main
from emulator.emulator import Emulator
from emulator.loop.pacing import at_once
from emulator.messages import Incoming
from emulator.settings import Settings
from emulator.store.doctor import DoctorReport, examine, wrong_indexes
from emulator.store.indexes import Index
from emulator.store.log_format import format_line
from emulator.store.recovery import recover
from emulator.store.tables import SPECS, profile_key
from tests.command_line import assert_one_line, run
from tests.store.scene import read_folder

Json = Any


def ask(emulator: Emulator, token: str, subscription_id: str, **more: Any) -> Json:
    """One request to an emulator in this process."""
    entry = {"provider": "android-firebase", "subscription_id": subscription_id}
    body = json.dumps({"resource_token": token, "subscriptions": [entry], **more}).encode()
    incoming = Incoming("POST", "/push_subscribe", "", {}, body, "127.0.0.1:1")
    return json.loads(emulator.exchange.handle(incoming).body)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state directory as a kill leaves it: a snapshot and a log with three transactions."""
    folder = tmp_path / "state"
    emulator = Emulator(Settings(state=folder))
    storage = emulator.workspaces.default.store.storage
    at_once(storage.replace(storage.state))  # the second generation
    emulator.close()
    emulator = Emulator(Settings(state=folder))
    for number in range(3):
        assert ask(emulator, "two-databases", f"new-{number}")["error"] == 0
    emulator.workspaces.default.store.discard()
    emulator.close()
    return folder


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs the command; its exit status and what it wrote."""

    def run(folder: Path, *more: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as stopped:
            main(["doctor", "--state", str(folder), *more])
        written = capsys.readouterr()
        return int(stopped.value.code or 0), written.out + written.err

    return run


def the_report(folder: Path) -> DoctorReport:
    (report,) = examine(folder)
    return report


def log_of(folder: Path) -> Path:
    (log,) = folder.glob("default.*.journal")
    return log


def edit(folder: Path, change: Callable[[Json], object]) -> None:
    """Change the snapshot's documents, and give it the checksum that fits."""
    path = folder / "default.json"
    tables = json.loads(path.read_text("utf-8"))
    change(tables)
    tables.pop("checksum")
    header = tables.pop("emulator")["1"]
    lines = ['{"emulator": {"1": ' + compact(header) + "},\n"]
    for name, documents in tables.items():
        rows = ",\n".join(f'"{doc_id}": {compact(doc)}' for doc_id, doc in documents.items())
        lines.append(f'"{name}": {{\n{rows}\n}},\n' if rows else f'"{name}": {{\n}},\n')
    body = "".join(lines).encode()
    path.write_bytes(body + b'"checksum": {"1": {"crc32":"%08x","bytes":%d}}}\n' % (crc32(body), len(body)))


def compact(document: Json) -> str:
    """JSON as the emulator writes it."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def follow(output: str) -> None:
    """Carry out the commands that were told."""
    commands = [line.strip() for line in output.splitlines() if line.startswith("    ")]
    assert len(commands) >= 2
    for command in commands:
        subprocess.run(["sh", "-c", command], check=True, timeout=30)


def the_tokens(folder: Path) -> set[str]:
    """The tokens that a started emulator has."""
    emulator = Emulator(Settings(state=folder))
    emulator.workspaces.default.store.keep()
    documents = emulator.workspaces.default.store.storage.state.table("subscriptions").documents
    emulator.workspaces.default.store.discard()
    emulator.close()
    return {json.loads(one)["subscription_id"] for one in documents.values()}


# Reports


def test_a_good_state_is_reported_with_its_numbers(
    folder: Path, doctor: Callable[..., tuple[int, str]]
) -> None:
    before = read_folder(folder)
    status, text = doctor(folder)
    assert status == 0
    assert "default.json: " in text
    assert "format 2, generation 2" in text
    assert "databases 5, resources 6, profiles 16, subscriptions 21" in text
    assert f"{log_of(folder).name}: 3 transaction(s)" in text
    assert "good" in text
    assert read_folder(folder) == before


def test_torn_bytes_are_reported_and_are_no_damage(
    folder: Path, doctor: Callable[..., tuple[int, str]]
) -> None:
    with log_of(folder).open("ab") as log:
        log.write(b"deadbeef 9 [")
    status, text = doctor(folder)
    assert (status, the_report(folder).torn_bytes) == (0, 12)
    assert "the last 12 of a torn one: cut off at the next start" in text


def test_a_superseded_log_is_told_apart(folder: Path, doctor: Callable[..., tuple[int, str]]) -> None:
    (folder / "default.1.journal").write_bytes(b"old")
    status, text = doctor(folder)
    assert status == 0
    assert "default.1.journal: 0 transaction(s), 3 bytes, superseded" in text


def test_every_workspace_is_looked_at_and_other_files_are_not(
    folder: Path, doctor: Callable[..., tuple[int, str]]
) -> None:
    for name, data in read_folder(folder).items():
        if name.startswith("default."):
            (folder / name.replace("default.", "run-7.")).write_bytes(data)
    (folder / "Notes about this.json").write_text("mine")
    (folder / "run-7.json").write_bytes(b"broken")
    status, text = doctor(folder)
    assert status == 1
    assert [one.path.name for one in examine(folder)] == ["default.json", "run-7.json"]
    assert "FOUND run-7.json at byte 0: not a state file" in text


def test_damage_is_found_with_file_and_offset(folder: Path, doctor: Callable[..., tuple[int, str]]) -> None:
    log = log_of(folder)
    data = bytearray(log.read_bytes())
    second = data.index(b"\n", data.index(b"\n") + 1) + 1
    data[second + 40] ^= 1
    log.write_bytes(data)
    before = read_folder(folder)
    status, text = doctor(folder)
    assert status == 1
    assert f"FOUND {log.name} at byte {second}: a line's checksum does not hold" in text
    assert read_folder(folder) == before


def test_nothing_to_look_at_is_status_2(tmp_path: Path, doctor: Callable[..., tuple[int, str]]) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    for place, text in (("none", "No such file"), ("empty", "no state here"), ("file", "Not a directory")):
        status, output = doctor(tmp_path / place)
        assert status == 2
        assert text in output
        assert output.startswith(f"error: {tmp_path / place}")
    assert not (tmp_path / "none").exists()


def test_an_index_that_differs_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = recover(folder / "default.json", SPECS).state
    assert wrong_indexes(state) == []
    index: Index = state.table("profiles").indexes["id"]
    index.add(profile_key(17, "nobody"), 5)
    assert wrong_indexes(state) == ['the index "id" of profiles is not what its documents make']


def test_an_aborted_first_start_is_nothing_yet(
    tmp_path: Path, doctor: Callable[..., tuple[int, str]]
) -> None:
    header = b'{"journal":1,"generation":1,"state":"00"}'
    (tmp_path / "default.1.journal").write_bytes(format_line(0, header))
    status, text = doctor(tmp_path)
    assert (status, text) == (0, "default.json: nothing is stored yet\n")


# The rules' invariants

PAGE_PROFILE = "5fb62e815ae47a4aa04dfadd"


def double_role(tables: Json) -> None:
    for number in ("1", "2"):
        tables["resources"][number]["role_tokens"] = [{"token": "rt", "name": "Both", "db_id": 34}]


def same_profile_twice(tables: Json) -> None:
    one = next(s for s in tables["subscriptions"].values() if s["subscription_id"] == "active-token")
    tables["subscriptions"]["900"] = one


def lose_profile(tables: Json) -> None:
    doc_id = next(i for i, p in tables["profiles"].items() if p["id"] == PAGE_PROFILE)
    del tables["profiles"][doc_id]


def lose_resource(tables: Json) -> None:
    tables["resources"] = {i: r for i, r in tables["resources"].items() if r["id"] != 5}


def lose_database(tables: Json) -> None:
    tables["databases"] = {i: d for i, d in tables["databases"].items() if d["id"] != 17}


def double_profile(tables: Json) -> None:
    one = next(p for p in tables["profiles"].values() if p["id"] == PAGE_PROFILE)
    tables["profiles"]["900"] = {**one, "fields": {}}


def double_hash(tables: Json) -> None:
    first, second = list(tables["subscriptions"].values())[:2]
    second["hash_id"] = first["hash_id"]


def two_hashes(tables: Json) -> None:
    records = [s for s in tables["subscriptions"].values() if s["subscription_id"] == "came-back-token"]
    records[1]["hash_id"] = "0123456789"


def foreign_hash(tables: Json) -> None:
    one = next(s for s in tables["subscriptions"].values() if s["subscription_id"] == "active-token")
    one["hash_id"] = "0123456789"


def double_resource(tables: Json) -> None:
    tables["resources"]["900"] = {**tables["resources"]["1"], "id": 901}


def double_database(tables: Json) -> None:
    tables["databases"]["900"] = tables["databases"]["1"]


def unreadable_database(tables: Json) -> None:
    tables["databases"]["900"] = {"id": "seventeen"}


BREACHES = [
    (double_role, "resource 22: a role token (Both) is there twice"),
    (double_role, "resource 5: it lacks database 34 of a role token (Both)"),
    (same_profile_twice, "is twice on profile " + PAGE_PROFILE),
    (lose_profile, f"its profile {PAGE_PROFILE} is missing"),
    (lose_resource, "its resource 5 is missing"),
    (lose_database, f"profile {PAGE_PROFILE}: its database 17 is missing"),
    (lose_database, "resource 5 names a database that is missing: 17"),
    (double_profile, f"profile 17/{PAGE_PROFILE} is there twice"),
    (double_hash, "stands for two keys"),
    (two_hashes, "has two hash ids"),
    (foreign_hash, "subscription 0123456789: this is no hash id of its key"),
    (double_resource, "resource 901 or its token is there twice"),
    (double_database, "database 17 is there twice"),
    (unreadable_database, "document 900 of databases cannot be read"),
]


@pytest.mark.parametrize(
    ("change", "text"), BREACHES, ids=[f"{c.__name__}-{i}" for i, (c, _) in enumerate(BREACHES)]
)
def test_what_the_rules_could_not_have_made_is_found(
    folder: Path, doctor: Callable[..., tuple[int, str]], change: Callable[[Json], None], text: str
) -> None:
    edit(folder, change)
    before = read_folder(folder)
    status, output = doctor(folder)
    assert status == 1
    assert text in output
    assert read_folder(folder) == before
    assert ("a server starts with it as it is" in output) == (change is not unreadable_database)
    if change is not unreadable_database:
        Emulator(Settings(state=folder)).close()


# What is lost, and how to go on


def misremembered(number: str, document: Json) -> Callable[[Json], None]:
    """Another settings, clock or faults document."""

    def change(tables: Json) -> None:
        tables["workspace"][number] = document

    return change


REFUSED = [
    misremembered("1", {"policies": {"unknown_id": "no such"}}),
    misremembered("2", {"frozen_ms": "yesterday"}),
    misremembered("2", {"frozen_ms": 10**17}),
    misremembered("3", {"armed": [{"times": "x"}]}),
    unreadable_database,
]


@pytest.mark.parametrize("change", REFUSED, ids=["settings", "clock", "clock_far_off", "faults", "database"])
def test_what_a_server_does_not_start_with_the_doctor_finds(
    folder: Path, doctor: Callable[..., tuple[int, str]], change: Callable[[Json], None]
) -> None:
    edit(folder, change)
    before = read_folder(folder)
    status, text = doctor(folder)
    assert (status, "cannot be read" in text) == (1, True)
    assert_one_line(run("serve", "--port", "0", "--state", folder), "default.json", "doctor")
    assert {n: d for n, d in read_folder(folder).items() if n in before} == before
    follow(text)
    assert the_tokens(folder)


def test_after_damage_in_a_log_the_told_commands_keep_all_before_it(
    folder: Path, doctor: Callable[..., tuple[int, str]]
) -> None:
    log = log_of(folder)
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:2], lines[2].replace(b"new-1", b"new-7"), *lines[3:]]))
    status, text = doctor(folder)
    assert status == 1
    assert "2 transaction(s), from there on, are lost" in text
    follow(text)
    assert doctor(folder)[0] == 0
    assert {"new-0", "new-1", "new-2"} & the_tokens(folder) == {"new-0"}


@pytest.mark.parametrize("which", ["snapshot", "no_snapshot", "no_log", "log_of_another"])
def test_after_damage_elsewhere_the_told_commands_begin_with_the_fixtures(
    folder: Path, doctor: Callable[..., tuple[int, str]], which: str
) -> None:
    if which == "snapshot":
        path = folder / "default.json"
        path.write_bytes(path.read_bytes().replace(b"taken-token", b"taken-taken"))
    elif which == "log_of_another":
        header = b'{"journal":1,"generation":2,"state":"another"}'
        log_of(folder).write_bytes(format_line(0, header))
    else:
        (folder / "default.json" if which == "no_snapshot" else log_of(folder)).unlink()
    (folder / "lock").unlink()
    before = read_folder(folder)
    status, text = doctor(folder)
    assert (status, read_folder(folder)) == (1, before)
    follow(text)
    assert read_folder(folder / "default.damaged") == before
    assert "new-0" not in the_tokens(folder)
    assert doctor(folder)[0] == 0


def test_every_single_damaged_byte_leaves_a_state_that_starts_after_the_told_commands(
    folder: Path, tmp_path: Path, doctor: Callable[..., tuple[int, str]]
) -> None:
    good = read_folder(folder)
    broken = tmp_path / "broken"
    for name in ("default.json", log_of(folder).name):
        data = good[name]
        for position in range(0, len(data), 307):
            broken.mkdir()
            for other, content in good.items():
                (broken / other).write_bytes(content)
            (broken / name).write_bytes(data[:position] + b"\n\x9d" + data[position + 1 :])
            status, text = doctor(broken)
            assert (status, "To go on" in text) == (1, True), (name, position)
            follow(text)
            assert the_tokens(broken), (name, position)
            shutil.rmtree(broken)
