"""Damage on the disk is refused with file and offset, or is harmless; it is never silently wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

import pytest

from emulator.store.errors import DamagedState, ForeignFile, StateError
from emulator.store.storage import LoggedStorage
from tests.store.scene import (
    NAME,
    SPECS,
    Scene,
    contents,
    log_line,
    open_damaged,
    read_folder,
    write_folder,
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    return tmp_path / "state"


def refused(outcome: object, path: Path) -> DamagedState:
    """That it was refused, for this file."""
    assert isinstance(outcome, DamagedState), outcome
    assert outcome.path == path
    assert f"{path}: damaged at byte {outcome.offset}" in str(outcome)
    assert "doctor" in str(outcome)
    return outcome


def test_untouched_it_opens_with_everything(scene: Scene, damaged: Path) -> None:
    assert open_damaged(write_folder(damaged, scene.files)) == (scene.after[-1], 0)


def changed_bytes(data: bytes, position: int) -> Iterator[bytes]:
    """The data with another byte at the position: a single bit, and a byte that means something here."""
    was = data[position]
    for now in {was ^ (1 << position % 8), b'\n"0'[position % 3]} - {was}:
        yield data[:position] + bytes([now]) + data[position + 1 :]


@pytest.mark.parametrize("which", [NAME, "default.2.journal", "default.3.journal"])
def test_every_changed_byte_is_refused(scene: Scene, damaged: Path, which: str) -> None:
    path = write_folder(damaged, scene.files)
    good = scene.files[which]
    for position in range(len(good)):
        for bad in changed_bytes(good, position):
            (damaged / which).write_bytes(bad)
            outcome = open_damaged(path)
            assert isinstance(outcome, StateError), (which, position, bad[position])
            assert which in str(outcome)
            if isinstance(outcome, DamagedState) and outcome.offset and which != NAME:
                line_start = good.rfind(b"\n", 0, position) + 1
                assert outcome.offset in (line_start, good.find(b"\n", position) + 1), (which, position)


@pytest.mark.parametrize("which", [NAME, "default.2.journal", "default.3.journal"])
def test_every_removed_or_doubled_byte_is_refused(scene: Scene, damaged: Path, which: str) -> None:
    path = write_folder(damaged, scene.files)
    good = scene.files[which]
    for position in range(len(good) - 1):
        for bad in (good[:position] + good[position + 1 :], good[: position + 1] + good[position:]):
            (damaged / which).write_bytes(bad)
            assert bad == good or isinstance(open_damaged(path), StateError), (which, position)


def test_a_snapshot_cut_anywhere_is_refused(scene: Scene, damaged: Path) -> None:
    path = write_folder(damaged, scene.files)
    for length in range(len(scene.files[NAME])):
        path.write_bytes(scene.files[NAME][:length])
        refused(open_damaged(path), path)


def test_the_last_log_cut_anywhere_is_a_prefix_of_its_transactions(scene: Scene, damaged: Path) -> None:
    path = write_folder(damaged, scene.files)
    data, ends = scene.files[scene.last.name], scene.last_lines()
    for length in range(len(data)):
        write_folder(damaged, {**scene.files, scene.last.name: data[:length]})
        outcome = open_damaged(path)
        whole = [end for end in ends if end <= length]
        if not whole:
            refused(outcome, damaged / scene.last.name)
        else:
            assert outcome == (scene.after[3 + len(whole) - 1], length - whole[-1]), length


def test_a_closed_log_cut_anywhere_is_refused_unless_no_transaction_is_lost(
    scene: Scene, damaged: Path
) -> None:
    path = write_folder(damaged, scene.files)
    data = scene.files[scene.closed.name]
    closing = data.rindex(b"\n", 0, len(data) - 1) + 1
    for length in range(len(data)):
        write_folder(damaged, {**scene.files, scene.closed.name: data[:length]})
        outcome = open_damaged(path)
        if length >= closing:
            assert outcome == (scene.after[-1], 0)
        else:
            assert isinstance(outcome, DamagedState), length


@pytest.mark.parametrize("junk", [b"junk", bytes(4096), b"\xff" * 70_000])
def test_a_torn_tail_of_any_kind_is_cut_off_and_counted(scene: Scene, damaged: Path, junk: bytes) -> None:
    path = write_folder(damaged, {**scene.files, scene.last.name: scene.files[scene.last.name] + junk})
    assert open_damaged(path) == (scene.after[-1], len(junk))
    assert read_folder(damaged)[scene.last.name].startswith(scene.files[scene.last.name])


@pytest.mark.parametrize("which", [NAME, "default.2.journal", "default.3.journal"])
def test_a_line_added_at_the_end_is_refused(scene: Scene, damaged: Path, which: str) -> None:
    path = write_folder(damaged, {**scene.files, which: scene.files[which] + b"junk\n"})
    refused(open_damaged(path), damaged / which)


def test_a_missing_snapshot_is_refused(scene: Scene, damaged: Path) -> None:
    files = {name: data for name, data in scene.files.items() if name != NAME}
    outcome = refused(open_damaged(write_folder(damaged, files)), damaged / "default.2.journal")
    assert "default.json that it follows is missing" in str(outcome)


@pytest.mark.parametrize("which", ["default.2.journal", "default.3.journal"])
def test_a_missing_log_is_refused(scene: Scene, damaged: Path, which: str) -> None:
    files = {name: data for name, data in scene.files.items() if name != which}
    outcome = refused(open_damaged(write_folder(damaged, files)), damaged / which)
    assert "missing" in str(outcome)


def test_a_lost_transaction_is_refused(scene: Scene, damaged: Path) -> None:
    lines = scene.files[scene.last.name].splitlines(keepends=True)
    path = write_folder(damaged, {**scene.files, scene.last.name: b"".join([*lines[:2], *lines[3:]])})
    outcome = refused(open_damaged(path), damaged / scene.last.name)
    assert outcome.offset == len(lines[0] + lines[1])
    assert "transaction 9 follows 7" in str(outcome)


def test_a_transaction_that_does_not_fit_the_tables_is_refused(scene: Scene, damaged: Path) -> None:
    data = scene.files[scene.last.name]
    nameless = b'[["people",1,{"nameless":1}]]'
    for payload in (b"not json", b"{}", b'[["people",1]]', nameless, b'[["people",1,5]]', b"[\xff]"):
        path = write_folder(damaged, {**scene.files, scene.last.name: data + log_line(10, payload)})
        outcome = refused(open_damaged(path), damaged / scene.last.name)
        assert outcome.offset == len(data)


def with_checksum(body: bytes) -> bytes:
    """A snapshot's body with the closing line that fits."""
    return body + b'"checksum": {"1": {"crc32":"%08x","bytes":%d}}}\n' % (crc32(body), len(body))


def body_of(snapshot: bytes) -> bytes:
    """A snapshot without its closing line."""
    return snapshot[: snapshot.rindex(b'"checksum"')]


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.replace(b'{"name":"p1', b'{"nameless":"p1'),
        lambda body: body.replace(b'{"name":"p1', b'"name":"p1'),
        lambda body: body.replace(b'"3": {"of"', b'"one": {"of"'),
        lambda body: body.replace(b'"3": {"of"', b'"3" {"of"'),
        lambda body: body.replace(b'"tokens": {', b'"tok\\ens": {'),
        lambda body: body.replace(b'"tokens": {', b"tokens: {"),
    ],
)
def test_a_line_that_is_none_is_refused_even_with_a_fitting_checksum(
    scene: Scene, damaged: Path, change: Callable[[bytes], bytes]
) -> None:
    body = body_of(scene.files[NAME])
    assert change(body) != body
    path = write_folder(damaged, {**scene.files, NAME: with_checksum(change(body))})
    refused(open_damaged(path), path)


@pytest.mark.parametrize(
    "foreign",
    [b"", b"\n", b"{}", b"[]", b'{"_default": {"1": {"name": "Ada"}}}', bytes(5000), b"PK\x03\x04" * 999],
    ids=["empty", "newline", "object", "array", "plain_tinydb", "zeros", "binary"],
)
@pytest.mark.parametrize("which", [NAME, "default.2.journal", "default.3.journal"])
def test_a_foreign_file_is_refused(scene: Scene, damaged: Path, which: str, foreign: bytes) -> None:
    path = write_folder(damaged, {**scene.files, which: foreign})
    assert refused(open_damaged(path), damaged / which).offset == 0


@pytest.mark.parametrize("foreign", [b"", b"{}", b'{"_default": {"1": {"name": "Ada"}}}', b"\xff" * 999])
def test_a_foreign_file_alone_is_left_alone(damaged: Path, foreign: bytes) -> None:
    path = write_folder(damaged, {NAME: foreign})
    outcome = open_damaged(path)
    assert isinstance(outcome, ForeignFile)
    assert f"{path}: is not a file of the emulator" in str(outcome)


def test_the_log_of_another_state_is_refused(scene: Scene, damaged: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    files = Scene(other).files
    for which in ("default.2.journal", "default.3.journal"):
        path = write_folder(damaged, {**scene.files, which: files[which]})
        outcome = refused(open_damaged(path), damaged / which)
        assert "another state" in str(outcome)


def test_an_older_snapshot_of_the_same_state_is_refused(scene: Scene, damaged: Path) -> None:
    storage = LoggedStorage(write_folder(damaged, scene.files), SPECS)
    storage.close()
    path = write_folder(damaged, {**read_folder(damaged), NAME: scene.files[NAME]})
    outcome = open_damaged(path)
    assert isinstance(outcome, DamagedState)
    assert "missing" in str(outcome)


@pytest.mark.parametrize("extra", [b"", b',"new":{"later":[1]}'])
def test_a_newer_snapshot_format_is_refused_with_a_clear_text(
    scene: Scene, damaged: Path, extra: bytes
) -> None:
    newer = scene.files[NAME].replace(b'"format":2,"generation":2', b'"format":3' + extra)
    assert newer != scene.files[NAME]
    outcome = open_damaged(write_folder(damaged, {**scene.files, NAME: newer}))
    assert not isinstance(outcome, DamagedState)
    assert f"{damaged / NAME}: written by a newer emulator (state format 3, this one reads 2)" in str(outcome)


def test_a_newer_log_format_is_refused_with_a_clear_text(scene: Scene, damaged: Path) -> None:
    newer = log_line(6, b'{"journal":7,"epoch":"x"}') + b"\x01binary"
    outcome = open_damaged(write_folder(damaged, {**scene.files, scene.last.name: newer}))
    assert not isinstance(outcome, DamagedState)
    where = damaged / scene.last.name
    assert f"{where}: written by a newer emulator (log format 7, this one reads 1)" in str(outcome)


def test_leftovers_are_harmless_and_older_logs_go(scene: Scene, damaged: Path) -> None:
    leftovers = {
        "default.json.tmp": b"half a snapshot",
        "default.4.journal.tmp": b"x",
        "default.1.journal": log_line(0, b'{"journal":1,"generation":1,"state":"00"}'),
        "lock.holder": b'{"pid": 1}',
        "notes.txt": b"mine",
        "default.x.journal": b"?",
        "other.9.journal": b"another state's",
        "default.0.journal": b"somebody else's",
    }
    path = write_folder(damaged, {**scene.files, **leftovers})
    assert open_damaged(path) == (scene.after[-1], 0)
    left = read_folder(damaged)
    assert "default.1.journal" not in left
    assert left["notes.txt"] == b"mine"
    assert left["other.9.journal"] == b"another state's"
    assert left["default.0.journal"] == b"somebody else's"


def test_an_aborted_first_start_is_no_state_yet(damaged: Path) -> None:
    header = b'{"journal":1,"generation":1,"state":"00"}'
    path = write_folder(damaged, {"default.1.journal": log_line(0, header), "default.json.tmp": b"{"})
    storage = LoggedStorage(path, SPECS)
    assert (storage.fresh, storage.state.tables) == (True, {})
    storage.discard()


def test_a_state_is_fresh_until_something_was_stored(damaged: Path) -> None:
    damaged.mkdir()
    LoggedStorage(damaged / NAME, SPECS).discard()  # killed before it was seeded
    storage = LoggedStorage(damaged / NAME, SPECS)
    assert storage.fresh
    storage.commit([])
    storage.discard()
    storage = LoggedStorage(damaged / NAME, SPECS)
    assert not storage.fresh
    storage.discard()


def test_the_file_of_the_first_version_without_a_state_id_opens(scene: Scene, damaged: Path) -> None:
    """Files written before states had an id of their own."""
    storage = LoggedStorage(write_folder(damaged, scene.files), SPECS)
    storage.close()
    files = read_folder(damaged)
    log = next(name for name in files if name.endswith("journal"))
    state_id = json.loads(files[NAME])["emulator"]["1"]["state"].encode()
    body = body_of(files[NAME]).replace(b',"state":"%s"' % state_id, b"")
    header = files[log].split(b" ", 2)[2].strip().replace(b',"state":"%s"' % state_id, b"")
    path = write_folder(damaged, {NAME: with_checksum(body), log: log_line(9, header)})
    assert open_damaged(path) == (scene.after[-1], 0)


def test_a_directory_in_place_of_a_file_is_refused(scene: Scene, damaged: Path) -> None:
    path = write_folder(damaged, {n: d for n, d in scene.files.items() if n != NAME})
    path.mkdir()
    with pytest.raises(OSError, match=r"default\.json"):
        LoggedStorage(path, SPECS)


def test_contents_are_compared_not_only_counted(scene: Scene) -> None:
    """The scene itself: each transaction leaves other contents."""
    seen = [json.dumps({n: sorted(t.items()) for n, t in c.items()}, default=str) for c in scene.after]
    assert len(set(seen)) == 7
    assert contents(LoggedStorage(None, SPECS).state) == {}
