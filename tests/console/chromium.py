"""The Chromium that is on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.programs import CHROMIUM

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


def launch(playwright: Playwright) -> Browser:
    """Start it, headless, with a new profile."""
    return playwright.chromium.launch(executable_path=CHROMIUM.path(), args=list(_FLAGS))
