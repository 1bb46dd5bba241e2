"""The workspace of a Flask request: ``/w/NAME/…``, else the header, else ``default``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import current_app, request

from emulator.emulator import Emulator
from emulator.messages import split_path
from emulator.workspaces.names import DEFAULT_WORKSPACE, WORKSPACE_HEADER, chosen_name, is_name
from emulator.workspaces.workspace import Workspace

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: The key of a WSGI environment for the name of the workspace: first the path's, then the chosen one.
WORKSPACE_KEY = "emulator.workspace"
#: The key of a WSGI environment for the workspace object that a view used.
FOUND_KEY = "emulator.found"
#: The key of a WSGI environment under which the path is left that a proxy serves this server at.
_ROOT_KEY = "emulator.root"
#: What no proxy's path has; a browser would read "/\\host" as another host.
_NO_PATH = re.compile(r"[\x00-\x20\x7f\\?#<>\"]")


def served_below(application: WSGIApplication) -> WSGIApplication:
    """WSGI middleware that removes ``/w/NAME`` from the path, so that every route is served below it, too."""

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        root = environ.get("SCRIPT_NAME", "").strip("/")
        is_path = root and not _NO_PATH.search(root)
        environ[_ROOT_KEY] = environ["SCRIPT_NAME"] = f"/{root}" if is_path else ""
        name, path = split_path(environ["PATH_INFO"])
        if name is not None:
            environ[WORKSPACE_KEY] = name
            environ["PATH_INFO"] = path
            if is_name(name):  # else what is said about it must not lead there again
                environ["SCRIPT_NAME"] += f"/w/{name}"
        return application(environ, start_response)

    return call


def check_workspace() -> None:
    """Refuse a name that no workspace can have. Raises :class:`Invalid`."""
    environ = request.environ
    in_path = environ.get(WORKSPACE_KEY)
    environ[WORKSPACE_KEY] = DEFAULT_WORKSPACE  # the page of this route explains the error
    environ[WORKSPACE_KEY] = chosen_name(in_path, request.headers.get(WORKSPACE_HEADER))


def emulator() -> Emulator:
    """The emulator that the application serves."""
    found: Emulator = current_app.extensions["emulator"]
    return found


def root() -> str:
    """The path that a reverse proxy serves this server at, with no slash at its end; empty for its top."""
    found: str = request.environ[_ROOT_KEY]
    return found


def root_url() -> str:
    """The URL of this server, without a workspace."""
    return request.host_url.rstrip("/") + root()


def root_of(name: str) -> str:
    """The path below which the routes of a workspace are served, with no slash at its end."""
    return root() if name == DEFAULT_WORKSPACE else f"{root()}/w/{name}"


def workspace_name() -> str:
    """The name of the request's workspace."""
    name: str = request.environ[WORKSPACE_KEY]
    return name


def workspace() -> Workspace:
    """The request's workspace for reading; reading creates none.

    Raises :class:`~emulator.rules.errors.Refused`.
    """
    return _noted(emulator().workspaces.look(workspace_name()))


def workspace_to_change() -> Workspace:
    """The request's workspace, created if it is new: to be called after the change was checked.

    Raises :class:`~emulator.rules.errors.Refused`.
    """
    return _noted(emulator().workspaces.get(workspace_name()))


def _noted(found: Workspace) -> Workspace:
    before, _ = request.environ.get(FOUND_KEY, (None, 0))
    if found is not before:
        request.environ[FOUND_KEY] = (found, found.store.commits)
    return found


def changed_workspace() -> Workspace | None:
    """The workspace that the request's view has changed so far."""
    found, commits = request.environ.get(FOUND_KEY, (None, 0))
    return found if found is not None and found.store.commits != commits else None
