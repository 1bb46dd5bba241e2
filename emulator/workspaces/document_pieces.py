"""A whole workspace as one JSON document, written piece by piece; ``document.py`` reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from emulator.journal.events import EventReading
from emulator.rules.model import Profile, Subscription
from emulator.store.state import STEP
from emulator.workspaces import answers
from emulator.workspaces.workspace import Workspace

FORMAT = 1
#: The end of a complete document.
END = b"]}\n"
_AT_ONCE = 50
_encode = msgspec.json.Encoder().encode


def snapshot_pieces(found: Workspace) -> Iterator[bytes]:
    """The document of the workspace as it is now, in pieces of about 1 ms of work.

    Whatever is changed after this call does not show.
    """
    store = found.store
    head = {
        "format": FORMAT,
        "databases": [answers.database_record(one) for one in store.databases()],
        "resources": [answers.resource_record(one, show_secrets=True) for one in store.resources()],
        "settings": answers.settings_state(found.settings),
        "clock": answers.clock_state(found.clock),
        "faults": [answers.armed_fault(one) for one in found.faults],
        "profiles_made": store.profiles_made,
    }
    return _pieces(head, list(found.events.readings())[::-1], store.whole())


def _pieces(
    head: Mapping[str, Any],
    events: Sequence[EventReading],
    whole: Iterator[tuple[Profile, Iterator[Subscription]]],
) -> Iterator[bytes]:
    members = (_encode(name) + b":" + _encode(value) + b",\n" for name, value in head.items())
    yield b"{" + b"".join(members) + b'"events":['
    for position, reading in enumerate(events):
        yield (b",\n" if position else b"\n") + _encode(answers.recorded_event(reading.entry))
    yield b'],\n"profiles":['
    separator = b"\n"
    lines: list[bytes] = []
    for profile, own in whole:
        some = list(islice(own, STEP))
        lines.append(_encode(answers.profile_record(profile, some)))
        if len(some) == STEP:  # there may be very many more
            before, _, after = lines.pop().rpartition(b"]")
            yield separator + b",\n".join([*lines, before])
            while some := list(islice(own, STEP)):
                yield b"," + _encode(answers.profile_record(profile, some).subscriptions)[1:-1]
            separator, lines = b",\n", []
            yield b"]" + after
        if len(lines) == _AT_ONCE:
            yield separator + b",\n".join(lines)
            separator, lines = b",\n", []
    yield (separator + b",\n".join(lines) if lines else b"") + b"\n" + END
