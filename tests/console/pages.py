"""The console as a person sees it, for tests and screenshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.server import PATIENCE_S, Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, ViewportSize

#: The pages that are there without anything having happened, with their paths.
PAGES = {
    "live": "/",
    "events": "/__console/events",
    "attempts": "/__console/attempts",
    "base": "/__console/base",
    "subscriptions": "/__console/base/subscriptions",
    "databases": "/__console/base/databases",
    "resources": "/__console/base/resources",
    "database": "/__console/base/database/17",
    "resource": "/__console/base/resource/40",
    "profile": "/__console/base/profile?db_id=17&profile_id=5fb62e815ae47a4aa04dfadd",
    "faults": "/__console/faults",
    "own fault": "/__console/faults/own",
    "recipe": "/__console/faults/item-duplicate",
    "import": "/__console/import",
    "overview": "/__console/overview",
    "rules": "/__console/rules",
    "comparison": "/__console/comparison",
}


class Window:
    """A browser window that one test after the other uses: to open one costs as much as five pages."""

    def __init__(self, browser: Browser, language: str, width: int, dark: bool) -> None:
        self.complaints: list[str] = []
        #: The servers that it has shown: a page may ask for its icon after it was left.
        self.urls: set[str] = set()
        self._size: ViewportSize = {"width": width, "height": 800}
        self._context = browser.new_context(
            locale=language, viewport=self._size, color_scheme="dark" if dark else "light"
        )
        self._context.set_default_timeout(PATIENCE_S * 1000)
        self._context.add_init_script("window.confirm = () => true")  # every question is answered yes
        self.page = self.new_page()

    def new_page(self) -> Page:
        """One more page of the same person."""
        page = self._context.new_page()
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("request", lambda asked: self._note_foreign(asked.url))
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        return page

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"{kind}: {text}")

    def _note_foreign(self, url: str) -> None:
        if not url.startswith(("data:", *(f"{one}/" for one in self.urls))):
            self.complaints.append(f"a request left for {url}")

    def leave(self) -> None:
        """Make it as it was at first, but for the page: a blank one would need another process."""
        for page in self._context.pages:
            if page is not self.page:
                page.close()
        self.page.set_viewport_size(self._size)
        self._context.clear_cookies()

    def close(self) -> None:
        """Close it for good."""
        self._context.close()


class Console:
    """A window on one workspace. What the page complains of is collected."""

    def __init__(self, window: Window, server: Server, workspace: str = "default") -> None:
        window.urls.add(server.url)
        window.complaints.clear()
        self.window = window
        self.page = window.page
        self.new_page = window.new_page
        self.server = server
        self.prefix = "" if workspace == "default" else f"/w/{workspace}"

    def go(self, path: str) -> Page:
        """Load a page: a name of :data:`PAGES`, or a path below the workspace."""
        self.page.goto(self.server.url + self.prefix + PAGES.get(path, path))
        return self.page

    def push(
        self, *subscriptions: dict[str, Any], token: str = "3LXP2FRcRxJ-7b14db88ec937f14", **more: Any
    ) -> Any:
        """Call the documented endpoint of this workspace; the answer's JSON."""
        document = {"resource_token": token, "subscriptions": list(subscriptions), **more}
        return self.server.post(f"{self.prefix}/push_subscribe", document).json

    def admin(self, path: str) -> Any:
        """GET from the admin API of this workspace."""
        return self.server.get(f"{self.prefix}/__admin{path}").json

    def text(self) -> str:
        """What the page says."""
        return self.page.inner_text("main")

    def find(self, selector: str) -> Locator:
        """What a selector finds on the page."""
        return self.page.locator(selector)

    def allow_complaint(self, part: str) -> None:
        """A complaint of the browser that this test provokes."""
        complaints = self.window.complaints
        assert any(part in one for one in complaints), complaints
        complaints[:] = [one for one in complaints if part not in one]
