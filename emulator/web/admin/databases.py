"""``/__admin/databases``."""

from __future__ import annotations

from types import MappingProxyType

from emulator.fixtures.schema import DatabaseSchema
from emulator.rules.model import Database
from emulator.schemas.errors import string
from emulator.store import configuring
from emulator.store.records import list_databases
from emulator.web.admin.loading import number_in_query
from emulator.web.admin.operation import Later, operation
from emulator.web.admin.records import CascadeSchema, PageSchema, links, listed, load_change, load_new
from emulator.web.current import workspace
from emulator.web.later import change
from emulator.workspaces.answers import database_record
from emulator.workspaces.workspace import Workspace
from push_emulator.answers import Page
from push_emulator.workspace_answers import DatabaseRecord, DeletedRecords

_ONE = "/databases/<int64:db_id>"
_LINKS = links("database", db_id="/id")


class DatabasesSchema(PageSchema):
    """Criteria on databases."""

    other_names = MappingProxyType({"db_id": "id"})

    id = number_in_query()
    name = string()
    resource_id = number_in_query()


@operation("get", "/databases", query=DatabasesSchema)
def get_databases() -> Later[Page[DatabaseRecord]]:
    """A list of databases."""
    return listed(DatabasesSchema(), list_databases, database_record)


@operation("get", _ONE, refusals=(404,))
def get_database(db_id: int) -> DatabaseRecord:
    """One database."""
    return database_record(configuring.find_database(workspace().store, db_id))


@operation("post", "/databases", status=201, body=DatabaseSchema, links=_LINKS)
def post_database(db_id: int | None = None) -> Later[DatabaseRecord]:
    """Add a database."""
    database = Database(**load_new(DatabaseSchema(), id=db_id))

    async def work(found: Workspace) -> DatabaseRecord:
        configuring.add_database(found.store, database)
        return database_record(database)

    return change(work)


@operation("post", _ONE, status=201, body=DatabaseSchema(partial=("id",)), refusals=(404,))
def post_this_database(db_id: int) -> Later[DatabaseRecord]:
    """Add a database, its id in the path."""
    return post_database(db_id)


@operation(
    "patch",
    _ONE,
    query=CascadeSchema,
    body=DatabaseSchema(partial=True, exclude=("id",)),
    refusals=(404,),
)
def patch_database(db_id: int, query: dict[str, bool]) -> Later[DatabaseRecord]:
    """Change a database.

    Its name, or some of its fields; null removes a field.
    """
    asked = load_change(DatabaseSchema(partial=True), id=db_id)

    async def work(found: Workspace) -> DatabaseRecord:
        database = configuring.find_database(found.store, db_id)
        name, fields = asked.get("name"), asked.get("fields", {})
        changed = await configuring.change_database(found.store, database, name, fields, query["cascade"])
        return database_record(changed)

    return change(work)


@operation("delete", _ONE, query=CascadeSchema, refusals=(404,))
def delete_database(db_id: int, query: dict[str, bool]) -> Later[DeletedRecords]:
    """Delete a database."""

    async def work(found: Workspace) -> DeletedRecords:
        database = configuring.find_database(found.store, db_id)
        gone = await configuring.delete_database(found.store, database, query["cascade"])
        return DeletedRecords({"databases": 1, **gone})

    return change(work)
