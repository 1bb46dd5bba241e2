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
    assert traffic.notes == [
        f"t.har: breaks off or is damaged after entry {len(traffic.calls)}; what is before it counts"
    ]


@pytest.mark.parametrize("text", ["", "   \n", "no JSON", '{"log": {"entries": [', '"text"', "\0\1\2"])
def test_what_is_no_traffic_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(TrafficError, match=r"t\.har: must be a HAR"):
        read(tmp_path / "t.har", text)


def test_calls_are_put_in_the_order_of_their_times(tmp_path: Path) -> None:
    entries = [
        har_entry(body("third"), ANSWER, at="2026-01-31T12:00:00.5Z"),
        har_entry(body("first"), ANSWER, at="2026-01-31T14:59:59.123456789+03:00"),
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
    assert [one.place for one in traffic.calls] == ["a.har, entry 1", "b.har, entry 1"]


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
