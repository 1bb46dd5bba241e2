"""What a dry run changes in place of its workspace."""

from emulator.workspaces.clock import WorkspaceClock
from emulator.workspaces.ids import ObjectIds
from emulator.workspaces.metrics import Metrics
from emulator.workspaces.workspace import Workspace


class DryWorld:
    """A workspace as it is now, which it never changes: it has a state, ids and counts of its own.

    Its memory grows with what the run would add, about 1 KiB for each distinct token of the file, and with
    the parts of the workspace's indexes that it touches.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.store = workspace.store.fork()
        self.clock = workspace.clock
        self.settings = workspace.settings
        self.ids = ObjectIds(WorkspaceClock())
        self.metrics = Metrics()


#: The target of an import.
World = Workspace | DryWorld
