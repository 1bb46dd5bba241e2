"""``python -m benchmarks.mobile``: the rate of an SDK's subscribe over the endpoint's, for new tokens.

Both are answered in this process, in turns of many requests, so that the machine's moods meet both alike;
the ratio is the middle one of all rounds. Reached: see NOTES.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

import orjson

from emulator.app import create_app
from emulator.endpoint.exchange import Exchange
from emulator.messages import Incoming
from emulator.settings import Settings

#: Rounds, and the requests of each kind in one.
ROUNDS, REQUESTS = 40, 250
#: What Android 1.0.6 says of the device, with every call.
DEVICE = {
    **{"_os": "Android", "_os_tz": "+0300", "_ad_track": True, "_os_language": "ru", "_device_type": "mob"},
    **{"_device_model": "Pixel 8", "_device_name": "shiba", "_os_ver": "14"},
    "_ad_id": "38400000-8cf0-11bd-b23e-10b96e40000d",
}
_HEADERS = {"content-type": "application/json", "host": "10.0.2.2:8080", "connection": "Keep-Alive"}
_HEADERS |= {"accept-encoding": "gzip", "user-agent": "okhttp/4.12.0"}
_number = count()


def subscribe(fields: dict[str, object]) -> Callable[[], Incoming]:
    """Makes an SDK's calls, each with a token of its own."""

    def make() -> Incoming:
        number = next(_number)
        token = f"token-{number}"
        one = {"subscription_id": token, "provider": "android-firebase", "status": "subscribed"}
        body = {
            **{"time": 1782900000, "subscription_id": token},
            **{"subscription": {**one, "fields": fields, "cats": []}},
            **{"profile_fields": None, "replace": False, "skip_triggers": False},
        }
        query = "provider=android-firebase&matching_mode=push_sub&sync=true"
        headers = {**_HEADERS, "authorization": "Bearer rtoken@mobile-role-token"}
        headers["request-id"] = f"request-{number}"
        return Incoming("POST", "/subscription/push/subscribe/", query, headers, orjson.dumps(body), "a:1")

    return make


def push(resource_token: str = "3LXP2FRcRxJ-7b14db88ec937f14") -> Incoming:
    """The same for the endpoint."""
    one = {"subscription_id": f"token-{next(_number)}", "provider": "android-firebase"}
    body = {"resource_token": resource_token, "subscriptions": [one]}
    headers = {**_HEADERS, "request-id": f"request-{next(_number)}"}
    return Incoming("POST", "/push_subscribe", "", headers, orjson.dumps(body), "a:1")


def seconds(exchange: Exchange, make: Callable[[], Incoming]) -> float:
    """The processor time of one turn."""
    calls = [make() for _ in range(REQUESTS)]
    began = process_time()
    for call in calls:
        exchange.handle(call)
    return process_time() - began


def main() -> None:
    """Print the ratios."""
    with TemporaryDirectory() as folder:
        app = create_app(Settings(state=Path(folder)))
        own = app.extensions["emulator"]
        try:
            for answer in map(own.exchange.handle, (push(), subscribe(DEVICE)())):
                assert (answer.status, answer.summary.error) == (200, 0), answer.body
            for name, fields in (("without device fields", {}), ("with device fields", DEVICE)):
                turns = [
                    (seconds(own.exchange, push), seconds(own.exchange, subscribe(fields)))
                    for _ in range(ROUNDS)
                ]
                ratio = median(endpoint / sdk for endpoint, sdk in turns)
                each = [1e6 * median(one) / REQUESTS for one in zip(*turns, strict=True)]
                print(f"{name}: {ratio:.2f} ({each[0]:.0f} µs and {each[1]:.0f} µs)")
        finally:
            own.close()


if __name__ == "__main__":
    sys.exit(main())
