"""The checks before an import starts: every problem is listed, nothing has been written."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.importer.interfaces import ImportStore
from emulator.importer.layout import Layout, read_layout
from emulator.importer.plan import ImportPlan
from emulator.importer.problem import ImportRefused, Problem, refused
from emulator.importer.sources import Source
from emulator.rules.model import Database, Resource
from emulator.rules.providers import accepted, known, token_complaint


@dataclass(frozen=True)
class Checked:
    """A plan that can be carried out. ``value``, ``token``: the columns' indexes (``None``: push matching).

    ``lints``: what the person should see first, though it forbids nothing.
    """

    plan: ImportPlan
    source: Source
    layout: Layout
    resource: Resource
    value: int | None
    token: int
    lints: list[str]


def find_resource(named: str | int, store: ImportStore) -> Resource:
    """The resource with this token or id. Raises :class:`ImportRefused`."""
    resource = store.find_resource(named) if isinstance(named, str) else None
    if resource is None:  # as text: Python makes no number of thousands of digits
        resource = next((one for one in store.resources() if named in (one.id, str(one.id))), None)
    if resource is None:
        listed = ", ".join(f"{one.id} ({one.name})" for one in store.resources()[:20])
        raise refused("resource", f"there is no resource with this token or id; there are {listed or 'none'}")
    return resource


def check_plan(plan: ImportPlan, source: Source, store: ImportStore) -> Checked:
    """The plan, ready to be carried out. Raises :class:`ImportRefused` with all its problems."""
    problems: list[Problem] = []
    resource: Resource | None = None
    layout: Layout | None = None
    try:
        resource = find_resource(plan.resource, store)
        problems += _resource_problems(plan, resource, store)
    except ImportRefused as error:
        problems += error.problems
    try:
        layout = read_layout(source, plan.encoding, plan.delimiter, plan.quote, plan.header)
    except ImportRefused as error:
        problems += error.problems
    value, token = None, 0
    if layout is not None:
        token = _column(layout, "token_column", plan.token_column, problems)
        if plan.match.by != "push":
            value = _column(layout, "match", plan.match.column, problems)
            if not problems and value == token:
                problems.append(Problem("match", "is the same column as the tokens"))
    if problems or resource is None or layout is None:
        raise ImportRefused(problems)
    databases = [store.database(db_id) for db_id in resource.db_ids]
    lints = [*_field_lints(plan, databases), *_sample_lints(plan, layout, token, value)]
    return Checked(plan, source, layout, resource, value, token, lints)


def _column(layout: Layout, path: str, named: str, problems: list[Problem]) -> int:
    try:
        return layout.column(named)
    except ValueError as error:
        problems.append(Problem(path, str(error)))
        return 0


def _resource_problems(plan: ImportPlan, resource: Resource, store: ImportStore) -> list[Problem]:
    problems = []
    if not resource.db_ids:  # B3
        problems.append(Problem("resource", f"{resource.id} ({resource.name}) has no databases"))
    if not known(plan.provider, resource):  # S6
        problems.append(Problem("provider", f'unknown provider "{plan.provider}"'))
    elif not accepted(plan.provider, resource):  # S6
        has = ", ".join(resource.providers or ()) or "none"
        text = f"{plan.provider} is not configured for the resource {resource.id}; it accepts {has}"
        problems.append(Problem("provider", text))
    if plan.match.by == "field" and resource.db_ids:  # M4
        databases = [store.database(db_id) for db_id in resource.db_ids]
        if not any(plan.match.field in one.fields for one in databases):
            declared = ", ".join(dict.fromkeys(name for one in databases for name in one.fields)) or "none"
            text = f'no database declares the field "{plan.match.field}"; there are {declared}'
            problems.append(Problem("match", text))
    return problems


def _field_lints(plan: ImportPlan, databases: list[Database]) -> list[str]:
    if plan.match.by != "field":
        return []
    return [
        f'database {one.id} does not declare "{plan.match.field}": every row is refused there (M4)'
        for one in databases
        if plan.match.field not in one.fields
    ]


def _sample_lints(plan: ImportPlan, layout: Layout, token: int, value: int | None) -> list[str]:
    tokens = layout.values(token)
    odd = [(one, token_complaint(plan.provider, one)) for one in tokens]
    strange = [(one, complaint) for one, complaint in odd if complaint]
    lints = []
    if strange:  # L3
        lints.append(
            f"{len(strange)} of {len(tokens)} sampled tokens do not look like {plan.provider}: "
            f"they should {strange[0][1]} (L3)"
        )
    for index, what in ((token, "tokens"), (value, "search values")):
        values = layout.values(index) if index is not None else []
        spaced = sum(one != one.strip() for one in values)
        if spaced:
            lints.append(f"{spaced} of {len(values)} sampled {what} begin or end with a space, which is kept")
    if layout.broken:
        looked_at = layout.broken + len(layout.sample)
        lints.append(f"{layout.broken} of {looked_at} sampled rows do not have {layout.width} cells")
    if layout.names and len(set(layout.names)) < len(layout.names):
        twice = sorted({name for name in layout.names if layout.names.count(name) > 1})
        lints.append("several columns are named " + ", ".join(f'"{name}"' for name in twice))
    return lints
