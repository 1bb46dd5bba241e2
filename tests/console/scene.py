"""Requests that make a console worth looking at: every outcome, a fault, lints, two databases."""

from __future__ import annotations

import json
from typing import Any

from tests.server import PAGE_TOKEN, Server, subscription

FIREBASE = "dQw4w9WgXcQ:APA91b" + "HPRgkF3JUikC4ENAHEeMrd41Zxv3hVZjC9KtT8OvPVGJhQMRKRrZ" * 3
APNS = "740f4707bebcf74f9b7c25d48e3358945f6aa01da5ddb387462c7eaf61bb78ad"
PROFILE = "59db33d269d426509e9c4bf9"
_BY_NUMBER = {"matching": "custom", "field_name": "CustomNumber1"}

REQUESTS: tuple[dict[str, Any], ...] = (
    {"subscriptions": [subscription(FIREBASE)], **_BY_NUMBER, "field_value": 100},
    {"subscriptions": [subscription(FIREBASE)], **_BY_NUMBER, "field_value": 100},
    {
        "id": PROFILE,
        "subscriptions": [
            subscription(APNS, "ios-apns"),
            subscription("1234567890", "yandex-Appmetrica-device-id-ios"),
        ],
    },
    {
        "resource_token": "two-databases",
        "subscriptions": [subscription("both-databases-token", unsubscribe=True)],
    },
    {"subscriptions": [subscription("taken-token")], **_BY_NUMBER, "field_value": 200},
    {"subscriptions": [subscription("some-token", "pigeon")]},
    {"subscriptions": [subscription("emu!503")], **_BY_NUMBER, "field_value": 100},
    {
        "resource_token": "two-databases",
        "subscriptions": [subscription(FIREBASE[::-1])],
        **_BY_NUMBER,
        "field_value": 12345,
    },
    {"subscriptions": [subscription("short")], "feild_name": "CustomNumber1", "id": "42"},
    {"subscriptions": [subscription(FIREBASE, unsubscribe=True)], **_BY_NUMBER, "field_value": 100},
)


def send_requests(server: Server, prefix: str = "") -> None:
    """Send them to the workspace below ``prefix``."""
    for number, request in enumerate(REQUESTS):
        document = {"resource_token": PAGE_TOKEN, **request}
        server.post(f"{prefix}/push_subscribe", document, **{"Request-ID": f"app-{number:04d}"})


def report_events(server: Server, prefix: str = "", number: int = 1) -> None:
    """Report a delivery, an opening and ``number`` mobile events of one profile of the default fixtures."""
    authorization = {"Authorization": "Bearer rtoken@mobile-role-token"}
    for kind in ("delivery", "open"):
        body = {"time": 1782900000, "smid": "winter-sale-7"}
        server.post(f"{prefix}/event/push/{kind}", body, **authorization, **{"Request-ID": f"phone-{kind}"})
    matching = {"provider": "android-firebase", "subscription_id": "anonymous-phone"}
    for at in range(number):
        sent = {"order": f"A-{at}", "sum": 1490.5, "goods": ["tea", "чай"]}
        parts = {"tz": "-180", "t": "1782900060", "aci": "", "wn": "purchase", "mi": "winter-sale-7"}
        parts |= {"mm": "push_sub", "ma": json.dumps(matching), "wd": json.dumps(sent)}
        lines = [
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in parts.items()
        ]
        headers = {**authorization, "Content-Type": "multipart/form-data; boundary=b"}
        answer = server.request(
            "POST", f"{prefix}/event/post?i=pixel&v=2", ("".join(lines) + "--b--\r\n").encode(), headers
        )
        assert answer.status == 200, answer.body
