"""The package as others get it: built from a copy of the sources, installed where nothing else of ours is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.server import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
#: What the image's program is built from.
IMAGE_SOURCES = [
    name for words in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.M) for name in words.split()[:-1]
]
#: What the source distribution has beside it.
OTHERS = ("docs", "MANIFEST.in", "README.ru.md", "CHANGELOG.md", "run.py", "Dockerfile", "compose.yaml")
_BUILD = "from setuptools import build_meta as b; b.build_{0}({1!r})"


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
    """Build the sdist, and the wheel from what the image copies, with the setuptools here; where they are."""
    made = folder / "dist"
    made.mkdir()
    for kind, names in (("wheel", IMAGE_SOURCES), ("sdist", [*IMAGE_SOURCES, *OTHERS])):
        sources = folder / kind
        for name in names:
            (sources / name).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, sources / name)
        run(sys.executable, "-c", _BUILD.format(kind, str(made)), cwd=sources)
    return made


def build_client(folder: Path) -> Path:
    """The wheel of the client alone, built from a copy of its sources."""
    for name in ("client", "push_emulator"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "build"))
    run(sys.executable, "-c", _BUILD.format("wheel", str(folder)), cwd=folder / "client")
    return next(folder.glob("*.whl"))


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
