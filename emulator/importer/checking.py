"""The checks before an import starts: every problem is listed, nothing has been written."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, islice
from typing import TypeVar

from emulator.importer.columns import column_index
from emulator.importer.layout import Layout, overruled, read_layout
from emulator.importer.plan import ImportPlan
from emulator.importer.problem import ImportRefused, refused
from emulator.importer.sources import Source
from emulator.rules.model import Resource, shortened
from emulator.rules.providers import DOCUMENTED, accepted
from emulator.rules.texts import Message, Problem, Text, message
from emulator.store.tinydb_store import TinyDBStore

T = TypeVar("T")


@dataclass(frozen=True)
class Checked:
    """A plan that can be carried out. ``value``, ``token``: the columns' indexes (``None``: push matching).

    ``status``: the index of the column with the statuses, if the plan has one.
    ``kinds``: what the search value is to the databases: ``id``, or the declared kinds of the field.
    ``lints``: what the person should see first, though it forbids nothing; :mod:`survey` adds to it.
    """

    plan: ImportPlan
    source: Source
    layout: Layout
    resource: Resource
    value: int | None
    token: int
    status: int | None
    kinds: frozenset[str]
    lints: list[Text]


def find_resource(named: str | int, store: TinyDBStore) -> Resource:
    """The resource with this token or id. Raises :class:`ImportRefused`."""
    resource = store.find_resource(named) if isinstance(named, str) else None
    if resource is None:  # as text: Python converts no thousands of digits
        resource = next((one for one in store.resources() if named in (one.id, str(one.id))), None)
    if resource is None:
        there = ", ".join(f"{one.id} ({one.name})" for one in store.resources()[:20]) or Message("none")
        raise refused("resource", "no_resource", there=there)
    return resource


def declared_fields(resource: Resource, store: TinyDBStore) -> list[str]:
    """The names of the fields that the resource's databases declare, each once."""
    return list(dict.fromkeys(name for db_id in resource.db_ids for name in store.database(db_id).fields))


def check_plan(plan: ImportPlan, source: Source, store: TinyDBStore) -> Checked:
    """The plan, ready to be carried out. Raises :class:`ImportRefused` with all its problems."""
    problems: list[Problem] = []

    def noted(check: Callable[..., T], *arguments: object) -> T | None:
        try:
            return check(*arguments)
        except ImportRefused as error:
            problems.extend(error.problems)
            return None

    resource = noted(find_resource, plan.resource, store)
    if resource is not None:
        problems += _resource_problems(plan, resource, store)
    layout = noted(read_layout, source, plan.encoding, plan.delimiter, plan.quote, plan.header)
    token, value, status = None, None, None
    if layout is not None:
        token = noted(column_index, layout, "token_column", plan.token_column)
        if plan.match.by != "push":
            value = noted(column_index, layout, "match", plan.match.column)
            if token is not None and value == token:
                problems.append(Problem("match", message("same_column")))
        if plan.status_column is not None:
            status = noted(column_index, layout, "status_column", plan.status_column)
            if status is not None and status in (token, value):
                problems.append(Problem("status_column", message("column_in_use")))
    if problems or resource is None or layout is None or token is None:
        raise ImportRefused(problems)
    by, field = plan.match.by, plan.match.field
    declared = [
        (db_id, store.database(db_id).fields.get(field)) for db_id in resource.db_ids if by == "field"
    ]
    kinds = {"id"} if by == "id" else {one.kind for _, one in declared if one is not None}
    lints: list[Text] = [
        message("undeclared_field", id=db_id, field=field) for db_id, one in declared if one is None
    ]
    if overruled(source, plan.encoding):
        lints.append(message("marked", encoding=layout.encoding, named=plan.encoding or ""))
    if plan.encoding is None and not layout.encoding.startswith("utf"):
        cells = chain(layout.names or (), *layout.sample)
        examples = (shortened(one) for one in cells if not one.isascii())
        lints += [message("guessed", example=one, encoding=layout.encoding) for one in islice(examples, 1)]
    twice = sorted(name for name, number in Counter(layout.names or ()).items() if name and number > 1)
    if twice:
        lints.append(message("same_names", names=", ".join(f'"{name}"' for name in twice)))
    return Checked(plan, source, layout, resource, value, token, status, frozenset(kinds), lints)


def _resource_problems(plan: ImportPlan, resource: Resource, store: TinyDBStore) -> list[Problem]:
    problems = []
    provider, field = plan.provider, plan.match.field
    if not resource.db_ids:  # B3
        problems.append(Problem("resource", message("no_databases", id=resource.id, name=resource.name)))
    if not accepted(provider, resource):  # S6
        text = message("unknown_provider", provider=provider)
        if provider in DOCUMENTED:
            them = ", ".join(resource.providers or ()) or Message("none")
            text = message("not_accepted", provider=provider, id=resource.id, accepted=them)
        problems.append(Problem("provider", text))
    declared = declared_fields(resource, store)
    if plan.match.by == "field" and resource.db_ids and field not in declared:  # M4
        there = ", ".join(declared) or Message("none")
        problems.append(Problem("match", message("no_field", field=field, declared=there)))
    return problems
