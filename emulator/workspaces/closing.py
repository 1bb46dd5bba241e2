"""The end of all open workspaces."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

from emulator.workspaces.workspace import Workspace

#: Seconds that the last snapshots may take, and how many are written at the same time.
CLOSING_S = 3.0
_AT_ONCE = 8


def close_all(opened: Sequence[Workspace], seconds: float) -> None:
    """Write the states, the first one's first, and release everything.

    After this many seconds the others are not written: their logs have all that their snapshots lack.
    """
    deadline = monotonic() + seconds
    try:
        # These threads wait for the disk, which takes many writes at once.
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda workspace: workspace.close(deadline), opened))
    except RuntimeError:  # Python starts no threads while the process exits
        for workspace in opened:
            workspace.close(deadline)
