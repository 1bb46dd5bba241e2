"""A real headless Chromium, and a server for all tests of the console; each test has its own workspace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from tests.console import chromium
from tests.console.pages import Console, Window
from tests.programs import CHROMIUM
from tests.server import Server

try:
    from playwright.sync_api import Browser, sync_playwright
except ImportError:  # reported by the fixture that needs it
    Browser, sync_playwright = Any, None  # type: ignore[assignment, misc]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for this package: Playwright keeps an event loop as long as it lives, which others mind."""
    if sync_playwright is None:
        pytest.skip("NO BROWSER TESTS OF THE CONSOLE: the package playwright is not there")
    CHROMIUM.path()
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the default fixtures, for all tests of this package."""
    server = Server(tmp_path_factory.mktemp("console"), "--durability", "none").start()
    yield server
    server.kill()


@pytest.fixture(scope="package")
def free_windows() -> dict[tuple[object, ...], list[Window]]:
    """The windows of the browser that no test uses at present, by their options."""
    return defaultdict(list)


@pytest.fixture
def open_console(
    browser: Browser,
    free_windows: dict[tuple[object, ...], list[Window]],
    shared: Server,
    request: pytest.FixtureRequest,
) -> Iterator[Callable[..., Console]]:
    """Open consoles on a workspace of this test's own. At the end none may have complained."""
    used: list[tuple[tuple[object, ...], Window]] = []
    # Nothing that a text on the page could be taken for.
    name = "t" + blake2b(request.node.nodeid.encode(), digest_size=6).hexdigest()

    def open_one(
        server: Server = shared,
        workspace: str = name,
        language: str = "en",
        width: int = 1280,
        dark: bool = False,
    ) -> Console:
        options = (language, width, dark)
        window = free_windows[options].pop() if free_windows[options] else Window(browser, *options)
        used.append((options, window))
        return Console(window, server, workspace)

    yield open_one
    complaints = [complaint for _, window in used for complaint in window.complaints]
    for options, window in used:
        if window.urls == {shared.url}:
            window.leave()
            free_windows[options].append(window)
        else:  # its page would complain that its server is gone
            window.close()
    shared.request("DELETE", f"/__admin/workspaces/{name}")  # the overview lists all that there are
    assert complaints == []


@pytest.fixture
def console(open_console: Callable[..., Console]) -> Console:
    """A console in English."""
    return open_console()


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    """Collected tokens: 30 good rows, one bad."""
    path = tmp_path / "tokens.csv"
    rows = [f"{1000 + n};{n * 7919 + 10**40:064x}" for n in range(30)]
    path.write_text("\n".join(["number;token", *rows, "no number;" + "f" * 64]) + "\n")
    return path
