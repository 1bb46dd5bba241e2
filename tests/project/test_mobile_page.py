"""docs/mobile.md: its commands answer what the page shows."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.server import ROOT, Server

PAGE = ROOT / "docs" / "mobile.md"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.S | re.M)
_COMMAND = re.compile(r"^\$ (?:.*\\\n)*.*(?:\n(?:  ).*)*", re.M)


def commands_of(block: str) -> list[str]:
    """The commands of a block, in order."""
    return [found[0][2:] for found in _COMMAND.finditer(block)]


def run_page(text: str, url: str) -> str:
    """The page with what its commands print now, all run in one shell."""
    every = [command for block in _BLOCK.findall(text) for command in commands_of(block)]
    program = f"{sys.executable} -m emulator"
    script = "\n".join(f"{one}\nprintf '\\0'" for one in every)
    script = script.replace("http://127.0.0.1:8080", url).replace("push-emulator ", f"{program} ")
    ran = subprocess.run(["bash", "-c", script], capture_output=True, cwd=ROOT, timeout=60, check=True)
    outputs = iter(ran.stdout.decode().split("\0"))

    def shown(block: re.Match[str]) -> str:
        lines = [f"$ {one}\n{_ended(next(outputs))}" for one in commands_of(block[1])]
        return f"```console\n{''.join(lines)}```"

    return _BLOCK.sub(shown, text)


def _ended(output: str) -> str:
    return output if not output or output.endswith("\n") else output + "\n"


def test_the_page_shows_what_its_commands_print(fresh: Server) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert run_page(page, fresh.url) == page
