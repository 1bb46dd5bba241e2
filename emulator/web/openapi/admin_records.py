"""Databases, resources, profiles, subscriptions, snapshots and reset, described."""

from __future__ import annotations

from collections.abc import Iterator

from marshmallow import Schema, fields

from emulator.fixtures.schema import DatabaseSchema, ProfileEntrySchema, ResourceSchema
from emulator.web.admin.changes import CascadeSchema, NewSubscriptionSchema, StatusSchema
from emulator.web.admin.records import (
    DatabasesSchema,
    ProfilesSchema,
    ResourcesSchema,
    SubscriptionsSchema,
    WhichSchema,
)
from emulator.web.admin.snapshot import ResetSchema
from emulator.web.admin.snapshot_schema import SnapshotProfileSchema, SnapshotSchema
from emulator.web.openapi import record_shapes as shapes
from emulator.web.openapi.operation import Operation, link
from emulator.web.openapi.shapes import page_of

#: The schema that judges a snapshot leaves the profiles, which may be a million, to be judged one by one.
_SNAPSHOT = SnapshotSchema.from_dict(
    {"profiles": fields.List(fields.Nested(SnapshotProfileSchema))}, name="SnapshotSchema"
)

Kind = tuple[str, str, type[Schema], type[Schema], type[Schema]]

#: One record's name and path, and the schemas: of a list's criteria, of a new one, of the answer.
_KINDS: tuple[Kind, ...] = (
    ("database", "/databases/{db_id}", DatabasesSchema, DatabaseSchema, shapes.StoredDatabaseSchema),
    ("resource", "/resources/{resource_id}", ResourcesSchema, ResourceSchema, shapes.StoredResourceSchema),
    (
        "profile",
        "/profiles/{db_id}/{profile_id}",
        ProfilesSchema,
        ProfileEntrySchema,
        shapes.StoredProfileSchema,
    ),
    (
        "subscription",
        "/subscriptions/{hash_id}",
        SubscriptionsSchema,
        NewSubscriptionSchema,
        shapes.StoredSubscriptionSchema,
    ),
)


def _of_kind(
    name: str, path: str, criteria: type[Schema], new: type[Schema], shown: type[Schema]
) -> list[Operation]:
    """The operations that every kind of record has."""
    every, tag = "/" + path.split("/")[1], f"{name}s"
    which: type[Schema] | None = WhichSchema if name == "subscription" else None
    cascade = CascadeSchema if name in ("database", "resource") else which
    change = StatusSchema if name == "subscription" else new(partial=True, exclude=_unchangeable(name))
    one = shapes.OneSubscriptionSchema if name == "subscription" else shown
    operations = [
        Operation(
            "get", every, f"get_{name}s", f"A list of {name}s", tag, page_of(shown), query=_query(criteria)
        ),
        Operation(
            "post", every, f"post_{name}", f"Add a {name}", tag, shown, 201, body=new, links=_links(name)
        ),
        Operation("get", path, f"get_{name}", f"One {name}", tag, one, query=_query(which), refusals=(404,)),
        Operation(
            "patch",
            path,
            f"patch_{name}",
            f"Change a {name}",
            tag,
            shown,
            body=change,
            query=_query(cascade),
            refusals=(404,),
        ),
        Operation(
            "delete",
            path,
            f"delete_{name}",
            f"Delete a {name}",
            tag,
            shapes.DeletedRecordsSchema,
            query=_query(cascade),
            refusals=(404,),
        ),
    ]
    if name != "subscription":
        operations.append(
            Operation(
                "post",
                path,
                f"post_this_{name}",
                f"Add a {name}, its id in the path",
                tag,
                shown,
                201,
                body=new(partial=_unchangeable(name)),
                refusals=(404,),
            )
        )
    return operations


#: Where a new record's answer has the parts of its path.
_PARTS: dict[str, dict[str, str]] = {
    "database": {"db_id": "/id"},
    "resource": {"resource_id": "/id"},
    "profile": {"db_id": "/db_id", "profile_id": "/id"},
    "subscription": {"hash_id": "/hash_id"},
}


def _links(name: str) -> dict[str, object]:
    """What can be called with a new record."""
    return {**link(f"get_{name}", **_PARTS[name]), **link(f"delete_{name}", **_PARTS[name])}


def _unchangeable(name: str) -> tuple[str, ...]:
    return ("id", "db_id", "subscriptions") if name == "profile" else ("id",)


def _query(schema: type[Schema] | None) -> list[dict[str, object]]:
    return [] if schema is None else [{"in": "query", "schema": schema}]


def _operations() -> Iterator[Operation]:
    for kind in _KINDS:
        yield from _of_kind(*kind)


OPERATIONS = (
    *_operations(),
    Operation(
        "get", "/snapshot", "get_snapshot", "The whole workspace", "workspace", shapes.WholeSnapshotSchema
    ),
    Operation(
        "put",
        "/snapshot",
        "put_snapshot",
        "Put a snapshot in place of the whole workspace, or nothing of it",
        "workspace",
        shapes.SizeSchema,
        body=_SNAPSHOT,
        refusals=(503, 507),
    ),
    Operation(
        "post",
        "/reset",
        "reset",
        "Back to the fixtures; `keep` leaves parts alone",
        "workspace",
        shapes.SizeSchema,
        body=ResetSchema,
    ),
)
