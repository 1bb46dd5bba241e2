"""``python -m benchmarks.dearest``: what the dearest requests of 1 MiB that anybody can send cost.

Each is answered by the exchange in this process, in memory: the processor's time of the one thread that works
on requests. It is bounded by 20 ms, and 50 µs more for each item of the answer that changed something.
"""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Callable, Iterator
from itertools import count
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

from benchmarks.results import Dearest, Results
from benchmarks.rounds import Plan, Say
from emulator.app import create_app
from emulator.emulator import Emulator
from emulator.messages import Answer, Incoming
from emulator.settings import Settings

#: A little less than the limit, for not every body is filled to the byte.
SIZE = (1 << 20) - 100
TOKEN = "dearest"
#: What a request may cost, in milliseconds, and what more for each item that it changes.
BOUND_MS, ITEM_MS = 20.0, 0.05
_DATABASES = 100
#: How often each request is timed.
_TIMES = 3
_FIELDS = {"int": "int", "float": "float", "text": "string", "at": "datetime", "ip": "ip", "flag": "bool"}
_FIREBASE = "android-firebase"


def _body(**more: Any) -> dict[str, Any]:
    return {
        "resource_token": TOKEN,
        "subscriptions": [{"provider": _FIREBASE, "subscription_id": "one"}],
        **more,
    }


def _filled(head: bytes, piece: Callable[[int], bytes], tail: bytes, size: int) -> bytes:
    """``head``, then pieces separated by commas until the body is full, then ``tail``."""
    parts, length = [], len(head) + len(tail)
    for number in count():
        part = piece(number)
        length += len(part) + 1
        if length > size:
            break
        parts.append(part)
    return head + b",".join(parts) + tail


def _with(name: str, piece: Callable[[int], bytes], size: int, brackets: bytes = b"[]") -> bytes:
    """A good body with a parameter that is full of pieces."""
    head = json.dumps(_body(), separators=(",", ":")).encode()[:-1]
    return _filled(head + b',"%s":' % name.encode() + brackets[:1], piece, brackets[1:] + b"}", size)


def _text(name: str, filling: bytes, size: int, **more: Any) -> bytes:
    """A good body with a parameter that is one long text."""
    head, _, tail = json.dumps(_body(**{**more, name: "~"})).encode().partition(b"~")
    return head + filling * ((size - len(head) - len(tail)) // len(filling)) + tail


def _tokens(filling: bytes, size: int, most: int = 1) -> bytes:
    """A good body with long tokens."""
    each = (size // most - 100) // len(filling)
    entries = [{"provider": _FIREBASE, "subscription_id": f"~{number}"} for number in range(most)]
    return json.dumps(_body(subscriptions=entries)).encode().replace(b"~", filling * each)


def _custom(field: str) -> dict[str, Any]:
    return {"matching": "custom", "field_name": field}


def bodies(size: int = SIZE) -> Iterator[tuple[str, bytes]]:
    """Dear bodies of about this many bytes, each with what it is full of."""
    good = json.dumps(_body(), separators=(",", ":")).encode()
    yield "unknown parameters", _filled(good[:-1] + b",", lambda n: b'"k%x":1' % n, b"}", size)
    yield "parameters nearly known", _filled(good[:-1] + b",", lambda n: b'"fieldname%x":1' % n, b"}", size)
    yield "long unknown parameters", _filled(good[:-1] + b",", lambda n: b'"%0900d":1' % n, b"}", size)
    yield "one parameter again and again", _filled(good[:-1] + b",", lambda n: b'"id":null', b"}", size)
    yield (
        "one unknown parameter twice",
        _filled(good[:-1] + b",", lambda n: b'"k%x":1' % (n // 2), b"}", size),
    )
    yield "objects with a key twice", _with("nobody", lambda n: b'{"a":1,"a":2}', size)
    yield (
        "deep objects with a key twice",
        _with("nobody", lambda n: b'{"a":' * 50 + b'{"b":1,"b":2}' + b"}" * 50, size),
    )
    entry = (
        b'{"resource_token":"dearest","subscriptions":[{"provider":"android-firebase","subscription_id":"a",'
    )
    yield "unknown parameters of an entry", _filled(entry, lambda n: b'"k%x":1' % n, b"}]}", size)
    yield "foreign databases", _with("db_ids", lambda n: b"%d" % (n + 1000 if n else 1), size)
    yield "one database again and again", _with("db_ids", lambda n: b"1", size)
    yield "texts for databases", _with("db_ids", lambda n: b'""', size)
    yield "a wrong database at the end", _with("db_ids", lambda n: b"1", size)[:-2] + b',""]}'
    yield "arrays", _with("nobody", lambda n: b"[]", size)
    yield "objects", _with("nobody", lambda n: b"{}", size)
    yield "deep arrays", _with("nobody", lambda n: b"[" * 60 + b"]" * 60, size)
    yield "deeper arrays", b"[" * size
    yield "numbers", _with("nobody", lambda n: b"1", size)
    yield "long numbers", _with("nobody", lambda n: b"9" * 390, size)
    yield "exponents", _with("nobody", lambda n: b"1e5", size)
    yield "a number for a value", good[:-1] + b',"field_value":' + b"9" * (size - 200) + b"}"
    yield (
        "an entry again and again",
        _filled(b'{"resource_token":"dearest","subscriptions":[', lambda n: b"1", b"]}", size),
    )
    yield (
        "objects for entries",
        _filled(b'{"resource_token":"dearest","subscriptions":[', lambda n: b"{}", b"]}", size),
    )
    yield "escapes", _text("nobody", rb"\u0041", size)
    yield "escaped backslashes", _text("nobody", rb"\\", size)
    yield "pairs of surrogates", _text("nobody", rb"\ud83d\ude00", size)
    yield "NUL at the end", _text("nobody", b"x", size - 20)[:-2] + rb'\u0000"}'
    yield "arrays that end badly", _with("nobody", lambda n: b"[" * 60 + b"]" * 60, size)[:-1]
    yield "no UTF-8 at the end", _text("nobody", b"x", size - 20)[:-2] + b'\xff"}'
    yield "space", b" " * size
    yield "a body that is a list", _filled(b"[", lambda n: b"[]", b"]", size)
    yield "a long matching", _text("matching", b"x", size)
    yield "a long id", _text("id", b"x", size)
    yield "a long field name", _text("field_name", b"x", size, matching="custom", field_value=1)
    for field in _FIELDS:
        yield f"digits for {field}", _text("field_value", b"1", size, **_custom(field))
        yield f"nearly digits for {field}", _text("field_value", b"1", size, **_custom(field))[:-2] + b'x"}'
    yield "colons for an address", _text("field_value", b":", size, **_custom("ip"))
    yield (
        "a long provider",
        json.dumps(_body(subscriptions=[{"provider": "x" * (size - 200), "subscription_id": "a"}])).encode(),
    )
    yield "faults of many parts", _tokens(b"emu!" + b"#!" * 1000, size)
    yield "faults of empty parts", _tokens(b"emu!!!!", size)
    yield "tokens with colons", _tokens(b":", size, 100)


def fan_outs(databases: int = _DATABASES) -> Iterator[tuple[str, bytes]]:
    """Small bodies with 100 entries, for a resource with many databases."""
    wanted = [{"provider": _FIREBASE, "subscription_id": f"new-{n}"} for n in range(100)]
    yield "100 entries that are added", json.dumps(_body(subscriptions=wanted)).encode()
    yield "100 entries that are there", json.dumps(_body(subscriptions=wanted)).encode()
    off = [{**one, "unsubscribe": True} for one in wanted]
    yield "100 entries that change", json.dumps(_body(subscriptions=off)).encode()
    yield "100 entries that are equal", json.dumps(_body(subscriptions=wanted[:1] * 100)).encode()


def emulator_with(folder: Path, databases: int) -> Emulator:
    """An emulator in memory, whose one resource has so many databases, each with a field of every type."""
    ids = list(range(1, databases + 1))
    every = [{"id": one, "name": str(one), "fields": _FIELDS} for one in ids]
    (folder / "databases.json").write_text(json.dumps(every))
    (folder / "resources.json").write_text(
        json.dumps([{"id": 1, "name": "App", "token": TOKEN, "db_ids": ids}])
    )
    app = create_app(Settings(fixtures=folder, durability="none"))
    made: Emulator = app.extensions["emulator"]
    gc.collect()
    gc.freeze()  # as the server does: what is there before the first request is not walked again
    return made


def cost(emulator: Emulator, body: bytes) -> tuple[float, Answer]:
    """The milliseconds of the processor that an answer takes, and the answer."""
    headers = {"content-type": "application/json"}
    incoming = Incoming("POST", "/push_subscribe", "", headers, body, "127.0.0.1:1")
    since = process_time()
    answer = emulator.exchange.handle(incoming)
    if answer.delivery is not None:  # in a thread
        answer = asyncio.run(answer.settled())
    return (process_time() - since) * 1000, answer


def measure_dearest(plan: Plan, folder: Path, results: Results, say: Say) -> None:
    """The request that comes nearest to its bound, or exceeds it most."""
    say("dearest requests:")
    found: dict[str, Dearest] = {}
    own = folder / "dearest"
    own.mkdir()
    for _ in range(_TIMES):
        for databases, every in ((3, bodies()), (_DATABASES, fan_outs())):
            emulator = emulator_with(own, databases)
            for name, body in every:
                took, answer = cost(emulator, body)
                one = Dearest(name, took, BOUND_MS + ITEM_MS * answer.summary.ok)
                # The least was disturbed least.
                found[name] = min(found.get(name, one), one, key=attrgetter("cost_ms"))
    results.dearest = max(found.values(), key=lambda one: one.cost_ms / one.bound_ms)
    say(f"  {results.dearest.what}: {results.dearest.cost_ms:.1f} ms of {results.dearest.bound_ms:.1f}")


def main() -> None:
    """Print each request's cost, the answer's size and the size of its entry in the journal."""
    with TemporaryDirectory() as folder:
        for databases, every in ((3, bodies()), (_DATABASES, fan_outs())):
            emulator = emulator_with(Path(folder), databases)
            journal = emulator.workspaces.default.requests
            for name, body in every:
                before = journal.bytes
                took, answer = cost(emulator, body)
                items = answer.summary.ok
                bound = BOUND_MS + ITEM_MS * items
                mark = "" if took <= bound else "  DEAR"
                entry = journal.bytes - before
                print(f"{took:8.1f} ms  {items:6} items  {entry:9} bytes  {answer.status}  {name}{mark}")


if __name__ == "__main__":
    main()
