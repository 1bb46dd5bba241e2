"""A small server for the tests of serving: a toy exchange under /exchange/, a toy Flask application.

``python toy_server.py HOST PORT [text|json] [quiet|normal|verbose] [CERT KEY]`` prints its port when it is
ready and "stopped" when it has stopped. A port that cannot be had: one line on standard error, exit status 2.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs

from flask import Flask, Response, request

from emulator.messages import (
    BODY_PROBLEM_KEY,
    DELIVERY_KEY,
    Answer,
    Delivery,
    Effect,
    Incoming,
    Summary,
)
from emulator.server.access_log import AccessLog, LogFormat, LogLevel
from emulator.server.server import serve
from emulator.server.tls import TlsError, choose_certificate

LIMIT = 1024 * 1024
LARGE_LIMIT = 8 * 1024 * 1024


class ToyExchange:
    """Answers below /exchange/; the last part of the path says how, the query string with what."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def accepts(self, incoming: Incoming) -> bool:
        return incoming.path.startswith("/exchange/")

    def handle(self, incoming: Incoming) -> Answer:
        if incoming.problem == "cut_off":
            self.events.append("cut_off")
        query = {name: values[0] for name, values in parse_qs(incoming.query).items()}
        answer = self._answer(incoming, query)
        if "delay" in query:
            answer.delivery = answer.delivery or Delivery()
            answer.delivery.delay_s = float(query["delay"])
        return answer

    def _answer(self, incoming: Incoming, query: dict[str, str]) -> Answer:
        name = incoming.path.removeprefix("/exchange/")
        if name == "broken":
            raise LookupError("on purpose")
        if name.startswith("echo"):
            return as_json(echo(incoming))
        if name == "events":
            return as_json(self.events)
        if name == "headers":
            return Answer(200, [("set-cookie", "a=1"), ("set-cookie", "b=2")], b"two")
        if name == "empty":
            return Answer(int(query["status"]), [], b"")
        answer = as_json({"padding": "x" * 2000}, Summary(error=200, ok=2, failed=1))
        if name == "large":
            answer.body = b"x" * int(query["size"])
        if name == "effect":
            self.events.append(query["name"])
            answer.delivery = Delivery(effect=cast(Effect, query["name"]))
        elif name == "wait":
            answer.delivery = Delivery(wait=self._waited(query))
        elif name == "stream":
            answer.headers = [("content-type", "text/event-stream")]
            pieces = self._pieces(int(query["pieces"]), float(query.get("silence", 0)), "fail" in query)
            answer.delivery = Delivery(stream=pieces)
        return answer

    async def _waited(self, query: dict[str, str]) -> Answer | None:
        await asyncio.sleep(0)
        if query.get("raise"):
            raise OSError("the disk is full")
        return as_json({"instead": True}) if query.get("instead") else None

    async def _pieces(self, count: int, silence_s: float, fails: bool) -> AsyncGenerator[bytes]:
        self.events.append("stream begun")
        try:
            for number in range(count):
                yield b"data: %d\n\n" % number
                await asyncio.sleep(0.001)
            await asyncio.sleep(silence_s)
            if fails:
                raise LookupError("on purpose")
        finally:
            self.events.append("stream closed")


def echo(incoming: Incoming) -> dict[str, Any]:
    return {
        "method": incoming.method,
        "path": incoming.path,
        "query": incoming.query,
        "headers": dict(incoming.headers.items()),
        "length": len(incoming.body),
        "client": incoming.client,
        "problem": incoming.problem,
    }


def as_json(document: object, summary: Summary | None = None) -> Answer:
    body = json.dumps(document).encode()
    return Answer(200, [("content-type", "application/json")], body, summary or Summary(error=0))


def toy_app() -> Flask:
    app = Flask(__name__)
    app.config["PROPAGATE_EXCEPTIONS"] = True

    @app.route("/flask/<path:rest>", methods=["GET", "POST"])
    def flask_echo(rest: str) -> Response:
        answer = app.response_class(mimetype="application/json")
        answer.data = json.dumps(
            {
                "rest": rest,
                "length": len(request.get_data()),
                "arguments": request.args,
                "headers": dict(request.headers),
                "problem": request.environ.get(BODY_PROBLEM_KEY),
                "client": f"{request.remote_addr}:{request.environ['REMOTE_PORT']}",
                "url": request.url,
                "loop": asyncio.get_running_loop().is_running(),
            }
        )
        if "delay" in request.args:
            request.environ[DELIVERY_KEY] = Delivery(delay_s=float(request.args["delay"]))
        return answer

    @app.get("/cookies")
    def cookies() -> Response:
        answer = app.response_class("two")
        answer.set_cookie("a", "1")
        answer.set_cookie("b", "2")
        return answer

    @app.get("/broken")
    def broken() -> Response:
        raise LookupError("on purpose")

    @app.get("/generated")
    def generated() -> Response:
        return app.response_class(piece for piece in ("one ", "two"))

    return app


def body_limit(path: str) -> int:
    return LARGE_LIMIT if path.endswith("/large") else LIMIT


def main() -> None:
    host, port, log_format, log_level, *tls = [*sys.argv[1:], *["text", "normal"][len(sys.argv) - 3 :]]
    log = AccessLog(cast(LogFormat, log_format), cast(LogLevel, log_level), sys.stderr)
    try:
        cert, key = (Path(tls[0]), Path(tls[1])) if tls else (None, None)
        serve(
            toy_app(),
            ToyExchange(),
            host=host,
            port=int(port),
            body_limit=body_limit,
            access_log=log,
            on_ready=lambda real: print(real, flush=True),
            on_stop=lambda: print("stopped", flush=True),
            certificate=choose_certificate(cert, key, False, Path(), host),
        )
    except (OSError, TlsError) as error:
        print(f"cannot listen at {host}:{port}: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
