"""The texts of refusals and of reports in the page's language, and the forms' fields that they are about."""

import re
from collections.abc import Collection, Iterable
from functools import cache
from typing import NamedTuple

from emulator.compare.probes import PROBES
from emulator.rules.model import INT64_MAX
from emulator.web.console.language import TRANSLATIONS, gettext

_ASKS = dict.fromkeys(re.sub(r"\$\w+", "{0}", one.asks) for one in PROBES)
#: What the state, the schemas and a comparison's report say; ``{0}`` … stand for names and numbers.
TEXTS = (*TRANSLATIONS.joinpath("refusals.txt").read_text(encoding="utf-8").splitlines(), *_ASKS)
#: What a form says instead: it has a box to tick where the API has a parameter.
_OF_FORMS = {
    " (?cascade=true removes it)": "; tick the deletion of the values to remove it",
    " (?cascade=true removes them)": "; tick their deletion to remove them",
    " (?cascade=true removes it all the same)": "; tick the deletion of its profiles too",
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
_PATH = re.compile(r"(?:^|; )(?P<path>[A-Za-z_][\w.\-]*(?:\[\d+\])?[\w.\-\[\]]*): ")


class FieldComplaint(NamedTuple):
    """What is wrong; ``field``: the name of the form's field (``None``: the whole form)."""

    field: str | None
    text: str


def complaints_about(problems: Iterable[tuple[str, str]], names: Collection[str]) -> list[FieldComplaint]:
    """What is wrong with each of these paths, in the page's language already."""
    return [FieldComplaint(_field(path, names), text) for path, text in problems]


def complaints_of(text: str, names: Collection[str]) -> list[FieldComplaint]:
    """A refusal's ``path: text; path: text`` for a form with fields of these names."""
    found = list(_PATH.finditer(text))
    if not found or found[0].start():
        return [FieldComplaint(None, worded(text))]
    ends = [one.start() for one in found[1:]] + [len(text)]
    said = [(one["path"], worded(text[one.end() : end])) for one, end in zip(found, ends, strict=True)]
    return [FieldComplaint(field := _field(path, names), _inside(field, path) + text) for path, text in said]


def _field(path: str, names: Collection[str]) -> str | None:
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


def worded(text: str) -> str:
    """An English text of a refusal in the page's language; as it is where nobody has translated it."""
    text = of_form(text)
    said = gettext(text)
    if said != text:
        return said
    for template, form in _forms():
        match = form.fullmatch(text)
        if match is not None:
            return gettext(template).format(*map(worded, match.groups()))
    return "; ".join(map(worded, text.split("; "))) if "; " in text else text


def of_form(text: str) -> str:
    """A text of the API as a form says it."""
    for parameter, box in _OF_FORMS.items():
        text = text.replace(parameter, box)
    return text


@cache
def _forms() -> list[tuple[str, re.Pattern[str]]]:
    """Each template with what its texts look like; the longest first, for it says most."""
    ordered = sorted((of_form(one) for one in TEXTS if "{0}" in one), key=len, reverse=True)
    return [(one, re.compile(re.sub(r"\\\{\d\\\}", "(.+)", re.escape(one)), re.DOTALL)) for one in ordered]
