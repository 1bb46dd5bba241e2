"""The names of workspaces, and which one a request is for."""

from emulator.rules.errors import Invalid
from emulator.rules.texts import Problem
from emulator.store.recovery import STEM

DEFAULT_WORKSPACE = "default"
WORKSPACE_HEADER = "X-Emulator-Workspace"


def is_name(name: str) -> bool:
    """Whether a workspace can have this name."""
    return STEM.fullmatch(name) is not None


def check_name(name: str) -> None:
    """Refuse a name that no workspace can have. Raises :class:`Invalid`."""
    if not name:
        how = f"/w/NAME/… or {WORKSPACE_HEADER}: NAME, or neither for {DEFAULT_WORKSPACE}"
        raise Invalid(Problem.of("workspace", "its name is empty; give one, as %(how)s", how=how))
    if not is_name(name):
        raise Invalid(Problem("workspace", "its name must be 1 to 64 of a-z 0-9 - _"))


def check_deletable(name: str) -> None:
    """Refuse a name whose workspace cannot be deleted. Raises :class:`Invalid`."""
    check_name(name)
    if name == DEFAULT_WORKSPACE:
        raise Invalid("the default workspace cannot be deleted, only reset")


def chosen_name(in_path: str | None, in_header: str | None) -> str:
    """The name of the workspace that a request is for: the path's, else the header's, else ``default``.

    Raises :class:`Invalid` if either of them is a name that no workspace can have.
    """
    if in_path is None and in_header is None:
        return DEFAULT_WORKSPACE
    for name in (in_path, in_header):
        if name is not None:
            check_name(name)
    return in_path or in_header or DEFAULT_WORKSPACE
