"""Write the recipes of ``qa.md`` from a run: ``python docs/cookbook.py``. A test checks for drift."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from emulator.faults.catalogue import CATALOGUE, GROUPS, Recipe, curl  # noqa: E402
from emulator.fixtures.load import load_fixtures  # noqa: E402
from emulator.settings import DEFAULT_FIXTURES  # noqa: E402
from push_emulator import EmulatorClient, LocalServer  # noqa: E402 (the clone's own package)

SHOWN_URL = "http://127.0.0.1:8080"
_TOKEN = "3LXP2FRcRxJ-7b14db88ec937f14"
#: The text above this line is written by hand.
MARK = "<!-- The recipes: written by docs/cookbook.py, from a run. -->"
#: Seconds that curl waits: for delayed answers, and for answers that are later than any client waits.
_PATIENCE_S, _IMPATIENCE_S = 20, 1
_LONGEST_COMMAND = 400


class Shown(NamedTuple):
    """What curl printed, and whether the state changed."""

    output: str
    changed: bool


class Kitchen:
    """Runs recipes, each in a workspace of its own."""

    def __init__(self, server: LocalServer) -> None:
        self._server = server
        self._fixtures = load_fixtures(DEFAULT_FIXTURES)

    def by_request(self, recipe: Recipe) -> tuple[str, Shown]:
        """The command, as the page shows it, and its result."""
        assert recipe.call is not None
        with EmulatorClient(self._server.url, f"request-{recipe.id}") as client:
            resources, databases = self._fixtures.resources, self._fixtures.databases
            command = curl(recipe.call, client.url, resources, databases).replace("curl -i", "curl", 1)
            arguments = shlex.split(command.replace("\\\n", " "))[1:]
            return command.replace(client.url, SHOWN_URL), _run(client, arguments)

    def by_fault(self, recipe: Recipe) -> Shown:
        """A request while the recipe's fault is armed."""
        with EmulatorClient(self._server.url, f"fault-{recipe.id}") as client:
            _run(client, ["-d", json.dumps(recipe.fault), f"{client.url}/__admin/faults"])
            if recipe.fault and "rate_limit" in str(recipe.fault):
                _run(client, _push(client, "the-one-that-passes"))
            return _run(client, _push(client, "some-token"), _patience(recipe))

    def by_token(self, recipe: Recipe) -> Shown:
        """A request with the recipe's token."""
        with EmulatorClient(self._server.url, f"token-{recipe.id}") as client:
            return _run(client, _push(client, str(recipe.token)), _patience(recipe))


def _patience(recipe: Recipe) -> int:
    return _IMPATIENCE_S if recipe.fault and recipe.fault.get("delay_ms", 0) >= 60_000 else _PATIENCE_S


def _push(client: EmulatorClient, token: str) -> list[str]:
    subscriptions = [{"provider": "android-firebase", "subscription_id": token}]
    body = json.dumps({"resource_token": _TOKEN, "subscriptions": subscriptions})
    return ["-d", body, f"{client.url}/push_subscribe"]


def _run(client: EmulatorClient, arguments: list[str], patience_s: int = _PATIENCE_S) -> Shown:
    before = client.health()
    command = ["curl", "-sS", "--noproxy", "*", "--max-time", str(patience_s), "-w", "\n%{http_code}"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    after = client.health()
    body, _, status = done.stdout.rpartition("\n")
    lines = [f"HTTP {status}"] if status != "000" else []
    lines += [body.replace(f"/w/{client.workspace}/", "/")] if body else []
    if done.stderr:
        lines.append(re.sub(r"after \d+ milli", f"after {patience_s}000 milli", done.stderr.strip()))
    changed = (before.profiles, before.subscriptions) != (after.profiles, after.subscriptions)
    return Shown("\n".join(lines), changed)


def _section(recipe: Recipe, tried: Mapping[str, Any]) -> list[str]:
    """One recipe: its ways, and the result of each."""
    rule = f" Rule {recipe.rule}." if recipe.rule else ""
    lines = [f"### {recipe.title}", "", f"{recipe.shows}{rule}", ""]
    if "request" in tried:
        command, shown = tried["request"]
        assert '"error":0,' not in shown.output, recipe.id
        lines += ["A request that meets it:", "", "```sh", _shortened(command), "```", "", *_block(shown)]
    shown = None
    for way, text in (("fault", json.dumps(recipe.fault)), ("token", recipe.token)):
        if way not in tried:
            continue
        same = shown is not None and shown.output == tried[way].output
        shown = tried[way]
        lines += [f"The {way}: `{text}`" + (", with the same answer." if same else ""), ""]
        lines += [] if same else _block(shown)
    if shown is not None:
        lines += ["The state changes all the same." if shown.changed else "Nothing changes.", ""]
    return lines


def _shortened(command: str) -> str:
    return command if len(command) <= _LONGEST_COMMAND else f"{command[:_LONGEST_COMMAND]} …"


def _block(shown: Shown) -> list[str]:
    return ["```", shown.output, "```", ""]


def sections() -> Iterator[str]:
    """Every recipe's lines, group by group."""
    with LocalServer(None, "--seed", "1") as server, ThreadPoolExecutor(24) as pool:
        kitchen = Kitchen(server)
        made: dict[str, dict[str, Future[Any]]] = {}
        for recipe in CATALOGUE.values():
            ways = {
                "request": (recipe.call, kitchen.by_request),
                "fault": (recipe.fault, kitchen.by_fault),
                "token": (recipe.token, kitchen.by_token),
            }
            made[recipe.id] = {
                way: pool.submit(attempt, recipe)
                for way, (given, attempt) in ways.items()
                if given is not None
            }
        for group, title in GROUPS.items():
            yield from (f"## {title}", "")
            for recipe in CATALOGUE.values():
                if recipe.group == group:
                    yield from _section(recipe, {way: one.result() for way, one in made[recipe.id].items()})


def page() -> str:
    """The whole page."""
    by_hand = (FOLDER / "qa.md").read_text(encoding="utf-8").partition(MARK)[0]
    return f"{by_hand}{MARK}\n\n" + "\n".join(sections()).rstrip() + "\n"


if __name__ == "__main__":
    (FOLDER / "qa.md").write_text(page(), encoding="utf-8")
