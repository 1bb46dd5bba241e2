"""``/__console/requests/ID``: one request, whole: what came, what went, why, and what to do with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

from flask import Blueprint, Response, copy_current_request_context, render_template, request, url_for

from emulator.endpoint.exchange import Exchange
from emulator.faults.catalogue import CATALOGUE
from emulator.journal.entry import outcome_word
from emulator.messages import Answer, Incoming
from emulator.web.console.presenters import reuse, why
from emulator.web.console.presenters.likeness import WORDS as LIKENESS_WORDS
from emulator.web.console.presenters.likeness import likenesses
from emulator.web.console.shown import entry_of, masked_entry, text
from emulator.web.current import emulator, workspace
from emulator.web.later import answer_later
from emulator.workspaces.workspace import Workspace

#: Added to what is sent again: the id of the request that it repeats.
REPLAY_HEADER = "x-emulator-replay-of"


def add_routes(blueprint: Blueprint) -> None:
    """Add this page's routes."""
    path = "/__console/requests/<int64:entry_id>"
    blueprint.add_url_rule(path, "request", show_request)
    blueprint.add_url_rule(path + "/<any(body, answer):part>.txt", "request_text", show_text)
    blueprint.add_url_rule(path + "/curl.txt", "request_curl", show_curl)
    blueprint.add_url_rule(path + "/profiles.json", "request_fixture", download_fixture)
    blueprint.add_url_rule(path + "/replay", "replay", replay, methods=["POST"])


def show_request(entry_id: int) -> str:
    """Everything about one request."""
    found = workspace()
    whole = entry_of(found, entry_id)
    entry = masked_entry(found, whole)
    journal = found.requests
    fixture = reuse.fixture_of(whole, found.store)
    return render_template(
        "console/request.html",
        curl=reuse.curl_of(entry, _base_url()),
        entry=entry,
        fixture=json.dumps(fixture, ensure_ascii=False, indent=2) if fixture else "",
        likenesses={name: LIKENESS_WORDS[name] for name in likenesses(whole)},
        newer=entry_id + 1 if journal.get(entry_id + 1) else None,
        older=entry_id - 1 if journal.get(entry_id - 1) else None,
        outcome=outcome_word(entry),
        profile_changes=why.profile_changes(entry),
        recipes=[recipe for recipe in CATALOGUE.values() if recipe.fault],
        remarks=why.remarks(entry),
        steps=why.steps(entry),
        subscription_changes=why.subscription_changes(entry),
    )


def show_text(entry_id: int, part: str) -> Response:
    """The body or the answer, whole, as plain text."""
    found = workspace()
    return text(getattr(masked_entry(found, entry_of(found, entry_id)), part))


def show_curl(entry_id: int) -> Response:
    """The command that sends the same again, with the real resource token: for the copy button."""
    return text(reuse.curl_of(entry_of(workspace(), entry_id), _base_url()))


def download_fixture(entry_id: int) -> Response:
    """The request's profiles as a profiles.json."""
    found = workspace()
    fixture = reuse.fixture_of(entry_of(found, entry_id), found.store)
    response = Response(json.dumps(fixture, ensure_ascii=False, indent=2), mimetype="application/json")
    response.headers["Content-Disposition"] = "attachment; filename=profiles.json"
    return response


def replay(entry_id: int) -> Response:
    """Send the same again, and show what came of it."""
    found = workspace()
    entry = entry_of(found, entry_id)
    client = f"{request.remote_addr}:{request.environ.get('REMOTE_PORT', 0)}"
    incoming = Incoming(
        entry.method,
        entry.path,
        entry.query,
        {**entry.headers, REPLAY_HEADER: str(entry_id)},
        entry.body_bytes,
        client,
    )
    location = copy_current_request_context(partial(url_for, "console.request"))
    return answer_later(_replayed(emulator().exchange, found, incoming, location))


async def _replayed(
    exchange: Exchange, found: Workspace, incoming: Incoming, location: Callable[..., str]
) -> Answer:
    answer = exchange.handle(incoming)
    if answer.delivery is not None and answer.delivery.wait is not None:
        await answer.delivery.wait  # recorded when the disk has it; a fault's delay is not waited for
    return Answer(303, [("Location", location(entry_id=found.requests.recorded))], b"")


def _base_url() -> str:
    # Without the workspace: an entry's path has its own.
    return request.host_url.rstrip("/")
