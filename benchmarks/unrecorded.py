"""``python -m benchmarks.unrecorded serve …``: the emulator without its request journal."""

from __future__ import annotations

from typing import Any

from emulator import exchange
from emulator.cli import main


def _nothing(*_: Any) -> None:
    return None


if __name__ == "__main__":
    exchange._write_down = _nothing  # type: ignore[assignment]
    main()
