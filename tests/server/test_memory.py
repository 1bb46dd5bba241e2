"""The threads of a server take their memory from one arena."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

ALLOCATE = """
import re
from threading import Thread
from emulator.server.memory import share_one_arena

def heap():
    found = re.search("([0-9a-f]+)-([0-9a-f]+) .*\\\\[heap\\\\]", open("/proc/self/maps").read())
    return int(found[2], 16) - int(found[1], 16)

share_one_arena()
before, kept = heap(), []
thread = Thread(target=lambda: kept.extend(bytes(1000) for _ in range(20_000)))
thread.start()
thread.join()
print(heap() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="arenas as glibc has them")
def test_a_later_thread_takes_its_memory_from_the_common_arena() -> None:
    done = subprocess.run([sys.executable, "-c", ALLOCATE], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 10_000_000
