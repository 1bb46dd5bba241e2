"""The reading of admin calls: marshmallow checks them; for an unknown key an error names the nearest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import request
from marshmallow import RAISE, Schema, ValidationError

from emulator.rules.errors import Invalid
from emulator.rules.lints import did_you_mean
from emulator.schemas.errors import SCHEMA_MESSAGES, first_complaints
from emulator.schemas.strict_json import JSONProblem, read_unique_json

#: The most complaints about one body.
MOST_COMPLAINTS = 20
#: So many known names are all told where none is near.
_FEW_NAMES = 3


class AdminSchema(Schema):
    """A schema that refuses unknown keys."""

    class Meta:
        unknown = RAISE

    error_messages = {**SCHEMA_MESSAGES, "unknown": "unknown key"}  # noqa: RUF012 (marshmallow's form)


class QuerySchema(AdminSchema):
    """A query string: any text is allowed, NUL too."""


def load_body(schema: Schema, body: bytes | None = None) -> Any:
    """The request's JSON body (an empty one is ``{}``) as the schema loads it.

    Raises :class:`Invalid` with a text that names the first complaints by their paths.
    """
    return load(schema, read_body(body))


def read_body(body: bytes | None = None) -> Any:
    """The request's JSON body, an empty one as ``{}``. Raises :class:`Invalid`."""
    sent = request.get_data() if body is None else body
    try:
        return read_unique_json(sent) if sent.strip() else {}
    except JSONProblem as problem:
        raise Invalid(f"{problem.path or 'body'}: {problem.text}", "A3") from problem


def load_query(schema: Schema) -> Any:
    """The request's query parameters as the schema loads them. Raises :class:`Invalid`."""
    return load(schema, request.args.to_dict())


def load(schema: Schema, document: Any, told: Callable[[str], str] = str) -> Any:
    """A document as the schema loads it. Raises :class:`Invalid`, its text as ``told`` makes it."""
    try:
        return schema.load(document)
    except ValidationError as error:
        raise Invalid("; ".join(complaints(schema, error.messages, told)), "A3") from error


def complaints(schema: Schema, messages: Any, told: Callable[[str], str] = str) -> list[str]:
    """``path: text`` of the first messages, with the nearest known name for an unknown key, or all where they
    are few; how many more."""

    def advised(path: str, text: str) -> str:
        if text != "unknown key":
            return told(text)
        known = _known_names(schema, path)
        all_few = f"; there are {', '.join(known)}" if 1 < len(known) <= _FEW_NAMES else ""
        return told(text + (did_you_mean(path.rpartition(".")[2], known) or all_few))

    return first_complaints(messages, MOST_COMPLAINTS, advised)


def _known_names(schema: Schema, path: str) -> list[str]:
    """The names that may stand where the path ends."""
    for name in path.split(".")[:-1]:
        field: Any = schema.fields.get(name.partition("[")[0])
        field = getattr(field, "inner", field)
        nested = getattr(field, "schema", None)
        if nested is None:
            return []
        schema = nested
    names: Mapping[str, Any] = schema.fields
    return [field.data_key or name for name, field in names.items()]
