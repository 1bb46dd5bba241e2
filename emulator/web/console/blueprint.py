"""The console as a part of the application: its pages' routes, checks, headers and templates."""

from typing import Any
from urllib.parse import urlencode

from flask import Flask, request, url_for

from emulator import __version__
from emulator.emulator import Emulator
from emulator.importer.uploads import Uploads
from emulator.rules.errors import NotFound
from emulator.rules.texts import message
from emulator.web import current
from emulator.web.admin.possible import known_providers
from emulator.web.console import (  # noqa: F401 (each adds its routes)
    access,
    base,
    configuration,
    events,
    faults,
    imports,
    language,
    live,
    one_request,
    overview,
    rules,
)
from emulator.web.console.pages import ConsoleState, pages, see_other
from emulator.web.console.presenters import filters, refusals
from emulator.web.current import root_of, workspace, workspace_name

pages.before_request(access.check_request)
pages.after_request(access.secure)
pages.after_request(language.remember)
for _filter in (*filters.FILTERS, refusals.worded):
    pages.add_app_template_filter(_filter)


def init_app(app: Flask) -> None:
    """Serve the console."""
    access.init_app(app)
    language.init_app(app)
    app.register_blueprint(pages)


def attach(app: Flask, emulator: Emulator) -> None:
    """Show an emulator."""
    state = ConsoleState(Uploads() if emulator.shared is None else emulator.shared.files)
    emulator.workspaces.on_delete.append(state.uploads.forget_all_of)
    app.extensions["console"] = state
    access.attach(app, emulator)


@pages.get("/__console/")
def without_page() -> Any:
    """A path that a person may guess from the paths of other pages."""
    return see_other("console.live")


@pages.get("/__console/<path:page>")
def unknown(page: str) -> Any:
    """Any other path. Raises :class:`NotFound`."""
    raise NotFound(message("%(path)s not found", path=request.path), "A4")


@pages.context_processor
def shared() -> dict[str, Any]:
    """What every page's template knows."""
    return {
        "form_field": access.form_field,
        "language": language.language(),
        "language_url": lambda code: "?" + urlencode({**request.args.to_dict(), "lang": code}),
        "languages": language.LANGUAGES,
        "present": workspace,
        "providers": lambda: known_providers(workspace().store),
        "root_of": root_of,
        "secured": current.emulator().settings.admin_token is not None,
        "static": lambda name: url_for("console.static", filename=name),
        "version": __version__,
        "workspace_name": workspace_name(),
    }
