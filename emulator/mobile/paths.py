"""The paths of the SDKs' calls, and what each does."""

import re
from difflib import get_close_matches
from functools import partial

from emulator.mobile.call import SdkOperation
from emulator.mobile.events import (
    PostEvents,
    PushEvent,
    carry_out_mobile_event,
    carry_out_post_events,
    carry_out_push_event,
    read_mobile_event,
    read_post_events,
    read_push_event,
)
from emulator.mobile.subscriptions import (
    carry_out_profile_update,
    carry_out_status,
    carry_out_subscribe,
    carry_out_unsuspend,
    carry_out_update,
    read_status,
    read_subscribe,
    read_unsuspend,
    read_update,
)
from emulator.rules.mobile.requests import Subscribe, Unsuspend, Update, UpdateProfile

_MODE = frozenset({"matching_mode"})
_PAIR, _PIXEL = _MODE | {"provider", "subscription_id"}, _MODE | {"i", "tr", "t", "v"}
_SYNC = _PAIR | {"sync"}

#: Longer paths are not compared; paths less alike are not near.
_LONGEST_PATH, _LEAST_ALIKE = 100, 0.85
#: What the SDKs have functions for and no calls: one call has three statuses (K10).
_OTHER_STATUSES = re.compile("/(un-?subscribe|suspend)$")

#: Each path, without a trailing slash (K1).
SERVED: dict[str, SdkOperation] = {
    "/subscription/push/subscribe": SdkOperation(
        "POST", "subscribe", _SYNC, Subscribe, read_subscribe, carry_out_subscribe
    ),
    "/subscription/push/update": SdkOperation("POST", "update", _SYNC, Update, read_update, carry_out_update),
    "/subscription/push/unsuspend": SdkOperation(
        "POST", "unsuspend", _PAIR, Unsuspend, read_unsuspend, carry_out_unsuspend
    ),
    "/subscription/push/status": SdkOperation("GET", "status", _PAIR, None, read_status, carry_out_status),
    "/profile/update": SdkOperation(
        "POST", "profile_update", _MODE, UpdateProfile, lambda call: None, carry_out_profile_update
    ),
    "/event/push/delivery": SdkOperation(
        "POST", "delivery", _MODE, PushEvent, partial(read_push_event, kind="delivery"), carry_out_push_event
    ),
    "/event/push/open": SdkOperation(
        "POST", "open", _MODE, PushEvent, partial(read_push_event, kind="open"), carry_out_push_event
    ),
    "/event/post": SdkOperation(
        "POST", "mobile_event", _PIXEL, None, read_mobile_event, carry_out_mobile_event
    ),
    "/api/v1.1/pushes/post_events": SdkOperation(
        "POST", "delivery", frozenset(), PostEvents, read_post_events, carry_out_post_events, False
    ),
}


def served_path(endpoint: str) -> str | None:
    """The path of :data:`SERVED` that a request means, with slashes before and behind it or without (K1)."""
    path = "/" + endpoint.strip("/")
    return path if path in SERVED else None


def nearest_path(endpoint: str) -> str | None:
    """The path of :data:`SERVED` that an unknown one is near to.

    It differs by case, by its first parts, by a few letters, or names a status as a call.
    """
    path = _OTHER_STATUSES.sub("/subscribe", endpoint.rstrip("/").lower())
    if not 1 < len(path) <= _LONGEST_PATH:
        return None
    ends = [known for known in SERVED if known.endswith(path) or path.endswith(known)]
    return next(iter(ends or get_close_matches(path, SERVED, 1, _LEAST_ALIKE)), None)
