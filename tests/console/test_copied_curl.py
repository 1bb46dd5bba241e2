"""The copied curl command, run by real shells and a real curl: the same comes again."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.server import Server

SHELLS = [shell for shell in ("sh", "bash", "dash", "zsh") if shutil.which(shell)]
JSON = {"Content-Type": "application/json", "Accept": "*/*", "User-Agent": "app"}
BODIES = {
    "file": b"@secret",
    "bytes": b"\xff\x00\xfe\x80% \\ \\n %s 'q' \"q\" $(x) `y` \r\n\t\x1b[0m1\n",
    "gzip": gzip.compress(b'{"id": "1"}', mtime=0),
    "option": b"-n\x001",
    "nul and digits": b"\x00123\x008",
    "direction": '{"id": "a\u202eb\u00a0שלום Анна"}'.encode(),
    "text": '{\n\t"id": "\'Анна\' $HOME \\\\ 100%"}\n\n'.encode(),
    "long": b"x" * 200_000,
    "empty": b"",
}


def same_again(
    server: Server, shell: str, folder: Path, body: bytes, headers: dict[str, str], query: str
) -> None:
    base = f"/w/c-{shell}"
    server.request("DELETE", f"{base}/__admin/requests")
    server.request("POST", f"{base}/push_subscribe{query}", body, headers)
    first = server.get(f"{base}/__admin/requests").json["items"][0]
    command = server.get(f"{base}/__console/requests/{first['id']}/curl.txt").body.decode()
    done = subprocess.run(
        [shell], input=command.encode(), cwd=folder, capture_output=True, check=False, timeout=30
    )
    assert done.returncode == 0, (command[:300], done.stderr)
    again = server.get(f"{base}/__admin/requests").json["items"]
    assert len(again) == 2, command[:300]
    assert (again[0]["body"], again[0]["query"], again[0]["method"]) == (
        first["body"],
        first["query"],
        "POST",
    )
    unmeant = {"accept-encoding", "content-length"}
    assert again[0]["headers"].keys() - unmeant == first["headers"].keys() - unmeant
    if body:  # whose bytes the journal compares, where a list can show their text only
        groups = server.get(f"{base}/__admin/requests/attempts").json["items"]
        assert [(one["by"], one["count"]) for one in groups] == [("body", 2)]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not there")
@pytest.mark.parametrize("shell", SHELLS)
def test_copied_curl_sends_the_same_bytes_reads_no_file_and_adds_no_header(
    shared: Server, shell: str, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("what must not leave")
    for body in BODIES.values():
        same_again(shared, shell, tmp_path, body, JSON, "")
    same_again(shared, shell, tmp_path, b"{}", {}, "?a[1-3]={x,y}")
    same_again(shared, shell, tmp_path, b"{}" + b" " * 2_000, {"X-Empty": ""}, "?a=%5B1-3%5D")
