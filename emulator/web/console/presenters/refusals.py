"""The texts of refusals and of reports in the page's language, and the forms' fields that they are about."""

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from emulator.rules.model import INT64_MAX, bounded_text
from emulator.rules.texts import Message, Problem, Text, filled
from emulator.web.console.language import gettext

#: What a form says instead: it has a box to tick where the API has a parameter.
OF_FORMS = {
    "%(count)s profile(s) have a value of it (?cascade=true removes it)": (
        "%(count)s profile(s) have a value of it; tick the deletion of the values to remove it"
    ),
    "leaves out a database in which it has subscriptions (?cascade=true removes them)": (
        "leaves out a database in which it has subscriptions; tick their deletion to remove them"
    ),
    "resource %(id)s is in use: there are subscriptions of it (?cascade=true removes them)": (
        "resource %(id)s is in use: there are subscriptions of it; tick their deletion to remove them"
    ),
    "database %(id)s is in use: %(uses)s (?cascade=true removes it all the same)": (
        "database %(id)s is in use: %(uses)s; tick the deletion of its profiles too"
    ),
    f"must be 1 to {INT64_MAX}, or null": "must be 1 or more, or empty",
}
#: Names of the state, and those of the forms' fields that set them.
_FIELDS = {
    "id": "profile_id",
    "body": "subscription_id",
    "resource_token": "resource_id",
    "then": "effect",
    "resource": "resource_id",
    "match": "value_column",
    "field": "field_value",
}


class FieldComplaint(NamedTuple):
    """What is wrong; ``field``: the name of the form's field (``None``: the whole form)."""

    field: str | None
    text: str


def complaints_of(problems: Iterable[Problem], names: Collection[str]) -> list[FieldComplaint]:
    """The problems of a form with fields of these names."""
    return [
        FieldComplaint(field := _field(path, names), bounded_text(_inside(field, path) + worded(text)))
        for path, text in problems
    ]


def _field(path: str, names: Collection[str]) -> str | None:
    if not path:
        return None
    plain = re.sub(r"\[\d+\]", "", path)
    steps = plain.split(".")
    wanted = (plain, plain.replace("fields.", "field.", 1), steps[0], steps[-1])
    renamed = (_FIELDS.get(steps[-1]), _FIELDS.get(steps[0]))
    known = next((one for one in (*wanted, *renamed) if one in names), None)
    return next(iter(names)) if known is None and len(names) == 1 else known


def _inside(field: str | None, path: str) -> str:
    """Where in a field's text the path leads: a field may hold JSON."""
    inner = path.removeprefix(field).removeprefix(".") if field and path.startswith(field) else ""
    return f"{inner}: " if inner else ""


def worded_all(problems: Iterable[Problem]) -> str:
    """All problems in one text, in the page's language."""
    return bounded_text("; ".join(str(Problem(path, worded(text))) for path, text in problems))


def worded(text: Text) -> str:
    """A text in the page's language; as it is where nobody has translated it."""
    form = text.form if isinstance(text, Message) else text
    said = gettext(OF_FORMS.get(form, form)) if form else ""
    if isinstance(text, str) or not text.values:
        return said
    values = {name: worded(one) if isinstance(one, Message) else one for name, one in text.values.items()}
    return filled(said, values)
