"""Pictures of every page for the documentation: ``python -m tests.console.screenshots [FOLDER]``."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright

from tests.command_line import run_here
from tests.compare import added, answer, body, har, har_entry
from tests.console.chromium import launch
from tests.console.pages import PAGES
from tests.console.scene import APNS, PROFILE, report_events, send_requests
from tests.server import PAGE_TOKEN, ROOT, Server, subscription

FOLDER = ROOT / "docs" / "images"
WIDTH = 1200

#: Name → path, and how tall a picture may be, in pixels.
SHOTS = {
    "live": (PAGES["live"], 760),
    "request": ("/__console/requests/9", 1500),
    "events": (PAGES["events"], 760),
    "base": (PAGES["base"], 760),
    "profile": (f"/__console/base/profile?db_id=17&profile_id={PROFILE}", 1100),
    "faults": (PAGES["faults"], 1000),
    "recipe": ("/__console/faults/http-503", 1000),
    "overview": ("/w/team" + PAGES["overview"], 1000),
    "rules": (PAGES["rules"], 900),
}


def shoot(page: Page, name: str, most: int) -> None:
    """Take one picture of the page that is loaded."""
    height = int(page.evaluate("document.documentElement.scrollHeight"))
    clip = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": min(height, most)}
    page.screenshot(path=FOLDER / f"console-{name}.png", full_page=True, clip=clip)


def half_an_hour(server: Server) -> None:
    """Fill the chart of the workspace "team", whose clock is moved for it."""
    set_clock = "/w/team/__admin/clock"
    server.request("PUT", set_clock, b'{"advance": "-29m"}', {"Content-Type": "application/json"})
    send_requests(server, "/w/team")
    for minute in range(29):
        server.request("PUT", set_clock, b'{"advance": "1m"}', {"Content-Type": "application/json"})
        for number in range(2 + minute * 7 % 11 + minute % 4):
            token = f"token-{minute // 2}-{number % 6}"
            provider = "ios-apns" if number % 3 else "android-firebase" if number % 7 else "pigeon"
            unsubscribe = number % 5 == 4
            document = {
                "resource_token": PAGE_TOKEN,
                "subscriptions": [subscription(token, provider, unsubscribe=unsubscribe)],
            }
            server.post("/w/team/push_subscribe", document)


def import_file(page: Page, server: Server, folder: Path) -> None:
    """Walk through the wizard, taking a picture of its second and last step."""
    file = folder / "tokens.csv"
    rows = [f"{1000 + n};{int(APNS, 16) + n * 7919:064x}" for n in range(2000)]
    file.write_text("\n".join(["CustomNumber1;device_token", *rows, "no number;" + "f" * 64, "100;short"]))
    page.goto(server.url + PAGES["import"])
    page.set_input_files("[name=file]", file)
    page.select_option("[name=provider]", "ios-apns")
    page.click("button.primary")
    shoot(page, "import-columns", 1100)
    page.click("[name=dry_run]")
    page.wait_for_selector(".heading >> text=finished")
    shoot(page, "import-report", 900)


def open_report(page: Page, server: Server, folder: Path) -> None:
    """Compare recorded traffic, and take a picture of the report."""
    moved = [
        har_entry(body("phone-1", id=one), answer(added("phone-1", one))) for one in (PROFILE, PROFILE[::-1])
    ]
    (folder / "app.har").write_text(har(*moved, har_entry(body("phone-1"), "<html>", 502)))
    run_here("compare", folder / "app.har", "--report", folder / "report.json")
    page.goto(server.url + PAGES["comparison"])
    page.set_input_files("[name=file]", folder / "report.json")
    page.click(".panel button.primary")
    page.wait_for_selector("#h-result")
    shoot(page, "comparison", 1700)


def main() -> None:
    """Start a server, make something happen, take the pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = Path(place)
        server = Server(folder, "--durability", "none", "--seed", "1").start()
        browser = launch(playwright)
        try:
            send_requests(server)
            report_events(server, number=2)
            half_an_hour(server)
            fault = {"then": {"status": 503}, "match": {"provider": "ios-apns"}, "times": 3}
            server.post("/__admin/faults", fault)
            page = browser.new_page(viewport={"width": WIDTH, "height": 700}, locale="en")
            for name, (path, most) in SHOTS.items():
                page.goto(server.url + path)
                page.wait_for_load_state("load" if name in ("live", "events") else "networkidle")
                shoot(page, name, most)
            import_file(page, server, folder)
            open_report(page, server, folder)
            dark = browser.new_page(
                viewport={"width": WIDTH, "height": 700}, locale="ru", color_scheme="dark"
            )
            dark.goto(server.url + "/__console/requests/3")
            shoot(dark, "request-dark-ru", 1000)
            phone = browser.new_page(
                viewport={"width": 360, "height": 700}, locale="en", device_scale_factor=2
            )
            phone.goto(server.url)
            shoot(phone, "phone", 760)
        finally:
            browser.close()
            server.kill()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        FOLDER = Path(sys.argv[1])
    main()
