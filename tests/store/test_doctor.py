"""``run.py doctor``: what it reports, what it finds, what its repaired copies keep."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from tinydb import TinyDB, where

from emulator.cli import main
from emulator.emulator import Emulator
from emulator.rules.model import Policies, Profile
from emulator.settings import Settings
from emulator.store.doctor import Report, examine, examine_file, wrong_indexes
from emulator.store.indexes import Index
from emulator.store.journal import format_line, parse_line
from emulator.store.recovery import recover
from emulator.store.repair import NothingLeft, repair
from emulator.store.tables import SPECS
from emulator.wire import Incoming
from tests.store.scene import Folder, read_folder

Json = Any


def ask(emulator: Emulator, token: str, subscription_id: str, **more: Any) -> Json:
    """One request to an emulator in this process."""
    entry = {"provider": "android-firebase", "subscription_id": subscription_id}
    body = json.dumps({"resource_token": token, "subscriptions": [entry], **more}).encode()
    incoming = Incoming("POST", "/push_subscribe", "", {}, body, "127.0.0.1:1")
    return json.loads(emulator.exchange.handle(incoming).body)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state directory as a kill leaves it: a snapshot and a journal with three transactions."""
    folder = tmp_path / "state"
    emulator = Emulator(Settings(state=folder))
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


def the_report(folder: Path) -> Report:
    (report,) = examine(folder)
    return report


def journal_of(folder: Path) -> Path:
    (journal,) = folder.glob("default.*.journal")
    return journal


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


def put_in_place(output: str) -> None:
    """Carry out the commands that were told."""
    lines = [line.strip() for line in output.splitlines()]
    commands = [shlex.split(line) for line in lines if line.startswith(("mkdir ", "mv "))]
    assert len(commands) >= 4
    for command in commands:
        subprocess.run(command, check=True, timeout=30)


def the_answers(folder: Path) -> Json:
    """The state as a started emulator has it: profiles and subscriptions by what names them."""
    emulator = Emulator(Settings(state=folder))
    state = emulator.workspaces.default.store.storage.state
    profiles = [json.loads(one) for one in state.table("profiles").documents.values()]
    subscriptions = [json.loads(one) for one in state.table("subscriptions").documents.values()]
    emulator.workspaces.default.store.discard()
    emulator.close()
    keys = ("db_id", "resource_id", "provider", "subscription_id", "profile_id")
    return (
        {(one["db_id"], one["id"]): one for one in profiles},
        {tuple(one[key] for key in keys): one for one in subscriptions},
    )


# Reports


def test_a_good_state_is_reported_with_its_numbers(
    folder: Path, doctor: Callable[..., tuple[int, str]]
) -> None:
    before = read_folder(folder)
    status, text = doctor(folder)
    assert status == 0
    assert "default.json: " in text
    assert "format 1, generation 2" in text
    assert "databases 4, resources 5, profiles 12, subscriptions 14" in text
    assert f"{journal_of(folder).name}: 3 transaction(s)" in text
    assert "good" in text
    assert read_folder(folder) == before


def test_torn_bytes_are_reported_and_are_no_damage(
    folder: Path, doctor: Callable[..., tuple[int, str]]
) -> None:
    with journal_of(folder).open("ab") as journal:
        journal.write(b"deadbeef 9 [")
    status, text = doctor(folder)
    assert (status, the_report(folder).torn_bytes) == (0, 12)
    assert "the last 12 of a torn one: cut off at the next start" in text


def test_a_superseded_journal_is_told_apart(folder: Path, doctor: Callable[..., tuple[int, str]]) -> None:
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
    journal = journal_of(folder)
    data = bytearray(journal.read_bytes())
    second = data.index(b"\n", data.index(b"\n") + 1) + 1
    data[second + 40] ^= 1
    journal.write_bytes(data)
    before = read_folder(folder)
    status, text = doctor(folder)
    assert status == 1
    assert f"FOUND {journal.name} at byte {second}: a line's checksum does not hold" in text
    assert read_folder(folder) == before


def test_nothing_to_look_at_is_status_2(tmp_path: Path, doctor: Callable[..., tuple[int, str]]) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    for place, text in (("none", "No such file"), ("empty", "no state here"), ("file", "Not a directory")):
        status, output = doctor(tmp_path / place)
        assert status == 2
        assert text in output
        assert output.startswith(f"error: {tmp_path / place}")
    assert doctor(tmp_path / "none", "--repair")[0] == 2
    assert not (tmp_path / "none").exists()


def test_an_index_that_differs_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = recover(folder / "default.json", SPECS).state
    assert wrong_indexes(state) == []
    index: Index = state.table("profiles").indexes["id"]
    index.add(Profile("nobody", 17), 5)
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


def double_active(tables: Json) -> None:
    one = next(s for s in tables["subscriptions"].values() if s["subscription_id"] == "active-token")
    other = {**one, "profile_id": "637f1a284fda7c5c08be62f0", "updated": "2030-01-01T00:00:00.000Z"}
    tables["subscriptions"]["900"] = other


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


def double_resource(tables: Json) -> None:
    tables["resources"]["900"] = {**tables["resources"]["1"], "id": 901}


def double_database(tables: Json) -> None:
    tables["databases"]["900"] = tables["databases"]["1"]


def unreadable_database(tables: Json) -> None:
    tables["databases"]["900"] = {"id": "seventeen"}


BREACHES = [
    (double_active, "is active on several profiles: " + PAGE_PROFILE + ", 637f1a284fda7c5c08be62f0"),
    (same_profile_twice, "is twice on profile " + PAGE_PROFILE),
    (lose_profile, f"its profile {PAGE_PROFILE} is missing"),
    (lose_resource, "its resource 5 is missing"),
    (lose_database, f"profile {PAGE_PROFILE}: its database 17 is missing"),
    (lose_database, "resource 5 names a database that is missing: 17"),
    (double_profile, f"profile 17/{PAGE_PROFILE} is there twice"),
    (double_hash, "stands for two keys"),
    (two_hashes, "has two hash ids"),
    (double_resource, "resource 901 or its token is there twice"),
    (double_database, "database 17 is there twice"),
    (unreadable_database, "document 900 of databases is none"),
]


@pytest.mark.parametrize(
    ("change", "text"), BREACHES, ids=[f"{c.__name__}-{i}" for i, (c, _) in enumerate(BREACHES)]
)
def test_what_the_rules_could_not_have_made_is_found_and_mended(
    folder: Path, doctor: Callable[..., tuple[int, str]], change: Callable[[Json], None], text: str
) -> None:
    edit(folder, change)
    before = read_folder(folder)
    status, output = doctor(folder)
    assert status == 1
    assert text in output
    assert read_folder(folder) == before
    status, output = doctor(folder, "--repair")
    assert status == 1
    assert text in output
    assert untouched(folder, before)
    assert examine_file(folder / "default.repaired.json").findings == []
    put_in_place(output)
    assert doctor(folder)[0] == 0
    the_answers(folder)


def untouched(folder: Path, before: Folder) -> bool:
    """The files of the original are what they were."""
    now = read_folder(folder)
    return {name: now.get(name) for name in before} == before


def test_S4_the_policy_move_leaves_nothing_to_find(tmp_path: Path) -> None:
    emulator = Emulator(Settings(state=tmp_path, policies=Policies(duplicate_token="move")))
    token = "3LXP2FRcRxJ-7b14db88ec937f14"
    for profile in ("one", "two", "three"):
        assert ask(emulator, token, "active-token", id=profile)["error"] == 0
    emulator.close()
    assert the_report(tmp_path).findings == []


def test_S4_the_last_to_change_keeps_a_token_that_was_active_twice(
    folder: Path, doctor: Callable[..., tuple[int, str]]
) -> None:
    edit(folder, double_active)
    put_in_place(doctor(folder, "--repair")[1])
    status = {
        key[-1]: one["status"] for key, one in the_answers(folder)[1].items() if key[3] == "active-token"
    }
    assert status == {PAGE_PROFILE: "unsubscribed", "637f1a284fda7c5c08be62f0": "subscribed"}


# Repaired copies


def test_a_good_state_gets_no_copy(folder: Path, doctor: Callable[..., tuple[int, str]]) -> None:
    status, text = doctor(folder, "--repair")
    assert status == 0
    assert not (folder / "default.repaired.json").exists()
    assert "mv" not in text


def test_a_file_edited_by_hand_is_taken_as_it_is(
    folder: Path, doctor: Callable[..., tuple[int, str]]
) -> None:
    path = folder / "default.json"
    tables = json.loads(path.read_text("utf-8"))
    next(p for p in tables["profiles"].values() if p["id"] == PAGE_PROFILE)["fields"]["nickname"] = "Ivo"
    path.write_text(json.dumps(tables, indent=4, ensure_ascii=False), "utf-8")
    status, text = doctor(folder, "--repair")
    assert status == 1
    assert "default.json: the checksum does not hold" in text or "has no checksum" in text
    put_in_place(text)
    profiles, subscriptions = the_answers(folder)
    assert profiles[17, PAGE_PROFILE]["fields"]["nickname"] == "Ivo"
    assert (len(profiles), len(subscriptions)) == (12, 14)


def test_a_file_written_by_stock_tinydb_is_taken_as_it_is(
    folder: Path, doctor: Callable[..., tuple[int, str]]
) -> None:
    with TinyDB(folder / "default.json", encoding="utf-8") as stock:
        stock.table("profiles").update({"fields": {"nickname": "Ivo"}}, where("id") == PAGE_PROFILE)
    put_in_place(doctor(folder, "--repair")[1])
    profiles, subscriptions = the_answers(folder)
    assert profiles[17, PAGE_PROFILE]["fields"] == {"nickname": "Ivo"}
    assert (len(profiles), len(subscriptions)) == (12, 14)


def test_a_damaged_line_of_the_snapshot_costs_that_line(
    folder: Path, doctor: Callable[..., tuple[int, str]]
) -> None:
    expected_profiles, expected = the_answers(folder)
    path = folder / "default.json"
    data = path.read_bytes()
    at = data.index(b'"taken-token"')
    path.write_bytes(data[: at - 3] + b"\x00\x01\x02" + data[at:])
    line = data.rindex(b"\n", 0, at) + 1
    before = read_folder(folder)
    status, text = doctor(folder, "--repair")
    assert status == 1
    assert untouched(folder, before)
    assert f"default.json: byte {line}: a line of " in text
    put_in_place(text)
    profiles, subscriptions = the_answers(folder)
    assert profiles == expected_profiles
    assert subscriptions == {key: one for key, one in expected.items() if key[3] != "taken-token"}


@pytest.mark.parametrize("table", ["databases", "resources", "profiles", "subscriptions"])
def test_a_damaged_table_line_costs_nothing(
    folder: Path, doctor: Callable[..., tuple[int, str]], table: str
) -> None:
    expected = the_answers(folder)
    path = folder / "default.json"
    path.write_bytes(
        path.read_bytes().replace(b'"%s": {\n' % table.encode(), b'"%s"\x8e {\n' % table.encode())
    )
    status, text = doctor(folder, "--repair")
    assert status == 1
    assert "a document without its table is taken for one of" in text
    put_in_place(text)
    assert the_answers(folder) == expected


def test_a_snapshot_cut_off_keeps_what_is_left(folder: Path, doctor: Callable[..., tuple[int, str]]) -> None:
    expected_profiles, expected = the_answers(folder)
    path = folder / "default.json"
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b'"taken-token"')])
    put_in_place(doctor(folder, "--repair")[1])
    profiles, subscriptions = the_answers(folder)
    assert profiles == expected_profiles
    assert {"new-0", "new-1", "new-2", "active-token"} <= {key[3] for key in subscriptions}
    assert all(expected[key] == one for key, one in subscriptions.items())


def test_a_damaged_transaction_costs_that_transaction(
    folder: Path, doctor: Callable[..., tuple[int, str]]
) -> None:
    expected_profiles, expected = the_answers(folder)
    journal = journal_of(folder)
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:2], lines[2].replace(b"new-1", b"new-7"), *lines[3:]]) + b"torn")
    status, text = doctor(folder, "--repair")
    assert status == 1
    assert f"{journal.name}: byte {len(lines[0] + lines[1])}: a damaged transaction of" in text
    assert "1 transaction(s) before this one are missing" in text
    assert "a torn transaction of 4 bytes is dropped" in text
    put_in_place(text)
    profiles, subscriptions = the_answers(folder)
    assert {key[3] for key in expected} - {key[3] for key in subscriptions} == {"new-1"}
    assert len(expected_profiles) - len(profiles) == 2
    assert all(expected[key] == one for key, one in subscriptions.items())


def test_a_missing_journal_costs_what_it_held(folder: Path, doctor: Callable[..., tuple[int, str]]) -> None:
    journal_of(folder).unlink()
    status, text = doctor(folder, "--repair")
    assert status == 1
    assert "journal that follows default.json is missing" in text
    put_in_place(text)
    assert len(the_answers(folder)[0]) == 6


def test_the_journal_of_another_state_is_not_mixed_in(
    folder: Path, tmp_path: Path, doctor: Callable[..., tuple[int, str]]
) -> None:
    journal = journal_of(folder)
    lines = journal.read_bytes().splitlines()
    number, header = parse_line(lines[0]) or (0, b"")
    other = {**json.loads(header), "state": "another"}
    journal.write_bytes(
        b"\n".join([format_line(number, json.dumps(other).encode()).strip(), *lines[1:], b""])
    )
    status, text = doctor(folder, "--repair")
    assert status == 1
    assert f"{journal.name}: is the journal of another state: dropped whole" in text
    put_in_place(text)
    assert len(the_answers(folder)[0]) == 6


def test_where_nothing_is_left_no_copy_is_made(folder: Path, doctor: Callable[..., tuple[int, str]]) -> None:
    (folder / "default.json").write_bytes(b"\x00" * 5000)
    status, text = doctor(folder, "--repair")
    assert status == 1
    assert "cannot be repaired: no database or no resource can be read any more" in text
    assert not (folder / "default.repaired.json").exists()
    (folder / "default.json").unlink()
    assert "cannot be repaired" in doctor(folder, "--repair")[1]


def test_a_second_repair_replaces_the_first_copy(
    folder: Path, doctor: Callable[..., tuple[int, str]]
) -> None:
    edit(folder, double_active)
    doctor(folder, "--repair")
    first = read_folder(folder)
    doctor(folder, "--repair")
    assert {name for name in first if "repaired" in name} == {
        name for name in read_folder(folder) if "repaired" in name
    }


def test_repair_refuses_while_an_emulator_has_the_directory(
    folder: Path, doctor: Callable[..., tuple[int, str]]
) -> None:
    emulator = Emulator(Settings(state=folder))
    try:
        status, text = doctor(folder, "--repair")
        assert status == 2
        assert "in use by another emulator" in text
        assert doctor(folder)[0] == 0
    finally:
        emulator.close()


def test_every_single_damaged_byte_leaves_a_copy_without_findings_or_a_refusal(
    folder: Path, tmp_path: Path
) -> None:
    """Repair itself never fails, whatever is damaged."""
    good = read_folder(folder)
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("default.json", journal_of(folder).name):
        data = good[name]
        for position in range(0, len(data), 23):
            for file in broken.iterdir():
                file.unlink()
            for other, content in good.items():
                (broken / other).write_bytes(content)
            (broken / name).write_bytes(data[:position] + b"\n\x9d" + data[position + 1 :])
            try:
                repair(broken / "default.json")
            except NothingLeft:
                raise AssertionError(f"one byte at {position} of {name} is no reason to give up") from None
            assert examine_file(broken / "default.repaired.json").findings == [], (name, position)
