"""Installs a peer from its packages into a folder of its own: a virtual environment or an npm prefix."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class InstallError(Exception):
    """A peer cannot be had here; the text says why."""


@dataclass(frozen=True)
class Installed:
    """A peer on disk: the folder that its files are in, and its version."""

    folder: Path
    version: str

    @property
    def python(self) -> str:
        """The interpreter of its virtual environment."""
        return str(self.folder / "bin" / "python")

    def file(self, pattern: str) -> str:
        """The one file below its folder that fits the pattern. Raises :class:`InstallError`."""
        for found in sorted(self.folder.glob(pattern)):
            return str(found)
        raise InstallError(f"its package has no {pattern}")


def from_pip(folder: Path, requirement: str, version: str) -> Installed:
    """``requirement==version`` in a virtual environment. Raises :class:`InstallError`."""
    if not _is_whole(folder, version):
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        _run([str(folder / "bin" / "python"), "-m", "pip", "install", "-q", f"{requirement}=={version}"])
        _mark_whole(folder, version)
    return Installed(folder, version)


def from_npm(folder: Path, package: str, version: str) -> Installed:
    """``package@version`` in an npm prefix. Raises :class:`InstallError`."""
    need("node", "npm")
    if not _is_whole(folder, version):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        # A package.json of its own: without one, npm installs into the next folder above that has one.
        (folder / "package.json").write_text("{}")
        _run(["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", f"{package}@{version}"])
        _mark_whole(folder, version)
    return Installed(folder, version)


def need(*programs: str) -> None:
    """Raises :class:`InstallError` if one of the programs is not on the path."""
    for program in programs:
        if shutil.which(program) is None:
            raise InstallError(f"it needs the program {program}")


def _is_whole(folder: Path, version: str) -> bool:
    mark = folder / "installed"
    return mark.is_file() and mark.read_text() == version


def _mark_whole(folder: Path, version: str) -> None:
    (folder / "installed").write_text(version)


def _run(command: Sequence[str]) -> None:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise InstallError(f"{command[0]}: {problem}") from problem
    if ended.returncode != 0:
        said = (ended.stderr or ended.stdout).strip().splitlines()
        raise InstallError(
            f"the installation ended with status {ended.returncode}: {said[-1] if said else ''}"
        )
