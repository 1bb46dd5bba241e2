"""The shapes of databases, resources, profiles, subscriptions and snapshots in the admin API's answers."""

from __future__ import annotations

from marshmallow import fields, validate

from emulator.web.openapi import shapes
from emulator.web.openapi.answers import AnswerSchema
from emulator.web.openapi.shapes import count, text

_STATUS = validate.OneOf(["subscribed", "unsubscribed"])


class StoredDatabaseSchema(AnswerSchema):
    """A database."""

    id = fields.Integer(required=True)
    name = text()
    fields: fields.Dict = fields.Dict(  # type: ignore[assignment]  # marshmallow takes it out of the class
        required=True, metadata={"description": "the declared fields: name to type, as in the fixtures"}
    )


class StoredResourceSchema(AnswerSchema):
    """A resource; its token is masked unless the server shows secrets."""

    id = fields.Integer(required=True)
    name = text()
    token = text()
    db_ids = fields.List(fields.Integer(), required=True)
    providers = fields.List(fields.String(), required=True, allow_none=True)


class OwnSubscriptionSchema(AnswerSchema):
    """A subscription of the profile that it stands in."""

    hash_id = text()
    resource_id = fields.Integer(required=True)
    provider = text()
    subscription_id = text()
    status = text(validate=_STATUS)
    created = text()
    updated = text()


class StoredSubscriptionSchema(OwnSubscriptionSchema):
    """A subscription."""

    db_id = fields.Integer(required=True)
    profile_id = text()


class OneSubscriptionSchema(StoredSubscriptionSchema):
    """A subscription, and the profiles on which its key is."""

    profiles = fields.List(fields.String(), required=True)


class StoredProfileSchema(AnswerSchema):
    """A profile with its subscriptions."""

    id = text()
    db_id = fields.Integer(required=True)
    subscriptions = fields.List(fields.Nested(OwnSubscriptionSchema), required=True)
    created = text()
    fields: fields.Dict = fields.Dict(  # type: ignore[assignment]  # the same
        required=True, metadata={"description": "custom field values by name"}
    )


class DeletedRecordsSchema(AnswerSchema):
    """How many records are gone, by kind."""

    deleted = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class SizeSchema(AnswerSchema):
    """What is in the workspace now."""

    workspace = text()
    profiles = count()
    subscriptions = count()


class WholeSnapshotSchema(AnswerSchema):
    """A whole workspace."""

    format = fields.Integer(required=True)
    databases = fields.List(fields.Nested(StoredDatabaseSchema), required=True)
    resources = fields.List(fields.Nested(StoredResourceSchema), required=True)
    settings = fields.Nested(shapes.ChosenSettingsSchema, required=True)
    clock = fields.Nested(shapes.ClockAnswerSchema, required=True)
    faults = fields.List(fields.Nested(shapes.ArmedFaultSchema), required=True)
    profiles_made = count()
    profiles = fields.List(fields.Nested(StoredProfileSchema), required=True)
