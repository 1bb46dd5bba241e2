"""What the run was measured on, and with which versions."""

from __future__ import annotations

import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

_PACKAGES = ("granian", "flask", "orjson", "msgspec", "marshmallow", "tinydb")


def describe(folder: Path, with_peers: bool) -> dict[str, str]:
    """Processor, memory, system, the file system of ``folder``, and versions: label → text."""
    found = {
        "processor": f"{_processor()}, {psutil.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}, {platform.machine()}",
        "file system of the state": _file_system(folder),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": ", ".join(f"{name} {_package(name)}" for name in _PACKAGES if _package(name)),
        "load tool": _first_words(["wrk", "-v"], 2),
    }
    if with_peers:
        found["for the peers"] = (
            f"Node {_first_words(['node', '-v'], 1)}, {_first_words(['java', '--version'], 2)}"
        )
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _file_system(folder: Path) -> str:
    places = [
        each for each in psutil.disk_partitions(all=True) if folder.resolve().is_relative_to(each.mountpoint)
    ]
    return max(places, key=lambda each: len(each.mountpoint)).fstype if places else "unknown"


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _first_words(command: list[str], words: int) -> str:
    if shutil.which(command[0]) is None:
        return "none"
    # wrk prints its version and ends with status 1: only what it says counts.
    said = subprocess.run(command, capture_output=True, text=True, timeout=30)
    return " ".join((said.stdout or said.stderr).split()[:words])
