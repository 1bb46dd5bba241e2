"""The access log: one line for each request, written in small batches."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TextIO

import orjson

from emulator.messages import Summary
from emulator.timestamps import iso

LogFormat = Literal["text", "json"]
LogLevel = Literal["quiet", "normal", "verbose"]

#: Lines that may wait; more are written at once, before the next flush of the loop.
_MOST_LINES = 5_000


@dataclass(slots=True)
class Served:
    """One answered request.

    ``client``: ``"address:port"``. ``milliseconds``: from the arrival of the whole request to the departure
    of
    the answer. ``note``: what happened to the answer on its way, if anything."""

    method: str
    path: str
    status: int
    summary: Summary
    milliseconds: float
    client: str
    note: str = ""


class AccessLog:
    """Writes a line for each :class:`Served` to ``stream``.

    Text: ``time method path status error ok/failed milliseconds [client] [note]``, separated by single
    spaces; ``-`` for no error code. JSON: the same names, one object a line. ``level`` ``quiet``
    writes nothing, ``verbose`` adds the client's address.

    Lines wait in memory until :meth:`flush`; ``on_first_line`` is called when the first line starts to wait,
    so that the owner can plan a flush. Without it each line is written at once.
    """

    def __init__(self, format: LogFormat, level: LogLevel, stream: TextIO) -> None:
        self.quiet = level == "quiet"
        self.on_first_line: Callable[[], object] | None = None
        self._line = _json_line if format == "json" else _text_line
        self._with_client = level == "verbose"
        self._stream = stream
        self._waiting: list[str] = []

    def record(self, served: Served) -> None:
        """Adds the line of one answered request."""
        if self.quiet:
            return
        client = served.client if self._with_client else ""
        # The line is formatted now: to format a whole batch at its flush would delay the requests behind it.
        self._waiting.append(self._line(iso(int(time.time() * 1000)), served, client))
        if self.on_first_line is None or len(self._waiting) >= _MOST_LINES:
            self.flush()
        elif len(self._waiting) == 1:
            self.on_first_line()

    def flush(self) -> None:
        """Writes the lines that wait. A lost stream (a closed terminal, a broken pipe) is no error."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        try:
            self._stream.write("".join(waiting))
            self._stream.flush()
        except (OSError, ValueError):
            # ValueError: the stream is closed. The requests were answered; their lines are lost.
            return


def _text_line(at: str, served: Served, client: str) -> str:
    summary = served.summary
    error = "-" if summary.error is None else summary.error
    more = "".join(f" {word}" for word in (client, served.note) if word)
    return (
        f"{at} {_one_word(served.method)} {_one_word(served.path)} {served.status} {error} "
        f"{summary.ok}/{summary.failed} {served.milliseconds:.1f}{more}\n"
    )


def _json_line(at: str, served: Served, client: str) -> str:
    summary = served.summary
    line: dict[str, object] = {
        "time": at,
        "method": served.method,
        "path": served.path,
        "status": served.status,
        "error": summary.error,
        "ok": summary.ok,
        "failed": summary.failed,
        "ms": round(served.milliseconds, 1),
    }
    if client:
        line["client"] = client
    if served.note:
        line["note"] = served.note
    if served.path.isprintable():
        return orjson.dumps(line).decode() + "\n"
    # orjson leaves DEL, C1 controls and line separators as they are and refuses lone surrogates.
    return json.dumps(line) + "\n"


def _one_word(text: str) -> str:
    """``text`` without characters that end the line or the column or that control a terminal."""
    if text.isprintable() and " " not in text and "\\" not in text:
        return text
    shown = [one if one.isprintable() and one != "\\" else ascii(one)[1:-1] for one in text]
    return "".join(shown).replace(" ", "\\x20")
