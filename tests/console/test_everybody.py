"""Each page for everybody: by keyboard and screen reader, on a small phone, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.console.pages import PAGES, Console
from tests.console.scene import report_events, send_requests
from tests.in_process import InProcess
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


#: Addresses that are no pages: texts, streams, downloads, static files.
_NO_PAGE = re.compile(r"\.(txt|json|csv|svg)$|/live$|/stream$|/static/")
#: Pages that have tests of their own below.
_WIZARD = {"console.mapping", "console.job", "console.sign_in"}
#: The tables of which a part is out of sight, once the page knows its size; the chart begins at the present.
_HIDDEN = """async () => {
  for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
  return [...document.querySelectorAll(".scroll:not(.newest)")]
    .filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.innerText.slice(0, 60));
}"""


@pytest.fixture(scope="module")
def furnished(shared: Server) -> str:
    """A workspace in which something has happened."""
    name, prefix = "furnished", "/w/furnished"
    send_requests(shared, prefix)
    report_events(shared, prefix)
    fault = {"then": {"status": 503}, "match": {"provider": "ios-apns"}, "delay_ms": 5}
    assert shared.post(f"{prefix}/__admin/faults", fault).status == 201
    return name


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


def test_every_page_of_the_console_is_among_those_that_are_looked_at() -> None:
    with InProcess() as app:
        addresses = app.app.url_map.bind("localhost")
        rules = [one for one in app.app.url_map.iter_rules() if one.endpoint.startswith("console.")]
    shown = {one.endpoint for one in rules if "GET" in one.methods and not _NO_PAGE.search(one.rule)}
    looked_at = {addresses.match(path.partition("?")[0])[0] for path in ALL.values()}
    assert shown - looked_at - _WIZARD == {"console.unknown", "console.without_page"}


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_page_is_fit_for_everybody_wide_and_on_a_phone_light_and_dark(
    open_console: Callable[..., Console], furnished: str, language: str
) -> None:
    console = open_console(workspace=furnished, language=language)
    titles = set()
    for name, path in ALL.items():
        page = console.go(path)
        assert page.locator("h1").count() == 1, name
        titles.add(page.title())
        if language == "en":  # axe looks at no words
            assert findings(console) == [], name
        assert page.evaluate(_HIDDEN) == [], name
        page.set_viewport_size({"width": 360, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, name
        assert page.evaluate(_HIDDEN) == [], name
        assert page.locator("h1").bounding_box()["x"] >= 0
        if language == "en":
            page.emulate_media(color_scheme="dark")
            assert findings(console) == [], f"{name} on a phone"
            page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 1000, "height": 800})
        assert page.evaluate(_HIDDEN) == [], f"{name} on a tablet"
        page.set_viewport_size({"width": 1280, "height": 800})
    assert len(titles) >= len(PAGES) - 1
    assert all(title.endswith(" · push-emulator") for title in titles)


def test_axe_finds_nothing_in_the_import_wizard(
    open_console: Callable[..., Console], furnished: str, csv_file: Path
) -> None:
    console = open_console(workspace=furnished, language="ru")
    page = console.go("import")
    page.set_input_files("[name=file]", csv_file)
    page.click("button.primary")
    look_wide_and_narrow(console)
    page.click("[name=dry_run]")
    page.wait_for_selector(".heading >> text=завершён")
    look_wide_and_narrow(console)


def look_wide_and_narrow(console: Console) -> None:
    """Nothing is found on the page that is loaded, and nothing of it is out of sight on a phone."""
    assert findings(console) == []
    console.page.set_viewport_size({"width": 360, "height": 800})
    assert findings(console) == []
    assert console.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert console.page.evaluate(_HIDDEN) == []
    console.page.set_viewport_size({"width": 1280, "height": 800})


def test_axe_finds_nothing_on_the_page_of_an_error(
    open_console: Callable[..., Console], furnished: str
) -> None:
    console = open_console(workspace=furnished, language="ru")
    console.go("/__console/base/profile?db_id=17&profile_id=" + "нет" * 20)
    look_wide_and_narrow(console)
    console.allow_complaint("404")


def test_axe_finds_nothing_on_the_sign_in_page(
    open_console: Callable[..., Console], start_server: Callable[..., Server]
) -> None:
    server = start_server("--durability", "none", "--admin-token", "t")
    console = open_console(server=server, workspace="default", language="ru")
    console.go("live")
    assert console.find("[type=password]").count() == 1
    look_wide_and_narrow(console)


def test_the_first_tab_leads_past_the_navigation(
    open_console: Callable[..., Console], furnished: str
) -> None:
    console = open_console(workspace=furnished)
    page = console.go("faults")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_every_tab_is_in_sight_on_a_phone(open_console: Callable[..., Console], furnished: str) -> None:
    for language in ("en", "ru"):
        console = open_console(workspace=furnished, language=language, width=360)
        console.go("faults")
        for tab in console.find("nav.pages a").all():
            box = tab.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 360


def test_delete_stands_apart_from_save(open_console: Callable[..., Console], furnished: str) -> None:
    console = open_console(workspace=furnished)
    for name in ("profile", "database", "resource"):
        console.go(name)
        save, delete = (
            console.find(f"main button.{one}").last.bounding_box() for one in ("primary", "danger")
        )
        assert save is not None
        assert delete is not None
        assert delete["y"] - (save["y"] + save["height"]) >= 40
