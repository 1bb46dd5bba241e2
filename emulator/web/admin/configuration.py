"""``/__admin/databases`` and ``/resources``."""

from types import MappingProxyType

from emulator.fixtures.schema import DatabaseSchema, ResourceSchema
from emulator.rules.model import Database, Resource
from emulator.schemas.errors import string
from emulator.store import configuring
from emulator.store.records import list_databases, list_resources
from emulator.web.admin.loading import number_in_query
from emulator.web.admin.operation import Later, operation
from emulator.web.admin.records import CascadeSchema, PageSchema, links, listed, load_change, load_new
from emulator.web.current import emulator, workspace
from emulator.web.later import change
from emulator.workspaces.answers import database_record, resource_record
from emulator.workspaces.workspace import Workspace
from push_emulator.answers import Page
from push_emulator.record_answers import DatabaseRecord, DeletedRecords, ResourceRecord

_DATABASE = "/databases/<int64:db_id>"


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


@operation("get", _DATABASE, refusals=(404,))
def get_database(db_id: int) -> DatabaseRecord:
    """One database."""
    return database_record(configuring.find_database(workspace().store, db_id))


@operation("post", "/databases", status=201, body=DatabaseSchema, links=links("database", db_id="/id"))
def post_database(db_id: int | None = None) -> Later[DatabaseRecord]:
    """Add a database."""
    database = Database(**load_new(DatabaseSchema(), id=db_id))

    async def work(found: Workspace) -> DatabaseRecord:
        configuring.add_database(found.store, database)
        return database_record(database)

    return change(work)


@operation("post", _DATABASE, status=201, body=DatabaseSchema(partial=("id",)), refusals=(404,))
def post_this_database(db_id: int) -> Later[DatabaseRecord]:
    """Add a database, its id in the path."""
    return post_database(db_id)


@operation(
    "patch",
    _DATABASE,
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


@operation("delete", _DATABASE, query=CascadeSchema, refusals=(404,))
def delete_database(db_id: int, query: dict[str, bool]) -> Later[DeletedRecords]:
    """Delete a database."""

    async def work(found: Workspace) -> DeletedRecords:
        database = configuring.find_database(found.store, db_id)
        gone = await configuring.delete_database(found.store, database, query["cascade"])
        return DeletedRecords({"databases": 1, **gone})

    return change(work)


_RESOURCE = "/resources/<int64:resource_id>"


class ResourcesSchema(PageSchema):
    """Criteria on resources."""

    other_names = MappingProxyType({"resource_id": "id"})

    id = number_in_query()
    name = string()
    token = string()
    db_id = number_in_query()
    provider = string()


@operation("get", "/resources", query=ResourcesSchema)
def get_resources() -> Later[Page[ResourceRecord]]:
    """A list of resources."""
    show_secrets = emulator().settings.show_secrets
    return listed(ResourcesSchema(), list_resources, lambda one: resource_record(one, show_secrets))


@operation("get", _RESOURCE, refusals=(404,))
def get_resource(resource_id: int) -> ResourceRecord:
    """One resource."""
    found = configuring.find_resource(workspace().store, resource_id)
    return resource_record(found, emulator().settings.show_secrets)


@operation("post", "/resources", status=201, body=ResourceSchema, links=links("resource", resource_id="/id"))
def post_resource(resource_id: int | None = None) -> Later[ResourceRecord]:
    """Add a resource."""
    resource = Resource(**load_new(ResourceSchema(), id=resource_id))

    async def work(found: Workspace) -> ResourceRecord:
        configuring.add_resource(found.store, resource)
        return resource_record(resource, found.server.show_secrets)

    return change(work)


@operation("post", _RESOURCE, status=201, body=ResourceSchema(partial=("id",)), refusals=(404,))
def post_this_resource(resource_id: int) -> Later[ResourceRecord]:
    """Add a resource, its id in the path."""
    return post_resource(resource_id)


@operation(
    "patch",
    _RESOURCE,
    query=CascadeSchema,
    body=ResourceSchema(partial=True, exclude=("id",)),
    refusals=(404,),
)
def patch_resource(resource_id: int, query: dict[str, bool]) -> Later[ResourceRecord]:
    """Change a resource."""
    asked = load_change(ResourceSchema(partial=True), id=resource_id)

    async def work(found: Workspace) -> ResourceRecord:
        resource = configuring.find_resource(found.store, resource_id)
        changed = await configuring.change_resource(found.store, resource, asked, query["cascade"])
        return resource_record(changed, found.server.show_secrets)

    return change(work)


@operation("delete", _RESOURCE, query=CascadeSchema, refusals=(404,))
def delete_resource(resource_id: int, query: dict[str, bool]) -> Later[DeletedRecords]:
    """Delete a resource."""

    async def work(found: Workspace) -> DeletedRecords:
        resource = configuring.find_resource(found.store, resource_id)
        gone = await configuring.delete_resource(found.store, resource, query["cascade"])
        return DeletedRecords({"resources": 1, **gone})

    return change(work)
