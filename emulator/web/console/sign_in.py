"""``/__console/sign-in``: where the console wants the admin token."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, url_for
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
        return render_template("console/sign_in.html", then=then)
    if wait_s := access.wait_s():
        page = render_template("console/sign_in.html", then=then, wait_s=wait_s)
        return page, 429, {"Retry-After": str(wait_s)}
    if not access.sign_in(request.form.get("token", "")):
        return render_template("console/sign_in.html", then=then, wrong=True), 403
    return redirect(own_path(then, url_for("console.live")), 303)


def sign_out() -> Response:
    """End the sign-in."""
    access.sign_out()
    return see_other("console.sign_in")
