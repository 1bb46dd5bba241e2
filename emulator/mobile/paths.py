"""The paths of the SDKs' calls, and what each does."""

from __future__ import annotations

from emulator.mobile.call import Operation
from emulator.mobile.events import (
    carry_out_mobile_event,
    carry_out_post_events,
    carry_out_push_event,
    read_delivery,
    read_mobile_event,
    read_open,
    read_post_events,
)
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

_MODE = frozenset({"matching_mode"})
_PAIR, _PIXEL = _MODE | {"provider", "subscription_id"}, _MODE | {"i", "tr", "t", "v"}
_SYNC = _PAIR | {"sync"}

#: Each path, without a trailing slash (K1).
SERVED: dict[str, Operation] = {
    "/subscription/push/subscribe": Operation("POST", _SYNC, read_subscribe, carry_out_subscribe),
    "/subscription/push/update": Operation("POST", _SYNC, read_update, carry_out_update),
    "/subscription/push/unsuspend": Operation("POST", _PAIR, read_unsuspend, carry_out_unsuspend),
    "/subscription/push/status": Operation("GET", _PAIR, read_status, carry_out_status),
    "/profile/update": Operation("POST", _MODE, read_profile_update, carry_out_profile_update),
    "/event/push/delivery": Operation("POST", _MODE, read_delivery, carry_out_push_event),
    "/event/push/open": Operation("POST", _MODE, read_open, carry_out_push_event),
    "/event/post": Operation("POST", _PIXEL, read_mobile_event, carry_out_mobile_event),
    "/api/v1.1/pushes/post_events": Operation(
        "POST", frozenset(), read_post_events, carry_out_post_events, False
    ),
}


def served_path(endpoint: str) -> str | None:
    """The path of :data:`SERVED` that a request means, with slashes before and behind it or without (K1)."""
    path = "/" + endpoint.strip("/")
    return path if path in SERVED else None
