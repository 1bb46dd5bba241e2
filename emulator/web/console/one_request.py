"""``/__console/requests/ID``: one request, whole: what came, what went, why, and what to do with it."""

from __future__ import annotations

from functools import partial

from flask import Response, copy_current_request_context, render_template, request, url_for

from emulator.faults.catalogue import CATALOGUE
from emulator.journal.entry import Entry, outcome_word
from emulator.messages import Answer, Incoming
from emulator.rules.model import Subscription
from emulator.web.admin.rules import rule_states
from emulator.web.console.pages import pages, plain_text
from emulator.web.console.presenters import reuse
from emulator.web.console.shown import entry_of, masked_entry
from emulator.web.current import emulator, root_url, workspace
from emulator.web.later import answer_later

#: Added to what is sent again: the id of the request that it repeats.
REPLAY_HEADER = "x-emulator-replay-of"
#: What to do about each lint.
FIXES = {
    "L1": "Remove the parameter, or use its documented name.",
    "L2": "Send the header Content-Type: application/json.",
    "L3": "Check which SDK issued the token: the platform cannot deliver to a token of another provider.",
    "L4": "List only databases of this resource in db_ids, or omit db_ids.",
    "L5": "Omit id: matching custom uses only field_name and field_value.",
    "L6": "Send the profile id that the platform issued, or match by a custom field.",
    "L7": "Send the value as the JSON type of the field.",
    "L8": "Send each key once: readers of JSON differ in which of them they use.",
    "L9": "Send the token as the SDK issued it: upper and lower case letters count.",
}


_PATH = "/__console/requests/<int64:entry_id>"


@pages.get(_PATH)
def one_request(entry_id: int) -> str:
    """Everything about one request."""
    found = workspace()
    whole = entry_of(found, entry_id)
    entry = masked_entry(found, whole)
    journal = found.requests
    return render_template(
        "console/request.html",
        curl=reuse.curl_of(entry, root_url()),
        entry=entry,
        fixes=FIXES,
        fixture=reuse.fixture_of(whole, found.store),
        likenesses={name: reuse.LIKENESSES[name] for name in reuse.likenesses(whole)},
        newer=entry_id + 1 if journal.get(entry_id + 1) else None,
        older=entry_id - 1 if journal.get(entry_id - 1) else None,
        outcome=outcome_word(entry),
        recipes=[recipe for recipe in CATALOGUE.values() if recipe.fault],
        rules={one.id: one for one in rule_states(found)},
        subscriptions=_changed_subscriptions(entry),
    )


def _changed_subscriptions(entry: Entry) -> list[tuple[str | None, Subscription]]:
    """Each subscription that changed, in order, behind its status before (``None``: it is new).

    The journal keeps what each became; what it was stands in the note of the rule that changed it: each note
    of S1 (added), S2 (changed) and S4 (moved) in a database stands for one change, in the same order.
    """
    if entry.changes is None:
        return []
    before = [
        None if one.code == "added" else "subscribed" if one.code == "moved" else str(one.parameters[0])
        for one in entry.decided
        if one.db_id is not None and one.code in ("added", "changed", "moved")
    ]
    return list(zip(before, entry.changes.subscriptions, strict=False))


@pages.get(_PATH + "/<any(body, answer):part>.txt")
def request_text(entry_id: int, part: str) -> Response:
    """The body or the answer, whole, as plain text."""
    found = workspace()
    return plain_text(getattr(masked_entry(found, entry_of(found, entry_id)), part))


@pages.get(_PATH + "/curl.txt")
def request_curl(entry_id: int) -> Response:
    """The command that sends the same again, with the real resource token: for the copy button."""
    return plain_text(reuse.curl_of(entry_of(workspace(), entry_id), root_url()))


@pages.get(_PATH + "/profiles.json")
def request_fixture(entry_id: int) -> Response:
    """The request's profiles as a profiles.json."""
    found = workspace()
    fixture = reuse.fixture_of(entry_of(found, entry_id), found.store) or "[]"
    headers = {"Content-Disposition": "attachment; filename=profiles.json"}
    return Response(fixture, headers=headers, mimetype="application/json")


@pages.post(_PATH + "/replay")
def replay(entry_id: int) -> Response:
    """Send the same again, and show what came of it."""
    found = workspace()
    entry = entry_of(found, entry_id)
    client = f"{request.remote_addr}:{request.environ.get('REMOTE_PORT', 0)}"
    headers = {**entry.headers, REPLAY_HEADER: str(entry_id)}
    incoming = Incoming(entry.method, entry.path, entry.query, headers, entry.body_bytes, client)
    location = copy_current_request_context(partial(url_for, "console.one_request"))
    exchange = emulator().exchange

    async def replayed() -> Answer:
        answer = exchange.handle(incoming)
        if answer.delivery is not None and answer.delivery.wait is not None:
            await answer.delivery.wait  # recorded when the disk has it; a fault's delay is not waited for
        return Answer(303, [("Location", location(entry_id=found.requests.recorded))], b"")

    return answer_later(replayed())
