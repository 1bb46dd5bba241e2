"""A form that was refused: its page once more, with all that was typed and each message at its field."""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from html import escape
from html.parser import HTMLParser
from io import BytesIO
from typing import Any, NamedTuple

from flask import copy_current_request_context, request

from emulator.messages import Answer
from emulator.web.console.presenters.refusals import Complaint
from emulator.web.later import repeat

#: The hidden field that says on which page a form stands.
PAGE_FIELD = "form_page"
#: The hidden field that says which remarks the person has seen.
SHOWN_FIELD = "form_shown"
_OWN_FIELDS = (PAGE_FIELD, SHOWN_FIELD, "form_token")
#: The key of a WSGI environment for the method of the refused form whose page is shown once more.
AGAIN_KEY = "emulator.again"
_KEPT_AS_IT_IS = ("hidden", "submit", "button")
_NEVER_FILLED = ("file", "password")
#: What is wrong with a form that has fields of these names.
Complain = Callable[[Collection[str]], list[Complaint]]


class _Part(NamedTuple):
    """A tag inside a form, and where it stands in the page; the tag of an end begins with a slash."""

    tag: str
    given: dict[str, str | None]
    start: int
    end: int


class _Form(NamedTuple):
    action: str
    fields: dict[str, str]  # name → type
    hidden: dict[str, str]
    parts: list[_Part]


def page_again(complain: Complain, code: int, otherwise: Answer) -> Coroutine[Any, Any, Answer]:
    """The refused form's page; ``otherwise`` where it cannot be shown.

    ``complain``: what is wrong with a form, from the names of its fields. A form that was sent with GET is on
    the page that it asks for.
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
        body = fill(answer.body.decode(), action, typed, complain) if answer.status == 200 else None
        if body is None:
            return otherwise
        headers = [one for one in answer.headers if one[0].lower() != "content-length"]
        return Answer(code, headers, body.encode())

    return again()


def _filled(html: str, action: str, typed: Mapping[str, str], complain: Complain) -> str | None:
    form = _form_of(html, action, typed)
    if form is None:
        return None
    said = complain([name for name, kind in form.fields.items() if kind != "hidden"])
    return _fill(html, form, typed, {one.field: one.text for one in reversed(said)})


def _form_of(html: str, action: str, typed: Mapping[str, str]) -> _Form | None:
    """The form of the page that was sent: of those with its action and hidden values, the one most alike."""
    posted = {name for name in typed if name not in _OWN_FIELDS}
    fitting = [
        one
        for one in _Reading(html).forms
        if one.action == action and all(typed.get(name) == value for name, value in one.hidden.items())
    ]
    return max(
        fitting, key=lambda one: len(posted & set(one.fields)) - len(posted ^ set(one.fields)), default=None
    )


class _Reading(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[_Form] = []
        self._open = False
        self._html, self._lines = html, [0, *(at + 1 for at, one in enumerate(html) if one == "\n")]
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append(_Form(given.get("action") or "", {}, {}, []))
            self._open = True
        name = given.get("name")
        if self._open and name and name not in _OWN_FIELDS:
            kind = given.get("type") or tag
            self.forms[-1].fields[name] = kind
            if kind == "hidden":
                self.forms[-1].hidden[name] = given.get("value") or ""
        self._note(tag, given, len(self.get_starttag_text() or ""))

    def handle_endtag(self, tag: str) -> None:
        self._note(f"/{tag}", {}, len(f"</{tag}>"))
        self._open = self._open and tag != "form"

    def _note(self, tag: str, given: dict[str, str | None], length: int) -> None:
        if self._open:
            line, column = self.getpos()
            start = self._lines[line - 1] + column
            self.forms[-1].parts.append(_Part(tag, given, start, start + length))


def _fill(html: str, form: _Form, typed: Mapping[str, str], said: dict[str | None, str]) -> str:
    """The page with the form filled in; each text of ``said`` stands behind its field's label."""
    written: list[str] = []
    due: list[str] = []
    at, select, focused, inside_typed = 0, "", False, False
    for tag, given, start, end in form.parts:
        written.append("" if inside_typed else html[at:start])
        name, at = given.get("name") or "", end
        changed = _refilled(tag, given, typed, select)
        if name in said and tag != "button" and given.get("type") not in _KEPT_AS_IT_IS:
            changed["aria-invalid"] = "true"
            changed["aria-describedby"] = f"said-{name} {given.get('aria-describedby') or ''}".strip()
            if not focused:
                focused, changed["autofocus"] = True, None
            due.append(name)
        written.append(html[start:end] if changed == given else _tag(tag, changed))
        if tag == "form":
            written += _messages([None], said)
        elif tag in ("/label", "/form"):
            written += _messages(due, said)
            due = []
        inside_typed = tag == "textarea" and name in typed
        if inside_typed:
            written.append("\n" + escape(typed[name].replace("\r\n", "\n"), quote=False))
        select = name if tag == "select" else "" if tag == "/select" else select
    return "".join(written) + html[at:]


def _refilled(
    tag: str, given: Mapping[str, str | None], typed: Mapping[str, str], select: str
) -> dict[str, str | None]:
    """The tag's attributes as what was typed wants them; ``select``: the list that an option is in."""
    name, kind, changed = given.get("name") or "", given.get("type") or "text", dict(given)
    if tag == "option" and select in typed and given.get("value") is not None:
        changed.pop("selected", None)
        if given["value"] == typed[select]:
            changed["selected"] = None
    elif name and kind in ("checkbox", "radio"):
        changed.pop("checked", None)
        if typed.get(name) == (given.get("value") or "on"):
            changed["checked"] = None
    elif tag == "input" and name in typed and kind not in (*_NEVER_FILLED, *_KEPT_AS_IT_IS):
        changed["value"] = typed[name]
    return changed


def _messages(names: Sequence[str | None], said: dict[str | None, str]) -> list[str]:
    return [
        f'<p class="said" role="alert" id="said-{name or "form"}">{escape(said.pop(name))}</p>'
        for name in names
        if name in said
    ]


def _tag(tag: str, given: Mapping[str, str | None]) -> str:
    written = (f" {name}" if value is None else f' {name}="{escape(value)}"' for name, value in given.items())
    return f"<{tag}{''.join(written)}>"
