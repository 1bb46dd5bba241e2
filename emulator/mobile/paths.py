"""The paths of the SDKs' calls, and what each does."""

from __future__ import annotations

from emulator.mobile.answers import success
from emulator.mobile.call import Call, Operation
from emulator.mobile.subscriptions import (
    carry_out_profile_update,
    carry_out_status,
    carry_out_subscribe,
    carry_out_unsuspend,
    carry_out_update,
    read_profile_update,
    read_status,
    read_subscribe,
    read_unsuspend,
    read_update,
)


def _nothing(call: Call) -> None:
    call.request = None


def _empty(call: Call) -> dict[str, object]:
    return success(None)


#: Each path, without a trailing slash (K1).
SERVED: dict[str, Operation] = {
    "/subscription/push/subscribe": Operation("POST", read_subscribe, carry_out_subscribe),
    "/subscription/push/update": Operation("POST", read_update, carry_out_update),
    "/subscription/push/unsuspend": Operation("POST", read_unsuspend, carry_out_unsuspend),
    "/subscription/push/status": Operation("GET", read_status, carry_out_status),
    "/profile/update": Operation("POST", read_profile_update, carry_out_profile_update),
    "/event/push/delivery": Operation("POST", _nothing, _empty),
    "/event/push/open": Operation("POST", _nothing, _empty),
    "/event/post": Operation("POST", _nothing, _empty),
    "/api/v1.1/pushes/post_events": Operation("POST", _nothing, _empty, authorized=False),
}


def served_path(endpoint: str) -> str | None:
    """The path of :data:`SERVED` that a request means, with slashes before and behind it or without (K1)."""
    path = "/" + endpoint.strip("/")
    return path if path in SERVED else None
