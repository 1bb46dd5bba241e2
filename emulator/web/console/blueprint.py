"""The console's blueprint: its pages, what they all share, and how it says that something went wrong."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, request, url_for

from emulator import __version__
from emulator.emulator import Emulator
from emulator.rules.model import RequestError
from emulator.web.console import (
    access,
    base,
    configuration,
    faults,
    imports,
    language,
    live,
    one_request,
    overview,
    profile,
    rules,
    sign_in,
    words,
)
from emulator.web.console.errors import failure
from emulator.web.console.presenters import marks
from emulator.web.console.state import ConsoleState
from emulator.web.current import emulator, workspace_name

PAGES = (live, one_request, base, profile, configuration, faults, imports, overview, rules, sign_in)
_STATIC = Path(__file__).resolve().parent / "static"
#: Changes when a file of ours does: browsers may keep what they have for as long as it stays.
_FILES_MARK = blake2b(
    b"".join(path.read_bytes() for path in sorted(_STATIC.iterdir())), digest_size=6
).hexdigest()


def init_app(app: Flask) -> None:
    """Serve the console."""
    state = app.extensions["console"] = ConsoleState()
    own: Emulator = app.extensions["emulator"]
    own.workspaces.on_delete.append(state.uploads.forget_all_of)
    access.init_app(app)
    language.init_app(app)
    blueprint = Blueprint(
        "console",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/__console/static",
    )
    blueprint.before_request(access.check_request)
    blueprint.after_request(_finish)
    blueprint.context_processor(_shared)
    blueprint.register_error_handler(Exception, failure)
    for page in PAGES:
        page.add_routes(blueprint)
    blueprint.add_url_rule("/__console/<path:page>", view_func=_unknown)
    for name, mark in marks.FILTERS.items():
        blueprint.add_app_template_filter(mark, name)
    app.register_blueprint(blueprint)


def _unknown(page: str) -> Any:
    raise RequestError(404, f"{request.path} not found", "A4")


def _finish(response: Response) -> Response:
    return access.secure(language.remember(response))


def _shared() -> dict[str, Any]:
    """What every page's template knows."""
    return {
        "form_field": access.form_field,
        "language": words.language(),
        "language_url": _language_url,
        "languages": language.LANGUAGES,
        "secured": emulator().settings.admin_token is not None,
        "static": _static,
        "version": __version__,
        "workspace_name": workspace_name(),
    }


def _static(name: str) -> str:
    return url_for("console.static", filename=name, v=_FILES_MARK)


def _language_url(code: str) -> str:
    """This page in another language."""
    return "?" + urlencode({**request.args.to_dict(), "lang": code})
