"""A real nginx with the configuration that ``docs/operations.md`` gives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import balancers
from tests.server import ROOT, Server


@contextmanager
def before(behind: Server, folder: Path) -> Iterator[str]:
    """An nginx before this server, as documented: the URL of its path, without a slash at the end."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (documented,) = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)
    assert documented.count("127.0.0.1:8080") == 1
    documented = documented.replace("127.0.0.1:8080", f"127.0.0.1:{behind.port}")
    path = re.findall(r"location (/\S+)/ ", documented)[0]
    port = balancers.free_port()
    inside = f"server {{ listen 127.0.0.1:{port}; {documented} }}"
    with balancers.running("nginx", inside, port, folder):
        yield f"http://127.0.0.1:{port}{path}"
