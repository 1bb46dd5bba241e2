"""A form that was refused: its page once more, with all that was typed and each message at its field."""

from collections.abc import Callable, Collection, Coroutine, Mapping
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


class _Form(NamedTuple):
    place: int
    action: str
    fields: dict[str, str]  # name → type
    hidden: dict[str, str]


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
        AGAIN_KEY: request.method,
    }
    changes |= {"wsgi.input": BytesIO(), "CONTENT_LENGTH": "", AGAIN_KEY: request.method}
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
    return _Filling(form, typed, said).filled(html)


def _form_of(html: str, action: str, typed: Mapping[str, str]) -> _Form | None:
    """The form of the page that was sent: of those with its action and hidden values, the one most alike."""
    reading = _Reading()
    reading.feed(html)
    posted = {name for name in typed if name not in _OWN_FIELDS}
    fitting = [
        one
        for one in reading.forms
        if one.action == action and all(typed.get(name) == value for name, value in one.hidden.items())
    ]
    return max(
        fitting, key=lambda one: len(posted & set(one.fields)) - len(posted ^ set(one.fields)), default=None
    )


class _Reading(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[_Form] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append(_Form(len(self.forms), given.get("action") or "", {}, {}))
            self._open = True
        name = given.get("name")
        if self._open and name and name not in _OWN_FIELDS:
            kind = given.get("type") or tag
            self.forms[-1].fields[name] = kind
            if kind == "hidden":
                self.forms[-1].hidden[name] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag != "form"


class _Filling(HTMLParser):
    """Writes a page anew with one of its forms filled in."""

    def __init__(self, form: _Form, typed: Mapping[str, str], said: list[Complaint]) -> None:
        super().__init__(convert_charrefs=False)
        self._form, self._typed = form, typed
        self._said = {one.field: one.text for one in reversed(said)}
        self._written: list[str] = []
        self._forms = _Reading()
        self._inside = self._silent = False
        self._select = ""
        self._due: list[str] = []
        self._focused = False

    def filled(self, html: str) -> str:
        self.feed(html)
        self.close()
        return "".join(self._written)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._forms.handle_starttag(tag, attrs)
        raw, given = self.get_starttag_text() or "", dict(attrs)
        if tag == "form":
            self._inside = len(self._forms.forms) - 1 == self._form.place
            self._write(raw)
            if self._inside and None in self._said:
                self._write(self._message(None))
            return
        self._write(self._field(tag, given, raw) if self._inside else raw)

    def _field(self, tag: str, given: dict[str, str | None], raw: str) -> str:
        name, kind = given.get("name") or "", given.get("type") or "text"
        changed: dict[str, str | None] = dict(given)
        if tag == "option" and self._select in self._typed:
            changed.pop("selected", None)
            text = given.get("value")
            if text == self._typed[self._select]:
                changed["selected"] = None
            return _tag(tag, changed) if text is not None else raw
        if not name or tag == "button" or kind in _KEPT_AS_IT_IS:
            return raw
        if tag == "select":
            self._select = name
        elif kind in ("checkbox", "radio"):
            changed.pop("checked", None)
            if self._typed.get(name) == (given.get("value") or "on"):
                changed["checked"] = None
        elif tag == "input" and name in self._typed and kind not in _NEVER_FILLED:
            changed["value"] = self._typed[name]
        if name in self._said:
            changed["aria-invalid"] = "true"
            changed["aria-describedby"] = f"said-{name} {given.get('aria-describedby') or ''}".strip()
            if not self._focused:
                self._focused, changed["autofocus"] = True, None
            self._due.append(name)
        written = _tag(tag, changed)
        if tag == "textarea" and name in self._typed:
            text = self._typed[name].replace("\r\n", "\n")
            self._write(f"{written}\n{escape(text, quote=False)}")
            self._silent = True  # up to its end
        return written

    def _message(self, name: str | None) -> str:
        return f'<p class="said" role="alert" id="said-{name or "form"}">{escape(self._said.pop(name))}</p>'

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._silent = False
        self._select = "" if tag == "select" else self._select
        self._write(f"</{tag}>")
        if tag in ("label", "form"):
            self._written += [self._message(name) for name in self._due if name in self._said]
            self._due = []
        self._inside = self._inside and tag != "form"

    def _write(self, text: str) -> None:
        if not self._silent:
            self._written.append(text)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._write(self.get_starttag_text() or "")

    def handle_data(self, data: str) -> None:
        self._write(data)

    def handle_entityref(self, name: str) -> None:
        self._write(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._write(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self._write(f"<!{decl}>")

    def handle_comment(self, data: str) -> None:
        self._write(f"<!--{data}-->")


def _tag(tag: str, given: Mapping[str, str | None]) -> str:
    written = (f" {name}" if value is None else f' {name}="{escape(value)}"' for name, value in given.items())
    return f"<{tag}{''.join(written)}>"
