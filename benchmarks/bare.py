"""The yardstick: a Flask application that does nothing but answer JSON.

It answers each request with the same dictionary, which orjson writes, and does not look at the body. ``app``
is for any WSGI server; :mod:`benchmarks.bare_server` puts it behind the emulator's own.
"""

from __future__ import annotations

from typing import Any

import orjson
from flask import Flask, Response, jsonify
from flask.json.provider import JSONProvider


class OrjsonProvider(JSONProvider):
    """orjson behind Flask's ``jsonify``."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        body = orjson.dumps(self._prepare_response_obj(args, kwargs))
        return Response(body, mimetype="application/json")


ANSWER = {
    "data": [
        {
            "subscription_id": "%subscriptionid%",
            "unsubscribe": False,
            "profile_id": "59db33d269d426509e9c4bf9",
            "provider": "android-firebase",
            "db_id": 17,
            "resource_id": 5,
            "subscription_hash_id": "59db33d2",
            "status": "ok",
            "description": "",
        }
    ],
    "error": 0,
    "error_text": "Successful operation",
}

app = Flask("bare")
app.json = OrjsonProvider(app)


@app.post("/push_subscribe")
def push_subscribe() -> Response:
    return jsonify(ANSWER)


@app.get("/__admin/health")
def health() -> Response:
    return jsonify({"status": "ok"})
