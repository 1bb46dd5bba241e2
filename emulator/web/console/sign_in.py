"""``/__console/sign-in``: where the console wants the admin token."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from emulator.web.console import access
from emulator.web.console.moving import own_path, see_other
from emulator.web.current import emulator


def add_routes(blueprint: Blueprint) -> None:
    """Add this page's routes."""
    blueprint.add_url_rule("/__console/sign-in", "sign_in", sign_in, methods=["GET", "POST"])
    blueprint.add_url_rule("/__console/sign-out", "sign_out", sign_out, methods=["POST"])


def sign_in() -> ResponseReturnValue:
    """Ask for the token; with the right one, on to where the person wanted to go."""
    if emulator().settings.admin_token is None:
        return see_other("console.live")
    then = request.values.get("then", "")
    if request.method == "GET":
        return render_template("console/sign_in.html", then=then, wrong=False)
    response: Response = make_response("", 303)
    response.headers["Location"] = own_path(then, url_for("console.live"))
    if access.sign_in(response, request.form.get("token", "")):
        return response
    return render_template("console/sign_in.html", then=then, wrong=True), 403


def sign_out() -> Response:
    """Forget the sign-in."""
    response = see_other("console.sign_in")
    access.sign_out(response)
    return response
