"""What a workspace holds, as the admin API answers it and a snapshot has it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import asdict, astuple

from emulator.rules.model import Database, FieldType, Profile, Resource, Subscription
from emulator.workspaces.clock import WorkspaceClock
from emulator.workspaces.settings import LINT_IDS, WorkspaceSettings
from push_emulator.masking import mask
from push_emulator.workspace_answers import (
    ClockState,
    DatabaseRecord,
    OwnSubscription,
    ProfileRecord,
    ResourceRecord,
    SettingsState,
    SubscriptionRecord,
)


def database_record(one: Database) -> DatabaseRecord:
    """A database, its fields' types in the form of the fixtures."""
    return DatabaseRecord(one.id, one.name, {name: _field_type(kind) for name, kind in one.fields.items()})


def _field_type(one: FieldType) -> Any:
    return {"type": "enum", "options": list(one.options)} if one.kind == "enum" else one.kind


def resource_record(one: Resource, show_secrets: bool) -> ResourceRecord:
    """A resource; its token is masked unless secrets are shown."""
    token = one.token if show_secrets else mask(one.token)
    return ResourceRecord(one.id, one.name, token, one.db_ids, one.providers)


def profile_record(one: Profile, subscriptions: Iterable[Subscription]) -> ProfileRecord:
    """A profile with its subscriptions, which do not repeat whose they are."""
    own = [OwnSubscription(record.hash_id, *astuple(record)[3:]) for record in subscriptions]
    return ProfileRecord(one.id, one.db_id, one.fields, one.created, own)


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
    return SettingsState(policies, settings.strict, lints)
