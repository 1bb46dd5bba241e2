"""The texts of refusals and of reports in the page's language, and the forms' fields that they are about."""

import re
from collections.abc import Collection, Iterable

from emulator.rules.model import INT64_MAX, bounded_text
from emulator.rules.texts import Message, Problem, Text, filled
from emulator.web.console.language import gettext, number
from emulator.web.console.presenters.filters import size

#: Texts of forms in place of the API's: a form has a checkbox where the API has a parameter.
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
    "must be at most %(bytes)s bytes": "must be at most %(bytes)s",
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
#: Paths in a value that several fields make, and the field of each part.
_PARTS = {"delay_ms.uniform[0]": "delay_ms", "delay_ms.uniform[1]": "longest_ms"}
#: The codes of texts that are about a field's name, where their path is that of its value.
_OF_NAMES = {
    "no database declares this field": "field_name",
    "database %(id)s does not declare this field": "field_name",
    "no_field": "field",
}


def complaints_of(problems: Iterable[Problem], names: Collection[str]) -> dict[str | None, str]:
    """What is wrong with each of a form's fields (``None``: the whole form): a line for each problem."""
    said: dict[str | None, list[str]] = {}
    for problem in problems:
        # Without a path after others it says how many more there are: like those, if all are of one field.
        is_rest = not problem.path and len(said) == 1
        field = next(iter(said)) if is_rest else _field(problem, names)
        said.setdefault(field, []).append(_inside(field, problem.path) + worded(problem.text))
    return {field: bounded_text("\n".join(dict.fromkeys(texts))) for field, texts in said.items()}


def _field(problem: Problem, names: Collection[str]) -> str | None:
    path = problem.path
    if not path:
        return None
    plain = re.sub(r"\[\d+\]", "", path)
    steps = plain.split(".")
    wanted = (plain, path.replace("fields.", "field.", 1), steps[0], steps[-1])
    renamed = (_FIELDS.get(steps[-1]), _FIELDS.get(steps[0]))
    exact = (_OF_NAMES.get(_code(problem.text)), _PARTS.get(path))
    known = next((one for one in (*exact, *wanted, *renamed) if one in names), None)
    return next(iter(names)) if known is None and len(names) == 1 else known


def _code(text: Text) -> str:
    """The code of a text, without the advice that follows."""
    if isinstance(text, str):
        return text
    said = text.values.get("said")
    return _code(said) if isinstance(said, Message) else text.code


def _inside(field: str | None, path: str) -> str:
    """Where in a field's text the path leads, for a field may hold JSON; in no field, the whole path."""
    if field is None:
        inner = path
    else:
        within = path.startswith(field) and path not in _PARTS
        inner = path.removeprefix(field).removeprefix(".") if within else ""
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
    return filled(said, {name: _shown(name, one) for name, one in text.values.items()})


def _shown(name: str, value: str | int | Message) -> str | int:
    """A value as the page's language writes it; numbers that are limits have the names of these branches."""
    if isinstance(value, Message):
        return worded(value)
    if name == "bytes":
        return size(int(value))
    if name == "most":  # maybe with the separators of English
        return number(int(str(value).replace(",", "")))
    return value
