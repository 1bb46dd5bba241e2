"""Files of recorded traffic, also damaged ones and those of other hosts."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from emulator.compare.traffic import Traffic, TrafficError, read_traffic
from tests.compare import HOST, added, answer, bare, body, har, har_entry, pair, write_lines

REQUEST, ANSWER = body("t"), answer(added("t", "p"))


def read(path: Path, text: str | bytes, host: str | None = None) -> Traffic:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_traffic([path], host)


def test_other_hosts_and_calls_are_left_out_and_counted(tmp_path: Path) -> None:
    posted: dict[str, Any] = {"mimeType": "application/json", "text": ""}
    entries = [
        har_entry(REQUEST, ANSWER),
        har_entry(REQUEST, ANSWER),
        har_entry(REQUEST, ANSWER, url="https://other.example/push_subscribe"),
        har_entry(REQUEST, ANSWER, url=f"https://{HOST}/image.png", method="GET"),
        har_entry(REQUEST, "", 204, method="OPTIONS"),
        har_entry(REQUEST, ANSWER, method="GET"),
        har_entry(REQUEST, ANSWER, posted=posted),
        har_entry(REQUEST, ANSWER, 0),
        har_entry(REQUEST, ANSWER, content={"mimeType": "text/plain"}),
        har_entry(REQUEST, "<html>Bad Gateway</html>", 502),
        har_entry(REQUEST, "<html>Sign in</html>"),
        {"request": {"url": 7}, "response": {}},
    ]
    traffic = read(tmp_path / "t.har", har(*entries))
    assert len(traffic.calls) == 2
    assert traffic.host == HOST
    assert traffic.left_out == {
        "to another host, other.example": 1,
        "another call": 2,
        "a preflight": 1,
        "another method than POST": 1,
        "no request body": 1,
        "no answer": 2,
        "answered with 502, a failure": 1,
        "answered with no JSON object": 1,
    }
    assert len(read(tmp_path / "t.har", har(*entries), "other.example").calls) == 1


@pytest.mark.parametrize("encoding", ["gzip", "base64", "gzip and base64"])
def test_compressed_and_base64_bodies_are_read(tmp_path: Path, encoding: str) -> None:
    def stored(document: Any) -> dict[str, str]:
        data = json.dumps(document).encode()
        data = gzip.compress(data) if "gzip" in encoding else data
        return {"mimeType": "", "text": base64.b64encode(data).decode(), "encoding": "base64"}

    traffic = read(
        tmp_path / "t.har", har(har_entry(None, None, posted=stored(REQUEST), content=stored(ANSWER)))
    )
    assert [(one.request, one.answer) for one in traffic.calls] == [(REQUEST, ANSWER)]


def test_a_truncated_har_counts_up_to_its_end(tmp_path: Path) -> None:
    whole = har(*[har_entry(REQUEST, ANSWER)] * 9)
    traffic = read(tmp_path / "t.har", whole[: len(whole) * 2 // 3])
    assert 0 < len(traffic.calls) < 9
    assert [*map(str, traffic.notes)] == [
        f"t.har: breaks off or is damaged after entry {len(traffic.calls)}; what is before it counts"
    ]


@pytest.mark.parametrize(
    "text",
    [
        *("", "   \n", "no JSON", '{"log": {"entries": [', '"text"', "\0\1\2"),
        f"[\n{'9' * 9000}\n]",
        "[\n1e9999999999999999999\n]",
    ],
)
def test_what_is_no_traffic_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(TrafficError, match=r"t\.har: must be a HAR"):
        read(tmp_path / "t.har", text)


def test_calls_are_put_in_the_order_of_their_times(tmp_path: Path) -> None:
    entries = [
        har_entry(body("third"), ANSWER, at="2026-01-31T12:00:00.500Z"),
        har_entry(body("first"), ANSWER, at="2026-01-31T14:59:59.123456+03:00"),
        har_entry(body("second"), ANSWER, at="2026-01-31T12:00:00Z"),
    ]
    traffic = read(tmp_path / "t.har", har(*entries))
    assert [one.request["subscriptions"][0]["subscription_id"] for one in traffic.calls] == [
        "first",
        "second",
        "third",
    ]


def test_files_follow_each_other_whatever_their_clocks_say(tmp_path: Path) -> None:
    (tmp_path / "a.har").write_text(har(har_entry(body("a"), ANSWER, at="2030-01-01T00:00:00Z")))
    (tmp_path / "b.har").write_text(har(har_entry(body("b"), ANSWER, at="2020-01-01T00:00:00Z")))
    traffic = read_traffic([tmp_path / "a.har", tmp_path / "b.har"])
    assert [str(one.place) for one in traffic.calls] == ["a.har, entry 1", "b.har, entry 1"]


def test_json_lines_are_read_and_a_bad_line_stops_nothing(tmp_path: Path) -> None:
    lines = write_lines(tmp_path / "t.jsonl", [pair(REQUEST, ANSWER), pair(json.dumps(REQUEST), ANSWER)])
    lines.write_text(lines.read_text() + "\n{broken\n" + json.dumps(pair(REQUEST, answer(bare("p")))))
    traffic = read_traffic([lines])
    assert [one.request for one in traffic.calls] == [REQUEST] * 3
    assert traffic.left_out == {"no JSON object": 1}


def test_a_byte_order_mark_and_a_large_foreign_entry_do_no_harm(tmp_path: Path) -> None:
    image = har_entry(REQUEST, "x" * 2_000_000, url=f"https://{HOST}/video")
    text = har(*[image] * 3, har_entry(REQUEST, ANSWER))
    assert len(read(tmp_path / "t.har", b"\xef\xbb\xbf" + text.encode()).calls) == 1


def changed(entry: dict[str, Any], **parts: dict[str, Any]) -> dict[str, Any]:
    """An entry with other members in its request and response."""
    return {**entry, **{part: {**(entry[part] or {}), **members} for part, members in parts.items()}}


def base64_of(document: Any) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


USUAL = har_entry(REQUEST, ANSWER)
#: An entry as a tool writes it, and why it is left out (``None``: it is compared).
WRITTEN: dict[str, tuple[dict[str, Any], str | None]] = {
    "Charles: base64 that is not named so": (
        har_entry(
            REQUEST, None, content={"size": -1, "mimeType": "application/json", "text": base64_of(ANSWER)}
        ),
        None,
    ),
    "text that is named base64": (
        har_entry(REQUEST, None, content={"text": json.dumps(ANSWER), "encoding": "base64"}),
        None,
    ),
    "Reqable: a request in base64": (
        har_entry(REQUEST, ANSWER, posted={"text": base64_of(REQUEST), "encoding": "base64"}),
        None,
    ),
    "HTTP Toolkit: a request that it takes for no text": (
        changed(har_entry(REQUEST, ANSWER, posted=None), request={"_content": {"text": json.dumps(REQUEST)}}),
        None,
    ),
    "Firefox: params beside the text, comments": (
        {
            **har_entry(REQUEST, ANSWER, posted={"params": [], "text": json.dumps(REQUEST), "comment": ""}),
            "comment": "",
            "cache": {},
            "pageref": "page_1",
        },
        None,
    ),
    "Firefox: a body that was not kept": (
        har_entry(REQUEST, None, content={"size": 77300, "comment": "Response bodies are not included."}),
        "no answer",
    ),
    "Safari and Chromium: HTTP/2": (
        changed(
            USUAL,
            request={
                "httpVersion": "h2",
                "headers": [
                    {"name": ":method", "value": "POST"},
                    {"name": ":authority", "value": HOST},
                    {"name": ":path", "value": "/push_subscribe"},
                    {"name": "content-type", "value": "application/json"},
                ],
            },
            response={"headers": [{"name": ":status", "value": "200"}], "bodySize": -1},
        ),
        None,
    ),
    "Proxyman: no response": ({**USUAL, "response": None}, "no answer"),
    "Proxyman: not even the member": ({"request": USUAL["request"]}, "no answer"),
    "Chromium: a call that failed": (
        changed(USUAL, response={"status": 0, "_error": "net::ERR_FAILED"}),
        "no answer",
    ),
    "a web socket": (
        {
            **har_entry(REQUEST, "", 101, url="wss://h/live", method="GET"),
            "_webSocketMessages": [{"data": "{}"}],
        },
        "another call",
    ),
    "headers that are null": (changed(USUAL, request={"headers": None}, response={"headers": None}), None),
    "brotli in base64": (
        changed(
            har_entry(
                REQUEST,
                None,
                content={"text": base64.b64encode(b"\x8b\x02\x80{}").decode(), "encoding": "base64"},
            ),
            response={"headers": [{"name": "Content-Encoding", "value": "br"}]},
        ),
        "answered in br, which is not unpacked: have the tool save bodies decoded",
    ),
    "a server that failed": (
        har_entry(REQUEST, {"data": [], "error": 503}, 503),
        "answered with 503, a failure",
    ),
    "a limit in an envelope": (
        har_entry(REQUEST, {"error": 429, "error_text": ""}),
        "answered with 429, a failure",
    ),
}


@pytest.mark.parametrize("how", WRITTEN)
def test_an_entry_is_read_as_the_tools_write_it_or_left_out_with_its_reason(tmp_path: Path, how: str) -> None:
    entry, reason = WRITTEN[how]
    traffic = read(tmp_path / "t.har", har(USUAL, entry, USUAL))
    if reason is None:
        assert [(one.request, one.answer) for one in traffic.calls] == [(REQUEST, ANSWER)] * 3
        assert traffic.left_out == {}
    else:
        assert len(traffic.calls) == 2
        assert traffic.left_out == {reason: 1}
        assert [str(one) for one in traffic.reasons[reason]] == [reason, "t.har, entry 2"]


LINE = json.dumps(pair(REQUEST, ANSWER))
LINES = {
    "a mark, CRLF, blank lines": b"\xef\xbb\xbf\r\n\r\n" + f"{LINE}\r\n\r\n{LINE}\r\n".encode(),
    "a first line that is none": f"time level message\n{LINE}\n{LINE}\n".encode(),
    "a first line that is cut off": f"{LINE[40:]}\n{LINE}\n{LINE}".encode(),
    "a last line that is cut off": f"{LINE}\n{LINE}\n{LINE[:70]}".encode(),
    "objects on many lines": "\n".join([json.dumps(json.loads(LINE), indent=2)] * 2).encode(),
    "one array on many lines": json.dumps([json.loads(LINE)] * 2, indent=1).encode(),
    "a log that is not the first member": b'{\n"comment": "x",\n"log": ' + har(USUAL, USUAL)[8:].encode(),
}


@pytest.mark.parametrize("how", LINES)
def test_lines_are_read_however_they_are_written(tmp_path: Path, how: str) -> None:
    traffic = read(tmp_path / "t.jsonl", LINES[how])
    assert [(one.request, one.answer) for one in traffic.calls] == [(REQUEST, ANSWER)] * 2
    assert sum(traffic.left_out.values()) == (" line that is " in how)
