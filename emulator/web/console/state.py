"""What the console keeps while the server runs."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from flask import current_app

from emulator.web.console.presenters.counts import Counts
from emulator.web.console.uploads import Uploads
from emulator.workspaces.workspace import Workspace


class ConsoleState:
    """The last counts of each workspace, and files that wait to be imported.

    ``lines``: requests as the live list shows them, by prefix, language and id.
    """

    def __init__(self) -> None:
        self.uploads = Uploads()
        self.lines: WeakKeyDictionary[Workspace, dict[tuple[str, str], dict[int, str]]] = WeakKeyDictionary()
        self.counts: WeakKeyDictionary[Workspace, Counts] = WeakKeyDictionary()


def console_state() -> ConsoleState:
    """The application's."""
    state: ConsoleState = current_app.extensions["console"]
    return state
