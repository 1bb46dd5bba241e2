"""Stands for a machine on which no folder for temporary files can be written."""

import errno
import tempfile


def _nowhere() -> str:
    raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")


tempfile.gettempdir = _nowhere
tempfile._get_default_tempdir = _nowhere
