"""Files that appear whole or not at all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from emulator.store.files import replace_file
from tests.server import ROOT

_LIMITED = """
import json, resource, sys
from pathlib import Path
from emulator.store.files import replace_file

path, outcomes = Path(sys.argv[1]), {}
for limit in range(0, 31):
    path.write_bytes(b"before")
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        replace_file(path, [b"x" * 10, b"y" * 10, b"z" * 10])
        problem = None
    except OSError as error:
        problem = error.strerror
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    outcomes[limit] = (problem, path.read_text(), sorted(file.name for file in path.parent.iterdir()))
print(json.dumps(outcomes))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them")
def test_a_file_is_replaced_whole_or_not_at_all_wherever_the_disk_is_full(tmp_path: Path) -> None:
    """Also where the very last write fits in part, which the system does not call an error."""
    command = [sys.executable, "-c", _LIMITED, str(tmp_path / "file")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    whole = "x" * 10 + "y" * 10 + "z" * 10
    for limit, outcome in json.loads(done.stdout).items():
        if int(limit) < 30:
            assert outcome == ["File too large", "before", ["file"]], limit
        else:
            assert outcome == [None, whole, ["file"]]


def test_what_raises_while_the_chunks_are_made_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")

    def chunks():  # type: ignore[no-untyped-def]
        yield b"x"
        raise LookupError

    with pytest.raises(LookupError):
        replace_file(path, chunks())
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
