"""Common parts of the calls on stored records: the page of a list, the reading of a body."""

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from marshmallow import Schema, ValidationError, fields

from emulator.loop.pacing import paced
from emulator.rules.errors import Invalid
from emulator.rules.texts import Problem
from emulator.schemas.errors import Between
from emulator.schemas.json_schema import JSONSchema
from emulator.store import pages
from emulator.store.pages import DEFAULT_LIMIT, MAX_LIMIT, Cursor, read_cursor
from emulator.store.records import RecordCriteria
from emulator.store.tinydb_store import TinyDBStore
from emulator.web.admin.loading import QuerySchema, load, number_in_query, read_body, read_query
from emulator.web.admin.operation import Later, link
from emulator.web.current import workspace
from push_emulator.answers import Page

T = TypeVar("T")
List = Callable[[TinyDBStore, RecordCriteria, int, Cursor | None], Awaitable[pages.RecordPage]]

_FIELD = "field."


class CursorField(fields.Field[Cursor]):
    """The ``next`` of an earlier page."""

    json_schema: ClassVar[JSONSchema] = {"type": "string", "description": "the `next` of the page before"}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Cursor:
        try:
            return read_cursor(value)
        except ValueError as error:
            raise ValidationError("must be what a list gave as next") from error


class PageSchema(QuerySchema):
    """The parameters of every list; ``other_names``: aliases of criteria."""

    other_names: ClassVar[Mapping[str, str]] = MappingProxyType({})

    limit = number_in_query(load_default=DEFAULT_LIMIT, validate=Between(1, MAX_LIMIT))
    cursor = CursorField(load_default=None)


class CascadeSchema(QuerySchema):
    """Whether dependent records are removed, too."""

    cascade = fields.Boolean(load_default=False, error_messages={"invalid": "must be true or false"})


def listed(schema: PageSchema, records: List, shown: Callable[[Any], T | Awaitable[T]]) -> Later[Page[T]]:
    """A page of a list; ``records`` reads the page, ``shown`` makes an item of a record, perhaps in steps."""
    arguments = read_query()
    values = {
        name.removeprefix(_FIELD): arguments.pop(name) for name in list(arguments) if name.startswith(_FIELD)
    }
    asked = load(schema, {schema.other_names.get(name, name): text for name, text in arguments.items()})
    limit, cursor = asked.pop("limit"), asked.pop("cursor")
    store = workspace().store

    async def read() -> Page[T]:
        page = await records(store, RecordCriteria(**asked, fields=values), limit, cursor)
        items: list[T] = []
        async for one in paced(page.records, 8):
            item = shown(one)
            items.append(await item if isawaitable(item) else item)
        return Page(items, page.next.text() if page.next is not None else None, page.total)

    return read()


def links(kind: str, **pointers: str) -> dict[str, Any]:
    """Links to the calls on a new record; ``pointers``: where the answer has the parts of its path."""
    return link(f"get_{kind}", **pointers) | link(f"delete_{kind}", **pointers)


def load_new(schema: Schema, **from_path: Any) -> Any:
    """The body of a POST; it may omit what the path has."""
    document = read_body()
    if isinstance(document, dict):
        document = {**{name: value for name, value in from_path.items() if value is not None}, **document}
    asked = load(schema, document)
    _check_path(asked, from_path)
    return asked


def load_change(schema: Schema, **from_path: Any) -> Any:
    """The body of a PATCH; null in ``fields`` removes a field."""
    document = read_body()
    removed: list[str] = []
    if isinstance(document, dict) and isinstance(document.get("fields"), dict):
        removed = [name for name, value in document["fields"].items() if value is None]
        kept = {name: value for name, value in document["fields"].items() if value is not None}
        document = {**document, "fields": kept}
    asked = load(schema, document)
    _check_path(asked, from_path)
    if removed:
        asked["fields"] |= dict.fromkeys(removed)
    return {name: value for name, value in asked.items() if name not in from_path}


def _check_path(asked: dict[str, Any], from_path: dict[str, Any]) -> None:
    for name, value in from_path.items():
        if value is not None and asked.get(name, value) != value:
            raise Invalid(Problem.of(name, "must be %(value)s, as in the path, or left out", value=value))
