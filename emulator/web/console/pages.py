"""What all pages share: the blueprint of their routes, and how a view answers."""

from collections.abc import Callable, Coroutine
from functools import partial
from inspect import isawaitable
from typing import Any, TypeVar
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from flask import (
    Blueprint,
    Response,
    copy_current_request_context,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from markupsafe import escape
from werkzeug.exceptions import HTTPException

from emulator.compare.report import ComparisonReport
from emulator.importer.uploads import Uploads
from emulator.journal.attempts import Attempts
from emulator.messages import DELIVERY_KEY, Answer
from emulator.rules.errors import Conflict, Invalid, NotFound, Refused, TooMany
from emulator.rules.texts import Problem, joined
from emulator.store.errors import Unavailable
from emulator.web.admin.loading import read_digits, read_part
from emulator.web.console.presenters.counts import Counts
from emulator.web.console.presenters.refusals import worded_all
from emulator.web.console.refused_form import PAGE_FIELD, page_again
from emulator.web.errors import explain
from emulator.web.later import answer_later, as_answer, change
from emulator.workspaces.workspace import Workspace

T = TypeVar("T")
#: Refusals that are about what a form says.
_OF_FORMS = (Invalid, NotFound, Conflict, TooMany)


class ConsoleState:
    """What the console keeps while the server runs: files that wait to be imported, each workspace's counts,
    attempts, and the report of a comparison.

    ``lines``: requests and events as the live lists show them, by prefix, list, language and id.
    """

    def __init__(self, uploads: Uploads) -> None:
        self.uploads = uploads
        self.lines: WeakKeyDictionary[Workspace, dict[tuple[str, ...], dict[int, str]]] = WeakKeyDictionary()
        self.attempts: WeakKeyDictionary[Workspace, Attempts] = WeakKeyDictionary()
        self.counts: WeakKeyDictionary[Workspace, Counts] = WeakKeyDictionary()
        self.reports: WeakKeyDictionary[Workspace, ComparisonReport] = WeakKeyDictionary()


def console_state() -> ConsoleState:
    """The application's."""
    state: ConsoleState = current_app.extensions["console"]
    return state


#: Each page's module adds its routes.
pages = Blueprint(
    "console",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/__console/static",
)


def page_later(work: Coroutine[Any, Any, T], render: Callable[[T], ResponseReturnValue]) -> Response:
    """Answer with ``render`` of what ``work`` returns, which takes its time on the event loop.

    An error of either becomes its page.
    """
    finish = copy_current_request_context(_answer)

    async def gather() -> Answer:
        try:
            made = partial(render, await work)
        except (Refused, Unavailable) as error:
            made = partial(failure, error)
        return await finish(made).settled()

    return answer_later(gather())


def _answer(render: Callable[[], ResponseReturnValue]) -> Answer:
    """The answer that ``render`` makes, with the delivery that it asks for."""
    request.environ.pop(DELIVERY_KEY, None)  # that of the work before
    try:
        made = render()
    except Exception as error:
        made = failure(error)
    answer = as_answer(current_app.process_response(current_app.make_response(made)))
    session.modified = False  # its cookie is in the answer: without the bridge Flask would add it again
    answer.delivery = request.environ.pop(DELIVERY_KEY, None)
    return answer


def change_later(
    work: Callable[[Workspace], Any], leads_to: str | Callable[[Any], str], said: str
) -> Response:
    """Change the state by hand, then lead to a page when the disk has the change.

    ``work`` may be a coroutine function; ``leads_to``: the page's URL, or what makes it of the work's result;
    ``said``: what that page says has happened.
    """

    async def changed(found: Workspace) -> Any:
        result = work(found)
        return await result if isawaitable(result) else result

    def render(result: Any) -> ResponseReturnValue:
        flash(said)
        return redirect(leads_to if isinstance(leads_to, str) else leads_to(result), 303)

    return page_later(change(changed), render)


@pages.errorhandler(Exception)
def failure(error: Exception) -> ResponseReturnValue:
    """The page for an error; for a form that was refused, the form's own page."""
    code, problems, headers = explain(error)
    try:
        plain = render_template("console/error.html", code=code, text=worded_all(problems)), code, headers
    except OSError:  # the page's own file cannot be opened either
        return str(escape(f"{code}: {joined(problems)}")), code, headers
    if not isinstance(error, _OF_FORMS) or not _has_form():
        return plain
    return answer_later(page_again(problems, as_answer(current_app.make_response(plain))))


def _has_form() -> bool:
    """Whether the request comes from a form of a page that can be shown once more."""
    if request.method != "POST":
        return bool(request.args)
    try:
        return PAGE_FIELD in request.form
    except HTTPException:  # the body is too large, or broken
        return False


def see_other(endpoint: str, said: str = "", **values: Any) -> Response:
    """A redirect to a page of the console, with GET; ``said``: what that page says has happened."""
    if said:
        flash(said)
    response: Response = current_app.make_response(redirect(url_for(endpoint, **values), 303))
    return response


def plain_text(content: str) -> Response:
    """Plain text: what a client sent, or what a copy button copies."""
    return Response(content.encode("utf-8", "replace"), content_type="text/plain; charset=utf-8")


def own_path(text: str, otherwise: str) -> str:
    """The text if it is a path of this server; ``otherwise`` where it leads elsewhere."""
    parts = urlsplit(text)
    if parts.scheme or parts.netloc or not text.startswith("/") or text.startswith(("//", "/\\")):
        return otherwise
    return text


def read_json(name: str, otherwise: Any) -> Any:
    """A text of the form as JSON; ``otherwise``: of an empty one. Raises :class:`Invalid`."""
    text = request.form.get(name, "").strip()
    return read_part(text.encode("utf-8", "replace"), name) if text else otherwise


def number_of(name: str) -> int:
    """The request's parameter as an integer. Raises :class:`Invalid`."""
    number = read_digits(request.values.get(name))
    if number is None:
        raise Invalid(Problem(name, "must be an integer"))
    return number
