"""Each page for everybody: by keyboard and screen reader, on a small phone, in both languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.console.pages import PAGES, Console
from tests.console.scene import report_events, send_requests
from tests.server import Server

axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="NO ACCESSIBILITY TESTS: no axe-core"
)

ALL = {
    **PAGES,
    "request": "/__console/requests/9",
    "refused request": "/__console/requests/6",
    "profile with history": "/__console/base/profile?db_id=17&profile_id=59db33d269d426509e9c4bf9",
    "nothing found": "/?q=nothing-has-this",
    "no such event": "/__console/events?name=nothing-has-this",
    "new database": "/__console/base/database",
    "new resource": "/__console/base/resource",
}


#: The tables of which a part is out of sight; the chart begins at the present.
_HIDDEN = """[...document.querySelectorAll(".scroll:not(.newest)")]
    .filter((frame) => frame.scrollWidth > frame.clientWidth).map((frame) => frame.innerText.slice(0, 60))"""


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on which something has happened."""
    server = Server(tmp_path_factory.mktemp("console"), "--durability", "none").start()
    send_requests(server)
    report_events(server)
    server.post(
        "/__admin/faults", {"then": {"status": 503}, "match": {"provider": "ios-apns"}, "delay_ms": 5}
    )
    yield server
    server.kill()


def findings(console: Console) -> list[str]:
    """What axe-core finds on the page."""
    if not console.page.evaluate("'axe' in window"):
        console.page.evaluate(axe.Axe().axe_script)
    violations = console.page.evaluate(
        "async () => (await axe.run({resultTypes: ['violations']})).violations"
    )
    return [
        f"{one['id']}: {node['target']} {node.get('failureSummary', '')}"
        for one in violations
        for node in one["nodes"]
    ]


@pytest.mark.parametrize(("language", "dark"), [("en", False), ("ru", True)])
def test_axe_finds_nothing_on_any_page_wide_and_narrow_light_and_dark(
    open_console: Callable[..., Console], furnished: Server, language: str, dark: bool
) -> None:
    console = open_console(server=furnished, workspace="default", language=language, dark=dark)
    for name, path in ALL.items():
        page = console.go(path)
        assert findings(console) == [], name
        page.set_viewport_size({"width": 360, "height": 800})
        page.emulate_media(color_scheme="light" if dark else "dark")
        assert findings(console) == [], f"{name} on a phone"
        page.set_viewport_size({"width": 1280, "height": 800})
        page.emulate_media(color_scheme="dark" if dark else "light")


def test_axe_finds_nothing_in_the_import_wizard(
    open_console: Callable[..., Console], furnished: Server, csv_file: Path
) -> None:
    console = open_console(server=furnished, workspace="default")
    page = console.go("import")
    page.set_input_files("[name=file]", csv_file)
    page.click("button.primary")
    assert findings(console) == []
    page.click("[name=dry_run]")
    page.wait_for_selector(".heading >> text=finished")
    assert findings(console) == []


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_page_fits_a_phone_of_360_pixels(
    open_console: Callable[..., Console], furnished: Server, language: str
) -> None:
    console = open_console(server=furnished, workspace="default", language=language, width=360)
    for name, path in ALL.items():
        page = console.go(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, name
        assert page.evaluate(_HIDDEN) == [], name
        assert page.locator("h1").bounding_box()["x"] >= 0


def test_the_first_tab_leads_past_the_navigation(
    open_console: Callable[..., Console], furnished: Server
) -> None:
    console = open_console(server=furnished, workspace="default")
    page = console.go("faults")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_every_page_has_a_title_and_one_heading_of_its_own(
    open_console: Callable[..., Console], furnished: Server
) -> None:
    console = open_console(server=furnished, workspace="default")
    titles = {console.go(path).title() for path in PAGES.values()}

    assert len(titles) >= len(PAGES) - 1
    assert all(title.endswith(" · push-emulator") for title in titles)
    for path in ALL.values():
        assert console.go(path).locator("h1").count() == 1, path


def test_every_tab_is_in_sight_on_a_phone(open_console: Callable[..., Console], furnished: Server) -> None:
    for language in ("en", "ru"):
        console = open_console(server=furnished, workspace="default", language=language, width=360)
        console.go("faults")
        for tab in console.find("nav.pages a").all():
            box = tab.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 360


def test_delete_stands_apart_from_save(open_console: Callable[..., Console], furnished: Server) -> None:
    console = open_console(server=furnished, workspace="default")
    for name in ("profile", "database", "resource"):
        console.go(name)
        save, delete = (
            console.find(f"main button.{one}").last.bounding_box() for one in ("primary", "danger")
        )
        assert save is not None
        assert delete is not None
        assert delete["y"] - (save["y"] + save["height"]) >= 40
