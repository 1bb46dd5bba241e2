"""Which workspace a Flask request is about: ``/w/NAME/…``, else the header, else ``default``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import current_app, request

from emulator.emulator import Emulator
from emulator.workspace import Workspace
from emulator.workspaces import WORKSPACE_HEADER, split_path

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: The key of a WSGI environment under which the path's workspace is left.
WORKSPACE_KEY = "emulator.workspace"
#: The key of a WSGI environment under which the workspace is left that a view has asked for, as it was then.
_FOUND_KEY = "emulator.found"


class WorkspacePrefix:
    """WSGI middleware: takes ``/w/NAME`` off the path, so that every route is served below it too."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        name, path = split_path(environ["PATH_INFO"])
        if name is not None:
            environ[WORKSPACE_KEY] = name
            environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}/w/{name}"
            environ["PATH_INFO"] = path
        return self._application(environ, start_response)


def emulator() -> Emulator:
    """The emulator that the application serves."""
    found: Emulator = current_app.extensions["emulator"]
    return found


def workspace_name() -> str | None:
    """The name of the request's workspace, where it says one."""
    name: str | None = request.environ.get(WORKSPACE_KEY)
    return name or request.headers.get(WORKSPACE_HEADER)


def workspace() -> Workspace:
    """The request's workspace, made if it is new. Raises :class:`~emulator.rules.model.RequestError`."""
    found = emulator().workspaces.get(workspace_name())
    request.environ.setdefault(_FOUND_KEY, (found, found.store.storage.commits))
    return found


def changed_workspace() -> Workspace | None:
    """The workspace that the request's view has changed so far."""
    found, commits = request.environ.get(_FOUND_KEY, (None, 0))
    return found if found is not None and found.store.storage.commits != commits else None
