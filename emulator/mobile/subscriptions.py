"""The SDKs' calls about subscriptions and profiles: query and body in, document out (K10–K50)."""

from collections.abc import Callable

from emulator.mobile.answers import Document, success
from emulator.mobile.call import SdkCall
from emulator.rules.errors import Invalid, ProcessingError, Unauthorized
from emulator.rules.mobile.calls import status, subscribe, unsuspend, update_profile, update_token
from emulator.rules.mobile.context import MobileContext
from emulator.rules.mobile.requests import Pair, Subscribe, Update, check_provider
from emulator.rules.model import Changes, SubscriptionRequest, shortened

_NAMES = {"subscribed": "subscribe", "suspended": "suspend", "unsubscribed": "unsubscribe"}
_SYNC = {"true": True, "1": True, "false": False, "0": False}


def context_of(call: SdkCall) -> MobileContext:
    """What the rules need to decide the call. Its lists are the call's own, its pair is the first token."""
    workspace = call.workspace
    pair = (call.tokens[0].provider, call.tokens[0].subscription_id) if call.tokens else None
    if call.caller is None:
        raise Unauthorized("Authorization: is required", "T5")
    return MobileContext(
        call.caller,
        workspace.store,
        workspace.settings.policies,
        workspace.clock.timestamp(),
        workspace.ids,
        pair,
        call.changes,
        call.decided,
        call.lints,
        call.outcomes,
    )


def read_subscribe(call: SdkCall) -> None:
    """Check the call (R6)."""
    request: Subscribe = call.request
    sent = request.subscription
    _check_provider(call, "subscription.provider", sent.provider)
    call.name = _NAMES[sent.status]  # type: ignore[assignment]
    call.sync = _sync(call)
    call.tokens = [SubscriptionRequest(sent.provider, sent.subscription_id)]


def carry_out_subscribe(call: SdkCall) -> Document:
    """Subscribe, suspend or unsubscribe (K10–K15)."""
    return _deferrable(call, lambda: subscribe(context_of(call), call.request))


def read_update(call: SdkCall) -> None:
    """Check the call (R6)."""
    request: Update = call.request
    _check_provider(call, "new_provider", request.new_provider)
    if request.old_token and request.old_provider:
        _check_provider(call, "old_provider", request.old_provider)
        call.tokens.append(SubscriptionRequest(request.old_provider, request.old_token))
    call.tokens.append(SubscriptionRequest(request.new_provider, request.new_token))
    call.sync = _sync(call)


def carry_out_update(call: SdkCall) -> Document:
    """Move subscriptions to a new token (K20)."""
    return _deferrable(call, lambda: update_token(context_of(call), call.request))


def read_unsuspend(call: SdkCall) -> None:
    """Check the call (R6)."""
    wanted: Pair = call.request.subscription
    _check_provider(call, "subscription.provider", wanted.provider)
    call.tokens = [SubscriptionRequest(wanted.provider, wanted.subscription_id)]


def carry_out_unsuspend(call: SdkCall) -> Document:
    """Log in or out (K30)."""
    return success(unsuspend(context_of(call), call.request.subscription))


def read_status(call: SdkCall) -> None:
    """Check the query (R6)."""
    provider, token = call.query.get("provider"), call.query.get("subscription_id")
    if token and not provider:
        raise Invalid("provider: is required with subscription_id", "R6")
    if provider and token:
        call.tokens = [SubscriptionRequest(provider, token)]


def carry_out_status(call: SdkCall) -> Document:
    """Tell the status of a subscription (K40)."""
    provider, token = call.query.get("provider") or None, call.query.get("subscription_id") or None
    return success(status(context_of(call), provider, token))


def carry_out_profile_update(call: SdkCall) -> Document:
    """Write profile fields (K50)."""
    return success(update_profile(context_of(call), call.request))


def _deferrable(call: SdkCall, decide: Callable[[], Document | None]) -> Document:
    """The answer to a call that has ``sync``: without it, an error and the profile are not told (K12)."""
    try:
        profile = decide()
    except ProcessingError as error:
        if call.sync:
            raise
        call.changes = Changes()
        call.note(error.rule, "said", error.text)
        call.note("K12", "deferred")
        call.outcomes = ["refused"]
        return success(None)
    return success(profile if call.sync else None)


def _check_provider(call: SdkCall, path: str, provider: str) -> None:
    check_provider(path, provider, None if call.caller is None else call.caller.resource)


def _sync(call: SdkCall) -> bool:
    """Whether the client waits for the profile (K5). Raises :class:`Invalid` (R6)."""
    text = call.query.get("sync") or "false"
    if text.lower() not in _SYNC:
        raise Invalid(f'sync: must be true or false, not "{shortened(text)}"', "R6")
    return _SYNC[text.lower()]
