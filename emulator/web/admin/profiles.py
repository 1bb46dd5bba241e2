"""``/__admin/profiles``."""

from __future__ import annotations

from types import MappingProxyType

import msgspec
from marshmallow import fields

from emulator.fixtures.schema import STATUS, ProfileEntrySchema
from emulator.rules.model import Profile
from emulator.schemas.errors import string
from emulator.store import editing
from emulator.store.fixture_set import ProfileEntry
from emulator.store.records import list_profiles
from emulator.store.tinydb_store import TinyDBStore
from emulator.web.admin.loading import number_in_query
from emulator.web.admin.operation import Later, operation
from emulator.web.admin.records import PageSchema, links, listed, load_change, load_new
from emulator.web.current import workspace
from emulator.web.later import change
from emulator.workspaces.answers import profile_record
from emulator.workspaces.workspace import Workspace
from push_emulator.answers import Page
from push_emulator.workspace_answers import DeletedRecords, ProfileRecord

_ONE = "/profiles/<int64:db_id>/<path:profile_id>"
_LINKS = links("profile", db_id="/db_id", profile_id="/id")
_CHANGE = ProfileEntrySchema(partial=True, exclude=("id", "db_id", "subscriptions"))
_IN_PATH = ProfileEntrySchema(partial=("id", "db_id", "subscriptions"))


class ProfilesSchema(PageSchema):
    """Criteria on profiles; one subscription of a profile must meet all criteria on subscriptions."""

    other_names = MappingProxyType({"id": "profile_id"})

    profile_id = string()
    db_id = number_in_query()
    resource_id = number_in_query()
    provider = string()
    subscription_id = string()
    status = string(validate=STATUS)
    hash_id = string()
    is_test = fields.Boolean(error_messages={"invalid": "must be true or false"})


def _record(store: TinyDBStore, profile: Profile) -> ProfileRecord:
    return profile_record(profile, store.subscriptions_of(profile))


@operation("get", "/profiles", query=ProfilesSchema)
def get_profiles() -> Later[Page[ProfileRecord]]:
    """A list of profiles."""
    store = workspace().store
    return listed(ProfilesSchema(), list_profiles, lambda one: _record(store, one))


@operation("get", _ONE, merge_slashes=False, refusals=(404,))
def get_profile(db_id: int, profile_id: str) -> ProfileRecord:
    """One profile."""
    store = workspace().store
    return _record(store, editing.find_profile(store, db_id, profile_id))


@operation("post", "/profiles", status=201, body=ProfileEntrySchema, links=_LINKS)
def post_profile(db_id: int | None = None, profile_id: str | None = None) -> Later[ProfileRecord]:
    """Add a profile.

    Its subscriptions come with it.
    """
    entry = msgspec.convert(load_new(ProfileEntrySchema(), db_id=db_id, id=profile_id), ProfileEntry)

    async def work(found: Workspace) -> ProfileRecord:
        profile = editing.add_profile(found.store, entry, found.clock.timestamp(), found.ids.profile_id)
        return _record(found.store, profile)

    return change(work)


@operation("post", _ONE, merge_slashes=False, status=201, body=_IN_PATH, refusals=(404,))
def post_this_profile(db_id: int, profile_id: str) -> Later[ProfileRecord]:
    """Add a profile, its id in the path."""
    return post_profile(db_id, profile_id)


@operation("patch", _ONE, merge_slashes=False, body=_CHANGE, refusals=(404,))
def patch_profile(db_id: int, profile_id: str) -> Later[ProfileRecord]:
    """Change a profile.

    Some of its fields (null removes one), and whether it is a test profile.
    """
    schema = ProfileEntrySchema(partial=True, exclude=("subscriptions",))
    asked = load_change(schema, db_id=db_id, id=profile_id)

    async def work(found: Workspace) -> ProfileRecord:
        profile = editing.find_profile(found.store, db_id, profile_id)
        values, is_test = asked.get("fields", {}), asked.get("is_test")
        return _record(found.store, editing.change_profile(found.store, profile, values, is_test))

    return change(work)


@operation("delete", _ONE, merge_slashes=False, refusals=(404,))
def delete_profile(db_id: int, profile_id: str) -> Later[DeletedRecords]:
    """Delete a profile.

    Its subscriptions go with it.
    """

    async def work(found: Workspace) -> DeletedRecords:
        gone = found.store.delete_profile(editing.find_profile(found.store, db_id, profile_id))
        return DeletedRecords({"profiles": 1, "subscriptions": gone})

    return change(work)
