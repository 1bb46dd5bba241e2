"""Who may use the console, and what its pages may do in a browser.

The admin API's checks (Host, Origin, token) hold here too; a person signs in once where a program sends
the token with every call. Every form carries a token that belongs to the browser's session.
"""

import hmac
import math
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import timedelta
from time import monotonic, time

from flask import Flask, Request, Response, current_app, redirect, render_template, request, session, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf, validate_csrf  # type: ignore[import-untyped]  # has no types
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from emulator.emulator import Emulator
from emulator.rules.errors import Forbidden, Unauthorized
from emulator.web.admin.safety import check_access
from emulator.web.console.pages import own_path, pages, see_other
from emulator.web.current import emulator, root
from emulator.web.import_files import before_turn
from emulator.web.limits import check_body, spool

#: Scripts, styles, frames and connections come from our own files; a script in a page's text does not run.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # With no-referrer browsers would send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
#: Seconds that a sign-in lasts.
SIGN_IN_S = 7 * 24 * 3600
#: Wrong admin tokens that one address may give, and the seconds after which it may give as many again.
WRONG_TRIES, WRONG_TRIES_S = 10, 60
#: Addresses whose wrong tries are counted at a time; one more, and the oldest is forgotten.
_MOST_ADDRESSES = 1000
_OPEN = ("console.static", "console.sign_in")


class ConsoleSession(SecureCookieSessionInterface):
    """Flask's session, in a cookie for this port alone; one that was set over HTTPS is sent over HTTPS only.

    The admin API has none.
    """

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return None if request.path.startswith("/__admin/") else super().open_session(app, request)

    def get_cookie_name(self, app: Flask) -> str:
        # Browsers share cookies among ports: two emulators on one machine would overwrite each other's.
        port = request.headers.get("Host", "").rpartition(":")[2]
        return f"emulator_console_{port}" if port.isdecimal() else "emulator_console"

    def get_cookie_path(self, app: Flask) -> str:
        return root() or "/"

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


class SignIns:
    """Who is signed in, and who gave a wrong token: in memory, so that a restart signs everybody out.

    ``ends``: when each sign-in ends, if it is kept elsewhere.
    """

    def __init__(self, now: Callable[[], float] = monotonic, ends: dict[str, float] | None = None) -> None:
        self._now = now
        self._ends = {} if ends is None else ends
        self._wrong: dict[str, tuple[float, int]] = {}

    def begin(self) -> str:
        """The id of a new sign-in."""
        now = self._now()
        for one in [one for one, end in self._ends.items() if end <= now]:
            del self._ends[one]
        sign_in = secrets.token_urlsafe(18)
        self._ends[sign_in] = now + SIGN_IN_S
        return sign_in

    def end(self, sign_in: str) -> None:
        """End a sign-in: its id is no longer valid."""
        self._ends.pop(sign_in, None)

    def is_valid(self, sign_in: str) -> bool:
        """Whether this is the id of a sign-in that has not ended."""
        return self._ends.get(sign_in, 0.0) > self._now()

    def wait_s(self, address: str) -> int:
        """The seconds after which this address may try a token again; 0: it may now."""
        began, count = self._wrong.get(address, (0.0, 0))
        left = began + WRONG_TRIES_S - self._now()
        return math.ceil(left) if count >= WRONG_TRIES and left > 0 else 0

    def note_wrong(self, address: str) -> None:
        """Count a wrong token."""
        now = self._now()
        began, count = self._wrong.pop(address, (now, 0))
        self._wrong[address] = (began, count + 1) if now < began + WRONG_TRIES_S else (now, 1)
        if len(self._wrong) > _MOST_ADDRESSES:
            del self._wrong[next(iter(self._wrong))]


def init_app(app: Flask) -> None:
    """Give the application its session."""
    app.session_interface = ConsoleSession()
    app.config["PERMANENT_SESSION_LIFETIME"] = timedelta(seconds=SIGN_IN_S)
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    # Strict would leave the cookie out after a link from another site, and kill the forms of open tabs.
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    app.config["WTF_CSRF_FIELD_NAME"] = "form_token"
    app.config["WTF_CSRF_TIME_LIMIT"] = None


def attach(app: Flask, emulator: Emulator) -> None:
    """Sign sessions with the key of all servers that share state and admin token, else with a new key."""
    shared, token = emulator.shared, emulator.settings.admin_token or ""
    key = secrets.token_bytes(32) if shared is None else shared.secret
    app.secret_key = hmac.digest(key, token.encode(), "sha256")
    app.extensions["sign_ins"] = SignIns() if shared is None else SignIns(time, shared.turns.sign_ins.ends)


def check_request() -> AnyResponse | None:
    """Refuse what must not be served; send a person who is not signed in to the sign-in page.

    Raises :class:`Forbidden` or 401.
    """
    try:
        check_access()
    except Unauthorized as error:
        if request.endpoint not in _OPEN and not _sign_ins().is_valid(session.get("sign_in", "")):
            if request.method != "GET":
                text = "your sign-in has ended: load the page again to sign in, then send the form"
                raise Unauthorized(text) from error
            then = request.script_root + request.full_path.rstrip("?")
            return redirect(url_for("console.sign_in", then=then))
    asked = check_body() or before_turn()
    if asked is None and request.method == "POST":
        with spool().storing():  # a form is read with its file
            try:
                validate_csrf(request.form.get("form_token", ""))
            except ValueError as error:
                text = "this form is not from this console, or too old: load its page again"
                raise Forbidden(text) from error
    return asked


def secure(response: Response) -> Response:
    """The response with the headers and cookies that every page has."""
    response.headers.update(_HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def form_field() -> Markup:
    """The fields of a form that show whose it is, and on which page it stands."""
    field = Markup('<input type="hidden" name="{}" value="{}">')
    page = request.full_path.rstrip("?")
    return field.format("form_token", generate_csrf()) + field.format("form_page", page)


@pages.route("/__console/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Ask for the token; with the right one, lead to where the person wanted to go."""
    settings = emulator().settings
    if settings.admin_token is None:
        return see_other("console.live")
    then, status, wait_s, headers = request.values.get("then", ""), 200, 0, {}
    if request.method == "POST":
        client = request.remote_addr or ""
        if wait_s := _sign_ins().wait_s(client):
            status, headers = 429, {"Retry-After": str(wait_s)}
        elif hmac.compare_digest(request.form.get("token", "").encode(), settings.admin_token.encode()):
            session["sign_in"], session.permanent = _sign_ins().begin(), True
            return redirect(own_path(then, url_for("console.live")), 303)
        else:
            _sign_ins().note_wrong(client)
            status = 403
    page = render_template("console/sign_in.html", then=then, wait_s=wait_s, wrong=status == 403)
    return page, status, headers


@pages.post("/__console/sign-out")
def sign_out() -> Response:
    """End the sign-in: its cookie, copied or not, is worth nothing from now on."""
    _sign_ins().end(session.pop("sign_in", ""))
    return see_other("console.sign_in")


def while_signed_in(pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """The pieces of an answer, up to the first that comes after this request's sign-in has ended."""
    sign_ins, sign_in = _sign_ins(), session.get("sign_in", "")
    # Else no sign-in is needed: the server asks for no token, or the request has it.
    has_signed_in = sign_ins.is_valid(sign_in)

    async def rest() -> AsyncGenerator[bytes]:
        async with aclosing(pieces):
            async for piece in pieces:
                if has_signed_in and not sign_ins.is_valid(sign_in):
                    return
                yield piece

    return rest()


def _sign_ins() -> SignIns:
    found: SignIns = current_app.extensions["sign_ins"]
    return found
