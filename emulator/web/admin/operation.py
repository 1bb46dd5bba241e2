"""The decorator of a view of the admin API: it makes the route and describes it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from flask import Blueprint, Response
from marshmallow import Schema
from msgspec import Struct

from emulator.messages import Answer
from emulator.schemas.json_schema import JSONSchema
from emulator.web.admin.loading import load, read_body, read_query
from emulator.web.later import answer_later, as_response, json_answer

T = TypeVar("T")
#: What a view returns if its work takes time: awaiting it gives the answer's struct.
Later = Coroutine[Any, Any, T]
View = TypeVar("View", bound=Callable[..., Any])

_CONVERTER = re.compile(r"<(?:\w+:)?(\w+)>")

blueprint = Blueprint("admin", __name__, url_prefix="/__admin")
#: Every call that is described, in the order of the imports.
OPERATIONS: list[AdminOperation] = []


@dataclass(frozen=True)
class AdminOperation:
    """One method of one path below ``/__admin``.

    ``name``: its id in the contract; ``tag``: its heading there; ``content``: the answer's struct, or its
    JSON Schema if the view returns a response of its own; ``answer_type``: the answer's media type;
    ``as_text``: also answers as text, to ``Accept: text/plain``;
    ``status``: the answer's status; ``body``, ``query``: the schema that checks the request, or parameters
    in the form of the contract; ``body_needed``: the body is required even if no part of it is;
    ``refusals``: HTTP statuses beside those of every call; ``others``: another status's description and
    struct; ``links``: the calls that take their parameters from the answer (see :func:`link`).
    """

    method: str
    rule: str
    view: Callable[..., Any]
    name: str = ""
    tag: str = ""
    status: int = 200
    body: type[Schema] | Schema | JSONSchema | None = None
    body_needed: bool = False
    media_type: str = "application/json"
    query: type[Schema] | Sequence[JSONSchema] = ()
    content: Any = None
    answer_type: str = "application/json"
    as_text: bool = False
    refusals: Sequence[int] = ()
    others: dict[int, tuple[str, type[Struct]]] = field(default_factory=dict)
    links: dict[str, Any] = field(default_factory=dict)
    open_to_all: bool = False
    of_a_workspace: bool = True

    @property
    def path(self) -> str:
        """The path as OpenAPI writes it."""
        return _CONVERTER.sub(r"{\1}", self.rule)

    @property
    def summary(self) -> str:
        """The first paragraph of the view's docstring, without its full stop."""
        return inspect.cleandoc(self.view.__doc__ or "").partition("\n\n")[0].replace("``", "`").rstrip(".")

    @property
    def answer(self) -> Any:
        """``content``, or the struct that the view is annotated to return."""
        if self.content is not None:
            return self.content
        returned = get_type_hints(self.view)["return"]
        later = [one for one in (returned, *get_args(returned)) if get_origin(one) is Coroutine]
        return get_args(later[0])[-1] if later else returned


def operation(
    method: str, rule: str, *, merge_slashes: bool = True, **description: Any
) -> Callable[[View], View]:
    """Serve a view below ``/__admin``, and describe it; ``description``: those of :class:`AdminOperation`.

    The view's docstring is the summary. It returns the answer's struct, a coroutine of it, or a response.
    A parameter ``query`` or ``body`` of the view gets what the schema loads.
    """

    def register(view: View) -> View:
        name, tag = view.__name__, rule.split("/")[1]
        described = AdminOperation(method, rule, view, **{"name": name, "tag": tag, **description})
        OPERATIONS.append(described)
        blueprint.add_url_rule(
            rule, described.name, _answering(described), methods=[method.upper()], merge_slashes=merge_slashes
        )
        return view

    return register


def link(name: str, **pointers: str) -> dict[str, Any]:
    """A link to the operation of this name; ``pointers``: where the answer has each part of its path."""
    parameters = {part: f"$response.body#{pointer}" for part, pointer in pointers.items()}
    return {name: {"operationId": name, "parameters": parameters}}


def _answering(described: AdminOperation) -> Callable[..., Response]:
    """The view as Flask calls it."""
    view, status = described.view, described.status
    wanted = inspect.signature(view).parameters
    query: Any
    body: Any
    query, body = (one() if isinstance(one, type) else one for one in (described.query, described.body))

    @wraps(view)
    def answering(**given: Any) -> Response:
        if "query" in wanted:
            given["query"] = load(query, read_query())
        if "body" in wanted:
            given["body"] = load(body, read_body())
        answer = view(**given)
        if inspect.iscoroutine(answer):
            return answer_later(_awaited(answer, status))
        if isinstance(answer, Response):
            return answer
        return as_response(json_answer(answer, status))

    return answering


async def _awaited(work: Later[Any], status: int) -> Answer:
    answer = await work
    return answer if isinstance(answer, Answer) else json_answer(answer, status)
