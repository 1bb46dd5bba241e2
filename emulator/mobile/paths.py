"""The paths of the SDKs' calls, and what each does."""

from __future__ import annotations

from emulator.mobile.answers import success
from emulator.mobile.call import Call, Operation
from emulator.rules.errors import Failed


def _nothing(call: Call) -> None:
    call.request = None


def _not_yet(call: Call) -> dict[str, object]:
    raise Failed(f"{call.path}: is not served yet", "R6")


def _empty(call: Call) -> dict[str, object]:
    return success(None)


#: Each path, without a trailing slash (K1).
SERVED: dict[str, Operation] = {
    "/subscription/push/subscribe": Operation("POST", _nothing, _not_yet),
    "/subscription/push/update": Operation("POST", _nothing, _not_yet),
    "/subscription/push/unsuspend": Operation("POST", _nothing, _not_yet),
    "/subscription/push/status": Operation("GET", _nothing, _not_yet),
    "/profile/update": Operation("POST", _nothing, _not_yet),
    "/event/push/delivery": Operation("POST", _nothing, _empty),
    "/event/push/open": Operation("POST", _nothing, _empty),
    "/event/post": Operation("POST", _nothing, _empty),
    "/api/v1.1/pushes/post_events": Operation("POST", _nothing, _empty, authorized=False),
}


def served_path(endpoint: str) -> str | None:
    """The path of :data:`SERVED` that a request means, with slashes before and behind it or without (K1)."""
    path = "/" + endpoint.strip("/")
    return path if path in SERVED else None
