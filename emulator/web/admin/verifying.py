"""What lists of recorded requests and events have in common: pages, counting and verifying."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from time import perf_counter
from typing import Any, ClassVar, NamedTuple, TypeVar

import msgspec
from flask import request
from marshmallow import ValidationError, post_load, validate, validates_schema
from msgspec.structs import replace

from emulator.journal.journal import Journal
from emulator.journal.masking import mask_value
from emulator.journal.matching import Criteria
from emulator.journal.search import Expectation, Miss, count_within, nearest_misses, search
from emulator.loop.pacing import paced
from emulator.messages import JSON, SINCE_KEY, Answer
from emulator.rules.errors import Invalid
from emulator.rules.texts import MOST_PROBLEMS, Problem
from emulator.schemas.errors import Between, StrictSchema, integer, messages, nested
from emulator.schemas.json_schema import JSONSchema
from emulator.web.admin.criteria import CriteriaField, Vocabulary, read_criteria
from emulator.web.admin.failure import LISTED, expectation_text, failure_text
from emulator.web.admin.loading import COUNT, ONE_OR_MORE, load, number, number_in_query, read_query
from emulator.web.admin.operation import Later
from emulator.web.admin.possible import check_possible
from emulator.web.current import emulator, workspace, workspace_name
from emulator.web.later import json_answer
from emulator.workspaces.workspace import Workspace
from push_emulator.journal_answers import Counted, NearMiss, Unverified

MAX_WITHIN_S = 60.0
TEXT = "text/plain"
P = TypeVar("P")


class ExpectSchema(StrictSchema):
    """How many requests are expected."""

    #: Either ``exactly`` or bounds.
    json_schema: ClassVar[JSONSchema] = {"anyOf": [{"maxProperties": 1}, {"not": {"required": ["exactly"]}}]}

    at_least = integer(validate=COUNT)
    at_most = integer(validate=COUNT)
    exactly = integer(validate=COUNT)

    @validates_schema
    def _fits_together(self, data: dict[str, int], **kwargs: Any) -> None:
        if "exactly" in data and len(data) > 1:
            raise ValidationError("exactly goes with neither at_least nor at_most")
        if data.get("at_least", 0) > data.get("at_most", 2**63):
            raise ValidationError("at_least must not be more than at_most")

    @post_load
    def _make(self, data: dict[str, int], **kwargs: Any) -> Expectation:
        return Expectation.of(data)


class ExpectingSchema(StrictSchema):
    """The body of ``count`` and ``verify``, without the criteria."""

    expect = nested(ExpectSchema, load_default=partial(Expectation.of, {}))
    within = number(
        "must be a number of seconds",
        load_default=0.0,
        validate=validate.Range(0, MAX_WITHIN_S, error=f"must be 0 to {MAX_WITHIN_S:g} seconds"),
    )


class ListSchema(StrictSchema):
    """The parameters of a list beside criteria."""

    limit = number_in_query(load_default=50, validate=Between(1, 1000), metadata={"description": "how many"})
    cursor = number_in_query(
        validate=ONE_OR_MORE,
        error_messages=messages("must be a cursor of a list before"),
        metadata={"description": "the `next` of the page before"},
    )


def count_schema(vocabulary: Vocabulary, name: str) -> type[StrictSchema]:
    """The body of ``count`` and ``verify`` with these criteria."""
    match = CriteriaField(vocabulary, required=True, error_messages=messages("must be an object"))
    made: type[StrictSchema] = ExpectingSchema.from_dict({"match": match}, name=name)  # type: ignore[assignment]
    return made


def list_parameters(vocabulary: Vocabulary) -> list[JSONSchema]:
    """The parameters of a list: the page, and each criterion."""
    page: JSONSchema = {"in": "query", "schema": ListSchema}
    return [page, *(_filter(*one) for one in vocabulary.schemas.items())]


def _filter(name: str, schema: JSONSchema) -> JSONSchema:
    """A criterion as a parameter of a list: a query string has no null."""
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind not in ("integer", "boolean") and name != "since":
        values = [one for one in schema.get("enum", ()) if one is not None]
        schema, kind = {"enum": values} if values else {}, "string"
    described = {**schema, "type": kind}
    return {"in": "query", "name": name, "description": "must be this", "schema": described}


def _read_list(vocabulary: Vocabulary) -> tuple[Criteria[Any], dict[str, Any]]:
    """The criteria and the page of the request's query."""
    arguments = read_query()
    page = load(ListSchema(), {k: arguments.pop(k) for k in ("limit", "cursor") if k in arguments})
    unknown = [
        Problem(key, vocabulary.advised("unknown parameter", key, ListSchema().fields))
        for key in islice((key for key in arguments if not vocabulary.is_key(key)), MOST_PROBLEMS)
    ]
    if unknown:
        raise Invalid(unknown)
    return vocabulary.make(read_criteria(arguments), loose=True), page


class Kind(NamedTuple):
    """One kind of entry, to be listed, counted and verified.

    ``of``: its journal; ``shown``: makes the API's form of a workspace's entries; ``text``: what came, of an
    entry in this form; ``secret``: the criteria to mask unless the server shows secrets.
    """

    noun: str
    vocabulary: Vocabulary
    of: Callable[[Workspace], Journal[Any, Any]]
    shown: Callable[[Workspace], Callable[[Any], Any]]
    text: Callable[[Any], str]
    secret: Sequence[str] = ()


def list_page(kind: Kind, page_type: Callable[..., P]) -> Later[P]:
    """The page of a list that the request asks for. Raises :class:`Invalid`."""
    found = workspace()
    journal, shown = kind.of(found), kind.shown(found)
    match, asked = _read_list(kind.vocabulary)

    async def read() -> P:
        await check_possible(found, journal, match)
        filtered = bool(match.criteria)
        listed = await search(journal, match, asked["limit"], asked.get("cursor"), count_all=filtered)
        encode = msgspec.json.encode
        items: list[Any] = [msgspec.Raw(encode(shown(one))) async for one in paced(listed.entries, 1)]
        total = listed.total if filtered else len(journal)
        return page_type(items, listed.older, total, journal.recorded, journal.dropped, journal.bytes)

    return read()


def count(kind: Kind, match: Criteria[Any], expect: Expectation, within: float) -> Later[Counted]:
    """How many entries match; waits for what is expected, ``within`` seconds after the request came at most.

    What waits is done again where it may tell of what a database has not kept.
    """
    find, shared = _find_workspace(), emulator().shared
    since: float = request.environ.get(SINCE_KEY, perf_counter())
    follow = None if shared is None else partial(shared.turns.follow, workspace_name())

    async def counting() -> Counted:
        await check_possible(find(), kind.of(find()), match, "match.")
        left = max(0.0, within - (perf_counter() - since))
        return Counted(await count_within(kind.of(find()), match, expect, left, follow))

    return counting()


def _find_workspace() -> Callable[[], Workspace]:
    """Finds the request's workspace each time: it may be created, or replaced, during a wait."""
    return partial(emulator().workspaces.look, workspace_name())


def verify(kind: Kind, match: Criteria[Any], expect: Expectation, within: float) -> Later[Any]:
    """The number, or 422 with the entries that came nearest; both as text for a client that prefers text."""
    counting, find, url = count(kind, match, expect, within), _find_workspace(), request.url_root.rstrip("/")
    as_text = request.accept_mimetypes.best_match([JSON[1], TEXT]) == TEXT

    async def verifying() -> Any:
        counted = await counting
        if expect.met_by(counted.count):
            return _text_answer(f"came {counted.count}, as expected") if as_text else counted
        found, number_found = find(), counted.count
        journal, shown = kind.of(found), kind.shown(found)
        secret = () if found.server.show_secrets else kind.secret

        def hidden(name: str, value: Any) -> Any:
            return mask_value(value) if name in secret else value

        def near(miss: Miss[Any]) -> NearMiss:
            differences = [
                replace(one, expected=hidden(one.key, one.expected), actual=hidden(one.key, one.actual))
                for one in miss.differences
            ]
            return NearMiss(miss.entry.id, miss.entry.time, kind.text(shown(miss.entry)), differences)

        misses = [] if expect.broken_by(number_found) else await nearest_misses(journal, match)
        nearest = list(map(near, misses))
        newest = await search(journal, kind.vocabulary.make({}), LISTED)
        came = [str(shown(entry)) for entry in newest.entries]
        criteria = {name: hidden(name, value) for name, value in match.criteria.items()}
        expected = expectation_text(expect, criteria, within, kind.noun)
        text = failure_text(expected, number_found, nearest, came, len(journal), url, kind.noun)
        if as_text:
            return _text_answer(text, 422)
        said = f"expected {expect} {kind.noun}(s), found {number_found} of {len(journal)} in the journal"
        return json_answer(Unverified(422, said, number_found, nearest, text), 422)

    return verifying()


def _text_answer(text: str, status: int = 200) -> Answer:
    return Answer(status, [("Content-Type", f"{TEXT}; charset=utf-8")], f"{text}\n".encode())
