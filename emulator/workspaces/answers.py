"""The contents of a workspace as the admin API and a snapshot show them."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec.structs import asdict, astuple, replace

from emulator.faults.model import ErrorAnswer, Fault, ItemFault, RateLimit
from emulator.journal.events import Event
from emulator.loop.pacing import paced
from emulator.rules.model import Database, Profile, Resource, Subscription
from emulator.workspaces.clock import WorkspaceClock
from emulator.workspaces.settings import LINT_IDS, WorkspaceSettings
from push_emulator.journal_answers import RecordedEvent
from push_emulator.masking import mask
from push_emulator.record_answers import (
    DatabaseRecord,
    OwnSubscription,
    ProfileRecord,
    ResourceRecord,
    SubscriptionRecord,
)
from push_emulator.workspace_answers import ArmedFault, ClockState, SettingsState

_encode = msgspec.json.Encoder().encode


def database_record(one: Database) -> DatabaseRecord:
    """A database, with its fields' types in the form of the fixtures."""
    return DatabaseRecord(one.id, one.name, {name: kind.form for name, kind in one.fields.items()})


def resource_record(one: Resource, show_secrets: bool) -> ResourceRecord:
    """A resource; its tokens and its key are masked unless secrets are shown."""
    shown: Callable[[str], str] = str if show_secrets else mask
    return ResourceRecord(
        one.id,
        one.name,
        shown(one.token),
        one.db_ids,
        one.providers,
        [replace(role, token=shown(role.token)) for role in one.role_tokens],
        one.categories,
        {name: kind.form for name, kind in one.subscription_fields.items()},
        shown(one.jwt_key) if one.jwt_key is not None else None,
    )


def recorded_event(one: Event) -> RecordedEvent:
    """An event in the form of the API."""
    return RecordedEvent(**{name: getattr(one, name) for name in RecordedEvent.__struct_fields__})


def profile_record(one: Profile, subscriptions: Iterable[Subscription]) -> ProfileRecord:
    """A profile with its subscriptions, without the profile's ids in each of them."""
    own = list(map(_own_subscription, subscriptions))
    return ProfileRecord(one.id, one.db_id, one.fields, one.created, own, one.is_test)


async def profile_record_in_steps(one: Profile, subscriptions: Iterable[Subscription]) -> ProfileRecord:
    """The same, to be encoded: each subscription is encoded in its step."""
    own: list[Any] = [
        msgspec.Raw(_encode(_own_subscription(record))) async for record in paced(subscriptions)
    ]
    return ProfileRecord(one.id, one.db_id, one.fields, one.created, own, one.is_test)


def _own_subscription(record: Subscription) -> OwnSubscription:
    return OwnSubscription(record.hash_id, *astuple(record)[3:])


def subscription_record(one: Subscription) -> SubscriptionRecord:
    """A subscription by itself."""
    return SubscriptionRecord(**asdict(one))


def clock_state(clock: WorkspaceClock) -> ClockState:
    """A workspace's time."""
    return ClockState(clock.timestamp(), clock.frozen, clock.setting.offset_ms)


def settings_state(settings: WorkspaceSettings) -> SettingsState:
    """A workspace's settings, each lint's among them."""
    policies = asdict(settings.policies)
    lints: dict[str, str] = {rule: settings.lints.get(rule, "report") for rule in LINT_IDS}
    return SettingsState(
        policies, settings.strict, lints, settings.answers, settings.platform, settings.trust_platform
    )


def armed_fault(fault: Fault) -> ArmedFault:
    """A fault, in the form in which it is armed."""
    then: Any = fault.then
    if isinstance(then, ErrorAnswer):
        then = {"status": then.status, "error": then.code, "error_text": then.text}
    elif isinstance(then, RateLimit):
        then = {"rate_limit": {"per_second": then.per_second}}
    elif isinstance(then, ItemFault):
        then = {"item_error": then.item_error}
    return ArmedFault(
        id=fault.id,
        match=msgspec.to_builtins(fault.match),
        times=fault.times,
        probability=fault.probability,
        delay_ms={"uniform": fault.delay_ms} if isinstance(fault.delay_ms, tuple) else fault.delay_ms,
        then=then,
        apply="after" if fault.after else "before",
        fired=fault.fired,
    )
