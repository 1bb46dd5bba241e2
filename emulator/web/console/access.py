"""Who may use the console, and what its pages may do in a browser.

The admin API's checks (Host, Origin, token) hold here too; a person signs in once where a program sends
the token with every call. Every form carries a token of its own, equal to a cookie (double submit).
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from flask import Response, current_app, redirect, request, url_for
from itsdangerous import BadSignature, Signer, TimestampSigner

from emulator.rules.model import RequestError
from emulator.web.admin.safety import check_access
from emulator.web.current import emulator
from emulator.web.limits import check_body, spool

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

#: No script, style, frame or connection but our own files; nothing written into a page runs.
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
_OPEN = ("console.static", "console.sign_in")
_FORM_TOKEN = "console.form_token"


class Keys:
    """What cookies are signed with: made anew at every start, so that a restart signs everybody out."""

    def __init__(self) -> None:
        secret = secrets.token_bytes(32)
        self.sign_in = TimestampSigner(secret, salt="console sign-in")
        self.form = Signer(secret, salt="console form")


def check_request() -> AnyResponse | None:
    """Refuse what must not be served; send a person who is not signed in to the sign-in page.

    Raises :class:`RequestError` 403 or 401.
    """
    try:
        check_access()
    except RequestError as error:
        if error.code != 401:
            raise
        if request.endpoint not in _OPEN and not _signed_in():
            if request.method == "GET":
                return redirect(url_for("console.sign_in", then=request.full_path.rstrip("?")))
            raise
    asked = check_body()
    if asked is None and request.method == "POST":
        with spool().storing():  # a form is read with its file
            _check_form()
    return asked


def form_token() -> str:
    """The token for this person's forms; the cookie with it goes out with the answer."""
    token: str | None = request.environ.get(_FORM_TOKEN)
    if token is None:
        token = request.cookies.get(_cookie("form"), "")
        if not _keys().form.validate(token):
            token = _keys().form.sign(secrets.token_urlsafe(18)).decode()
        request.environ[_FORM_TOKEN] = token
    return token


def secure(response: Response) -> Response:
    """The response with the headers and cookies that every page has."""
    for name, value in _HEADERS.items():
        response.headers[name] = value
    if request.endpoint == "console.static":
        response.headers["Cache-Control"] = (
            "max-age=31536000, immutable" if "v" in request.args else "no-cache"
        )
        return response
    response.headers.setdefault("Cache-Control", "no-store")
    token = request.environ.get(_FORM_TOKEN)
    if token is not None and token != request.cookies.get(_cookie("form")):
        response.set_cookie(_cookie("form"), token, httponly=True, samesite="Strict")
    return response


def sign_in(response: Response, given: str) -> bool:
    """Sign the person in who gave the admin token; whether it was the right one."""
    wanted = emulator().settings.admin_token or ""
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        return False
    value = _keys().sign_in.sign(b"in").decode()
    response.set_cookie(_cookie("console"), value, max_age=SIGN_IN_S, httponly=True, samesite="Strict")
    return True


def sign_out(response: Response) -> None:
    """Forget the sign-in."""
    response.delete_cookie(_cookie("console"), httponly=True, samesite="Strict")


def _signed_in() -> bool:
    try:
        _keys().sign_in.unsign(request.cookies.get(_cookie("console"), ""), max_age=SIGN_IN_S)
    except BadSignature:
        return False
    return True


def _check_form() -> None:
    given, cookie = request.form.get("form_token", ""), request.cookies.get(_cookie("form"), "")
    same = hmac.compare_digest(given.encode(), cookie.encode())
    if not same or not _keys().form.validate(given):
        raise RequestError(403, "this form is not from this console, or too old: load its page again", "A3")


def _cookie(name: str) -> str:
    # Browsers do not keep the cookies of two ports apart: two emulators on one machine would.
    return f"emulator_{name}_{request.host.rpartition(':')[2]}"


def _keys() -> Keys:
    keys: Keys = current_app.extensions["console"].keys
    return keys
