"""The page of a refused form again, with all that was typed and each message at its field."""

import re
from collections.abc import Collection, Coroutine, Iterable, Mapping, Sequence
from html import escape, unescape
from io import BytesIO
from typing import Any, NamedTuple

from flask import copy_current_request_context, request

from emulator.messages import Answer
from emulator.rules.texts import Problem
from emulator.web.console.presenters.refusals import complaints_of
from emulator.web.later import repeat

#: The hidden field that says on which page a form stands.
PAGE_FIELD = "form_page"
#: The hidden field that says which remarks the person has seen.
SHOWN_FIELD = "form_shown"
_OWN_FIELDS = (PAGE_FIELD, SHOWN_FIELD, "form_token")
#: The key of a WSGI environment for the method of the refused form whose page is shown once more.
AGAIN_KEY = "emulator.again"
_NEVER_FILLED = ("hidden", "file", "password")


#: A form, its parts, and an attribute, as our templates and Jinja's escaping write them.
_GIVEN = r'(?P<given>(?:[^<>"]|"[^"]*")*)'
_FORM = re.compile(rf"<form{_GIVEN}>.*?</form>", re.DOTALL)
_FIELD = re.compile(
    rf"<(?P<tag>input|(?P<pair>select|textarea))\b{_GIVEN}>(?(pair)(?P<inner>.*?)</(?P=tag)>)", re.DOTALL
)
_OPTION = re.compile(rf"<(?P<tag>option){_GIVEN}>(?P<inner>[^<]*)")
_LABEL = re.compile(r"<label\b.*?</label>", re.DOTALL)
_ATTRIBUTE = re.compile(r'([\w-]+)(?:="([^"]*)")?')
_SAID = re.compile(r'aria-describedby="said-([^" ]+)')


class _Form(NamedTuple):
    html: str
    action: str
    fields: dict[str, str]  # name → type
    hidden: dict[str, str]


def page_again(problems: Sequence[Problem], otherwise: Answer) -> Coroutine[Any, Any, Answer]:
    """The refused form's page, with its ``problems``; ``otherwise`` where it cannot be shown.

    A form that was sent with GET is on the page that it asks for.
    """
    typed, action = request.values.to_dict(), request.script_root + request.path
    posted = request.method == "POST"
    path, _, query = typed.get(PAGE_FIELD, "").partition("?") if posted else (request.path, "", "")
    changes: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_LENGTH": "",
        "wsgi.input": BytesIO(),
        AGAIN_KEY: request.method,
    }
    show = repeat()
    fill = copy_current_request_context(_filled)

    async def again() -> Answer:
        if not path.startswith("/"):
            return otherwise
        answer = await show(changes).settled()
        body = fill(answer.body.decode(), action, typed, problems) if answer.status == 200 else None
        if body is None:
            return otherwise
        headers = [one for one in answer.headers if one[0].lower() != "content-length"]
        return Answer(otherwise.status, headers, body.encode())

    return again()


def _filled(html: str, action: str, typed: Mapping[str, str], problems: Sequence[Problem]) -> str | None:
    """The page with the form that was sent filled in; ``None`` where it has no such form."""
    form = _form_of(html, action, typed)
    if form is None:
        return None
    names = [name for name, kind in form.fields.items() if kind != "hidden"]
    return html.replace(form.html, _fill(form.html, typed, complaints_of(problems, names)), 1)


def _form_of(html: str, action: str, typed: Mapping[str, str]) -> _Form | None:
    """The form of the page that was sent: of those with its action and hidden values, the one most alike."""
    posted = {name for name in typed if name not in _OWN_FIELDS}
    fitting = [
        one
        for one in map(_read_form, _FORM.finditer(html))
        if one.action == action and all(typed.get(name) == value for name, value in one.hidden.items())
    ]
    return max(
        fitting, key=lambda one: len(posted & set(one.fields)) - len(posted ^ set(one.fields)), default=None
    )


def _read_form(found: re.Match[str]) -> _Form:
    form = _Form(found[0], _attributes(found).get("action") or "", {}, {})
    for field in _FIELD.finditer(form.html):
        given = _attributes(field)
        name, kind = given.get("name"), given.get("type") or field["tag"]
        if name and name not in _OWN_FIELDS:
            form.fields[name] = kind
            if kind == "hidden":
                form.hidden[name] = given.get("value") or ""
    return form


def _attributes(found: re.Match[str]) -> dict[str, str | None]:
    """A tag's attributes; ``None``: one without a value."""
    written = _ATTRIBUTE.finditer(found["given"])
    return {one[1]: None if one[2] is None else unescape(one[2]) for one in written}


def _fill(form: str, typed: Mapping[str, str], said: dict[str | None, str]) -> str:
    """The form filled in; each text of ``said`` stands behind its field's label."""

    def messages(names: Iterable[str | None]) -> str:
        return "".join(
            f'<p class="said" role="alert" id="said-{name or "form"}">{escape(said.pop(name))}</p>'
            for name in names
            if name in said
        )

    filled = _FIELD.sub(lambda field: _filled_field(field, typed, said), form)
    filled = filled.replace(' aria-invalid="true"', ' aria-invalid="true" autofocus', 1)
    filled = _LABEL.sub(lambda label: label[0] + messages(_SAID.findall(label[0])), filled)
    tag, end, rest = filled.partition(">")
    return tag + end + messages([None]) + rest + messages(_SAID.findall(rest))


def _filled_field(field: re.Match[str], typed: Mapping[str, str], said: Collection[str | None]) -> str:
    given, inner = _attributes(field), field["inner"]
    name, kind = given.get("name") or "", given.get("type") or field["tag"]
    if kind in ("checkbox", "radio"):
        given = _marked(given, "checked", typed.get(name) == (given.get("value") or "on"))
    elif name in typed and kind == "select":
        inner = _OPTION.sub(lambda option: _chosen(option, typed[name]), inner)
    elif name in typed and kind == "textarea":
        inner = "\n" + escape(typed[name].replace("\r\n", "\n"), quote=False)
    elif name in typed and kind not in _NEVER_FILLED:
        given["value"] = typed[name]
    if name in said and kind != "hidden":
        given["aria-describedby"] = f"said-{name} {given.get('aria-describedby') or ''}".strip()
        given["aria-invalid"] = "true"
    return _written(field["tag"], given) + ("" if inner is None else f"{inner}</{field['tag']}>")


def _chosen(option: re.Match[str], typed: str) -> str:
    given, text = _attributes(option), option["inner"]
    return _written("option", _marked(given, "selected", given.get("value", unescape(text)) == typed)) + text


def _marked(given: dict[str, str | None], mark: str, is_set: bool) -> dict[str, str | None]:
    kept = {name: value for name, value in given.items() if name != mark}
    return {**kept, mark: None} if is_set else kept


def _written(tag: str, given: Mapping[str, str | None]) -> str:
    written = (f" {name}" if value is None else f' {name}="{escape(value)}"' for name, value in given.items())
    return f"<{tag}{''.join(written)}>"
