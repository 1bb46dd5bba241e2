"""The stored form of a workspace's settings, clock and armed faults."""

from collections.abc import Callable
from typing import Any

import msgspec

from emulator.faults.model import Fault
from emulator.workspaces.clock import ClockSetting, WorkspaceClock
from emulator.workspaces.settings import WorkspaceSettings


class RememberedFaults(msgspec.Struct):
    """The armed faults as they are stored: TinyDB's documents are objects."""

    armed: list[Fault]


_READERS: dict[str, Callable[[bytes], Any]] = {
    "settings": msgspec.json.Decoder(WorkspaceSettings).decode,
    "clock": msgspec.json.Decoder(ClockSetting).decode,
    "faults": msgspec.json.Decoder(RememberedFaults).decode,
}


def read_remembered(name: str, document: bytes) -> Any:
    """A stored document as ``WorkspaceSettings``, ``ClockSetting`` or ``RememberedFaults``.

    Raises :class:`ValueError` for a document that a server cannot use.
    """
    try:
        value = _READERS[name](document)
        if isinstance(value, ClockSetting):
            WorkspaceClock(value).timestamp()
    except (msgspec.MsgspecError, ValueError, OverflowError, OSError) as error:
        raise ValueError(f"the remembered {name} cannot be read: {error}") from error
    return value
