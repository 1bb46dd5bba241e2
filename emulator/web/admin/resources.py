"""``/__admin/resources``."""

from __future__ import annotations

from types import MappingProxyType

from emulator.fixtures.schema import ResourceSchema
from emulator.rules.model import Resource
from emulator.schemas.errors import string
from emulator.store import configuring
from emulator.store.records import list_resources
from emulator.web.admin.loading import number_in_query
from emulator.web.admin.operation import Later, operation
from emulator.web.admin.records import CascadeSchema, PageSchema, links, listed, load_change, load_new
from emulator.web.current import emulator, workspace
from emulator.web.later import change
from emulator.workspaces.answers import resource_record
from emulator.workspaces.workspace import Workspace
from push_emulator.answers import Page
from push_emulator.workspace_answers import DeletedRecords, ResourceRecord

_ONE = "/resources/<int64:resource_id>"
_LINKS = links("resource", resource_id="/id")


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


@operation("get", _ONE, refusals=(404,))
def get_resource(resource_id: int) -> ResourceRecord:
    """One resource."""
    found = configuring.find_resource(workspace().store, resource_id)
    return resource_record(found, emulator().settings.show_secrets)


@operation("post", "/resources", status=201, body=ResourceSchema, links=_LINKS)
def post_resource(resource_id: int | None = None) -> Later[ResourceRecord]:
    """Add a resource."""
    resource = Resource(**load_new(ResourceSchema(), id=resource_id))
    show_secrets = emulator().settings.show_secrets

    async def work(found: Workspace) -> ResourceRecord:
        configuring.add_resource(found.store, resource)
        return resource_record(resource, show_secrets)

    return change(work)


@operation("post", _ONE, status=201, body=ResourceSchema(partial=("id",)), refusals=(404,))
def post_this_resource(resource_id: int) -> Later[ResourceRecord]:
    """Add a resource, its id in the path."""
    return post_resource(resource_id)


@operation(
    "patch",
    _ONE,
    query=CascadeSchema,
    body=ResourceSchema(partial=True, exclude=("id",)),
    refusals=(404,),
)
def patch_resource(resource_id: int, query: dict[str, bool]) -> Later[ResourceRecord]:
    """Change a resource."""
    asked = load_change(ResourceSchema(partial=True), id=resource_id)
    show_secrets = emulator().settings.show_secrets

    async def work(found: Workspace) -> ResourceRecord:
        resource = configuring.find_resource(found.store, resource_id)
        changed = await configuring.change_resource(found.store, resource, asked, query["cascade"])
        return resource_record(changed, show_secrets)

    return change(work)


@operation("delete", _ONE, query=CascadeSchema, refusals=(404,))
def delete_resource(resource_id: int, query: dict[str, bool]) -> Later[DeletedRecords]:
    """Delete a resource."""

    async def work(found: Workspace) -> DeletedRecords:
        resource = configuring.find_resource(found.store, resource_id)
        gone = await configuring.delete_resource(found.store, resource, query["cascade"])
        return DeletedRecords({"resources": 1, **gone})

    return change(work)
