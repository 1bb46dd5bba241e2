"""The access log: one line a request, whatever the request says."""

from __future__ import annotations

import io
import json
import re

import pytest

from emulator.messages import Summary
from emulator.server.access_log import AccessLog, LogFormat, Served

ANSWERED = Served("POST", "/push_subscribe", 200, Summary(error=200, ok=2, failed=1), 1.26, "127.0.0.1:4000")


def lines_of(served: Served, log_format: LogFormat = "text", *, verbose: bool = False) -> list[str]:
    stream = io.StringIO()
    AccessLog(log_format, "verbose" if verbose else "normal", stream).record(served)
    return stream.getvalue().splitlines()


def test_text_line_has_time_method_path_status_error_items_and_milliseconds() -> None:
    (line,) = lines_of(ANSWERED)
    time, rest = line.split(" ", 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time)
    assert rest == "POST /push_subscribe 200 200 2/1 1.3"


def test_json_line_has_the_same_by_name() -> None:
    (line,) = lines_of(ANSWERED, "json")
    document = json.loads(line)
    assert document.pop("time").endswith("Z")
    assert document == {
        "method": "POST",
        "path": "/push_subscribe",
        "status": 200,
        "error": 200,
        "ok": 2,
        "failed": 1,
        "ms": 1.3,
    }


def test_answer_without_an_error_code_shows_a_dash() -> None:
    (line,) = lines_of(Served("GET", "/", 200, Summary(), 0.0, "127.0.0.1:4000"))
    assert line.endswith("GET / 200 - 0/0 0.0")


def test_verbose_adds_the_client_and_quiet_writes_nothing() -> None:
    assert lines_of(ANSWERED, verbose=True)[0].endswith(" 1.3 127.0.0.1:4000")
    assert json.loads(lines_of(ANSWERED, "json", verbose=True)[0])["client"] == "127.0.0.1:4000"
    stream = io.StringIO()
    AccessLog("text", "quiet", stream).record(ANSWERED)
    assert stream.getvalue() == ""


def test_note_tells_what_happened_to_the_answer() -> None:
    lost = Served("GET", "/", 200, Summary(), 0.0, "127.0.0.1:4000", "connection_reset")
    assert lines_of(lost)[0].endswith(" connection_reset")
    assert json.loads(lines_of(lost, "json")[0])["note"] == "connection_reset"


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize(
    "path",
    [
        "/a\nPOST /forged 200 0 1/0 0.1",
        "/a\r\n/b",
        "/a\x1b[2J",
        "/a\x9b2J",
        "/a\x7f",
        "/a\u2028b",
        "/a\x00b",
        "/a\ud800b",
    ],
)
def test_control_characters_in_a_path_stay_within_their_line(path: str, log_format: LogFormat) -> None:
    (line,) = lines_of(Served("GET", path, 404, Summary(error=404), 0.1, "127.0.0.1:4000"), log_format)
    assert line.isprintable()
    if log_format == "json":
        assert json.loads(line)["path"] == path
    else:
        assert len(line.split(" ")) == 7


def test_readable_letters_stay_readable() -> None:
    (line,) = lines_of(Served("GET", "/имя", 404, Summary(error=404), 0.1, "127.0.0.1:4000"))
    assert " /имя " in line


def test_lines_wait_for_the_owners_flush_and_are_announced_once() -> None:
    stream = io.StringIO()
    log = AccessLog("text", "normal", stream)
    announced: list[str] = []
    log.on_first_line = lambda: announced.append(stream.getvalue())
    log.record(ANSWERED)
    log.record(ANSWERED)
    assert announced == [""]
    assert stream.getvalue() == ""
    log.flush()
    assert len(stream.getvalue().splitlines()) == 2
    log.record(ANSWERED)
    assert len(announced) == 2


def test_stream_that_is_gone_is_no_error() -> None:
    stream = io.StringIO()
    log = AccessLog("text", "normal", stream)
    stream.close()
    log.record(ANSWERED)
    log.flush()
