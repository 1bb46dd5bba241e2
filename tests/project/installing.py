"""The package as others get it: built from a copy of the sources, installed where nothing else of ours is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.server import ROOT

SOURCES = (
    "emulator",
    "push_emulator",
    "fixtures",
    "docs",
    "setup.py",
    "setup.cfg",
    "pyproject.toml",
    "MANIFEST.in",
)
TEXTS = ("README.md", "README.ru.md", "LICENSE", "CHANGELOG.md", "run.py", "Dockerfile", "compose.yaml")
_BUILD = "from setuptools import build_meta as b; b.build_sdist({0!r}); b.build_wheel({0!r})"


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command that must succeed; what it wrote."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=clean_environment() | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


def clean_environment() -> dict[str, str]:
    """This environment without settings of the emulator's, and without our sources on the path."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("EMULATOR_", "PYTHONPATH"))}


def build(folder: Path) -> Path:
    """Build sdist and wheel, with the setuptools that is here, from a copy of the sources; where they are."""
    sources, made = folder / "sources", folder / "dist"
    made.mkdir()
    sources.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, sources)
    for name in TEXTS:
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, sources)
    run(sys.executable, "-c", _BUILD.format(str(made)), cwd=sources)
    return made


def install(wheel: Path, folder: Path) -> Path:
    """A new environment with nothing of ours but the wheel; the folder of its programs.

    What the wheel depends on is what is installed here: no registry is asked.
    """
    environment = folder / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=folder)
    programs = environment / ("Scripts" if sys.platform == "win32" else "bin")
    python = programs / "python"
    own = Path(
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    )
    (own / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = (sys.executable, "-m", "pip", "--python", str(python))
    run(*pip, "install", "--quiet", "--no-index", "--no-deps", "--force-reinstall", wheel, cwd=folder)
    return programs
