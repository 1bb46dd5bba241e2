"""The texts of refusals and of reports in the page's language, and the forms' fields that they are about."""

import re
from collections.abc import Collection, Iterable
from functools import cache
from typing import NamedTuple

from emulator.compare.probes import PROBES
from emulator.rules.model import INT64_MAX
from emulator.web.console.language import gettext

#: What the state and the schemas refuse, in English; ``{0}``, ``{1}`` stand for names and numbers.
REFUSALS = (
    *("must be {0}", "must not be empty", "there is no database {0}", "there is no resource {0}"),
    *("is required", "is there already", "is a duplicate", "is on this profile already, as {0}"),
    *(
        "database {0} is named twice",
        "database {0} does not declare this field",
        "no database declares this field",
    ),
    *(
        '"{0}" is in database {1} already',
        "resource {0} does not have database {1}",
        "resource {0} accepts {1}",
    ),
    "must be 1 to 64 printable characters",
    "must be text, not empty and without NUL",
    "give it, or delay_ms, or both: this fault would do nothing",
    'an item_error changes nothing, so it cannot be "after"',
    *("no resource has this token, so it can never match", 'nobody knows "{0}", so it can never match'),
    "must have at most {0} characters",
    "is active on the profile {0} already (S4); make one of them unsubscribed",
    "{0} profile(s) have a value of it (?cascade=true removes it)",
    "{0} profile(s) have a value that is not {1}",
    "leaves out a database in which it has subscriptions (?cascade=true removes them)",
    "database {0} is in use: {1} (?cascade=true removes it all the same)",
    *("resource {0} has it", "there are profiles in it", "and {0} more"),
    *("database {0} not found", "resource {0} not found", 'profile "{0}" not found in database {1}'),
    *("subscription {0} not found", "subscription {0} not found on profile {1}"),
    "say which, {0} is on the profiles {1}",
    *("fault {0} not found", "import {0} not found"),
    "resource {0} is in use: there are subscriptions of it (?cascade=true removes them)",
    *('{0}, did you mean "{1}"?', '"{0}" is not known'),
    *("{0} is there already", "is not JSON: {0} at line {1} column {2}"),
    "its name must be 1 to 64 of a-z 0-9 - _",
    "its name is empty; give one, as {0}",
    "there are {0} already; delete some, or start with --max-workspaces",
    *("an integer", "an integer of 64 bits", "a number", "a finite number", "a string", "true or false"),
    *("one of {0}", "a date as YYYY-MM-DD", "a time as YYYY-MM-DDTHH:MM:SSZ", "an IP address"),
)
_ASKS = tuple(dict.fromkeys(re.sub(r"\$\w+", "{0}", one.asks) for one in PROBES))
#: What a comparison's report says in English; ``{0}`` … stand for names and numbers.
OF_REPORTS = (
    *("agrees", "differs", "not observable", "uncertain"),
    *("another call", "a preflight", "another method than POST", "no request body", "no answer"),
    *("no JSON object", "no request with an answer", "unreadable", "answered by a fault"),
    *("answered with no JSON object", "answered with {0}", "answered with {0}, a failure"),
    *("answered in {0}, which is not unpacked: have the tool save bodies decoded", "to another host, {0}"),
    *(
        "{0}, entry {1}",
        "probe {0}: {1}, {2}",
        "{0}: the fixtures of the scratch workspace, with resource tokens",
    ),
    "{0}: breaks off or is damaged after entry {1}; what is before it counts",
    "{0}: the platform as these calls show it: {1}",
    *("nothing explains {0}: {1}", "not asked without {0}: {1}"),
    *("number of items", "order of items", "data[{0}] of the emulator", "header {0}", "(absent)"),
    *_ASKS,
)
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


class Complaint(NamedTuple):
    """What is wrong; ``field``: the name of the form's field (``None``: the whole form)."""

    field: str | None
    text: str


def complaints_about(problems: Iterable[tuple[str, str]], names: Collection[str]) -> list[Complaint]:
    """What is wrong with each of these paths, in the page's language already."""
    return [Complaint(_field(path, names), text) for path, text in problems]


def complaints_of(text: str, names: Collection[str]) -> list[Complaint]:
    """A refusal's ``path: text; path: text`` for a form with fields of these names."""
    found = list(_PATH.finditer(text))
    if not found or found[0].start():
        return [Complaint(None, worded(text))]
    ends = [one.start() for one in found[1:]] + [len(text)]
    said = [(one["path"], worded(text[one.end() : end])) for one, end in zip(found, ends, strict=True)]
    return [Complaint(field := _field(path, names), _inside(field, path) + text) for path, text in said]


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
    texts = (*REFUSALS, *(one for one in OF_REPORTS if "{0}" in one))
    ordered = sorted(map(of_form, texts), key=len, reverse=True)
    return [(one, re.compile(re.sub(r"\\\{\d\\\}", "(.+)", re.escape(one)), re.DOTALL)) for one in ordered]
