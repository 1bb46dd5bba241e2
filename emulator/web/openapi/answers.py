"""The shapes of the documented endpoint's answers."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from emulator.rules.answer import ALL_APPLIED, NOT_ALL_APPLIED, SUCCESS

PROFILE_ID = "5fb62e815ae47a4aa04dfadd"
HASH_ID = "d58ea463"


def reference(name: str) -> dict[str, str]:
    """A reference to a component's schema."""
    return {"$ref": f"#/components/schemas/{name}"}


class AnswerSchema(Schema):
    """An object with the named keys and no others."""

    class Meta:
        unknown = RAISE


def _integer(description: str) -> Any:
    return fields.Integer(required=True, metadata={"description": description})


def _text(description: str, **options: Any) -> Any:
    return fields.String(required=True, metadata={"description": description, **options})


def _one_of(description: str, *words: str) -> Any:
    return fields.String(required=True, validate=validate.OneOf(words), metadata={"description": description})


class DatabaseItemSchema(AnswerSchema):
    """What every item has."""

    db_id = _integer("the database")
    resource_id = _integer("the resource")


class ProfileItemSchema(DatabaseItemSchema):
    """What an item of a found or new profile has."""

    profile_id = _text("the found or new profile (A5)", minLength=1, maxLength=64)


class AppliedItemSchema(ProfileItemSchema):
    """A subscription that was added or changed (S1, S2)."""

    subscription_id = _text("the push token", minLength=1)
    unsubscribe = fields.Boolean(required=True, metadata={"description": "what was asked for"})
    provider = _text("the provider", minLength=1)
    subscription_hash_id = _text(
        "8 or more hex digits that depend on the key alone (A5)", pattern="^[0-9a-f]{8,64}$"
    )
    status = _one_of("applied", "ok")
    description = _one_of("empty", "")


class RefusedItemSchema(ProfileItemSchema):
    """A subscription that was refused (S4–S6)."""

    subscription_id = _text("the push token", minLength=1)
    unsubscribe = fields.Boolean(required=True, metadata={"description": "what was asked for"})
    provider = _text("the provider", minLength=1)
    status = _one_of("refused", "error")
    description = _text("why", examples=["Duplicate push subscription"])


class UnchangedItemSchema(ProfileItemSchema):
    """A database in which nothing was added, changed or refused (S7)."""

    status = _one_of("carried out", "ok")
    description = _one_of("empty", "")


class MatchingErrorItemSchema(DatabaseItemSchema):
    """A database that could not be searched (M4, M5)."""

    status = _one_of("not searched", "error")
    description = _text("why", examples=["matching error: unknown field"])


ITEMS: tuple[type[AnswerSchema], ...] = (
    AppliedItemSchema,
    RefusedItemSchema,
    UnchangedItemSchema,
    MatchingErrorItemSchema,
)


class PushAnswerSchema(AnswerSchema):
    """The answer to a request that was carried out (A1, A2), or refused as a whole with HTTP status 200
    under the policy ``http_status: always_200`` (A3)."""

    data = fields.List(
        fields.Raw(metadata={"anyOf": [reference(item.__name__.removesuffix("Schema")) for item in ITEMS]}),
        required=True,
        metadata={"description": "the databases in the resource's order, each with its items"},
    )
    error = fields.Integer(
        required=True,
        metadata={
            "description": f"{ALL_APPLIED}: everything was applied. {NOT_ALL_APPLIED}: some item failed, or "
            "some database changed nothing. 400–599: refused as a whole.",
        },
    )
    error_text = fields.String(required=True, metadata={"examples": [SUCCESS]})


class RefusalSchema(AnswerSchema):
    """A request-level error: nothing has changed (A3)."""

    data = fields.List(fields.Raw(), required=True, validate=validate.Length(max=0))
    error = fields.Integer(required=True, metadata={"description": "the code"})
    error_text = fields.String(
        required=True,
        metadata={
            "description": "what is wrong, with the parameter's path",
            "examples": ['subscriptions[0].provider: unknown provider "x"'],
        },
    )
