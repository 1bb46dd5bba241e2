"""Reading a state file that may be damaged or edited by hand: whatever of it is still JSON."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple
from zlib import crc32

_TABLE = re.compile(rb'\{?\s*("(?:[^"\\]|\\.)*")\s*:\s*\{\s*')
_DOCUMENT = re.compile(rb'\s*"(-?[0-9]{1,18})"\s*:\s*(\{.*\})\s*,?\s*')
_ANY_DOCUMENT = re.compile(rb"[^{]*(\{.*\})\s*,?\s*")
_HEADER = re.compile(rb'\{"emulator": \{"1": (\{.*\})\},?\s*')
_CHECKSUM = re.compile(rb'"checksum": \{"1": (\{.*\})\}\}\s*')


class LooseDocument(NamedTuple):
    """A document as it could be read: its table and id where they are known, its line's offset in bytes."""

    table: str | None
    doc_id: int | None
    document: bytes
    offset: int | None


def read_loosely(data: bytes) -> tuple[list[LooseDocument], list[str]]:
    """The documents of a state file that can still be read, and what was wrong with it, in words."""
    whole = _parse(data)
    if isinstance(whole, dict):
        return list(_from_json(whole)), _doubts(data)
    return _from_lines(data)


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def _from_json(tables: dict[str, Any]) -> list[LooseDocument]:
    return [
        LooseDocument(name, int(doc_id), json.dumps(document, ensure_ascii=False).encode(), None)
        for name, table in tables.items()
        if isinstance(table, dict)
        for doc_id, document in table.items()
        if isinstance(document, dict) and re.fullmatch(r"-?[0-9]{1,18}", doc_id)
    ]


def _doubts(data: bytes) -> list[str]:
    """Why a file that is JSON was not written by the emulator, or not left as it was."""
    start = data.rfind(b"\n", 0, len(data) - 1) + 1
    match = _CHECKSUM.fullmatch(data[start:])
    promised = _parse(match[1]) if match else None
    if not isinstance(promised, dict):
        return ["has no checksum: edited by hand, or by another program"]
    if promised.get("crc32") != f"{crc32(data[:start]):08x}":
        return ["the checksum does not hold: edited by hand, or some value is not what it was"]
    return []


def _from_lines(data: bytes) -> tuple[list[LooseDocument], list[str]]:
    found: list[LooseDocument] = []
    losses: list[str] = []
    table: str | None = None
    offset = 0
    for line in data.splitlines(keepends=True):
        header, document = _HEADER.fullmatch(line), _DOCUMENT.fullmatch(line)
        opening = _TABLE.fullmatch(line)
        name = _parse(opening[1]) if opening else None
        if header and isinstance(_parse(header[1]), dict):
            found.append(LooseDocument("emulator", 1, header[1], offset))
        elif document and isinstance(_parse(document[2]), dict):
            found.append(LooseDocument(table, int(document[1]), document[2], offset))
        elif isinstance(name, str):
            table = name
        elif line.lstrip().startswith(b"}"):
            table = None
        elif not _CHECKSUM.fullmatch(line):
            rest = _ANY_DOCUMENT.fullmatch(line)
            if rest and isinstance(_parse(rest[1]), dict):
                found.append(LooseDocument(table, None, rest[1], offset))
                losses.append(f"byte {offset}: a document has lost its id and gets another one")
            else:
                losses.append(f"byte {offset}: a line of {len(line)} bytes cannot be read: dropped")
        offset += len(line)
    return found, losses
