"""``/__console/requests/ID``: one whole request: what came, the answer, the reasons, the tools."""

from bisect import bisect_left
from functools import partial
from typing import Any, NamedTuple

from flask import Response, copy_current_request_context, render_template, request, url_for

from emulator.faults.catalogue import CATALOGUE
from emulator.journal.entry import Entry, outcome_word
from emulator.journal.journal import RequestJournal
from emulator.messages import Answer, Incoming
from emulator.rules.model import Subscription
from emulator.web.admin.health import rule_states
from emulator.web.admin.loading import read_digits
from emulator.web.console.pages import page_later, pages, plain_text
from emulator.web.console.presenters import reuse
from emulator.web.console.presenters.filters import told
from emulator.web.console.presenters.pytest_text import pytest_of
from emulator.web.console.shown import attempts_of, entry_of, masked_entry, row_of
from emulator.web.current import emulator, root_url, workspace
from emulator.web.later import answer_later
from emulator.workspaces.workspace import Workspace

#: Added to what is sent again: the id of the request that it repeats.
REPLAY_HEADER = "x-emulator-replay-of"
#: Rows of a table that are shown without being asked for, and the most attempts around a request.
MOST_OPEN, MOST_ATTEMPTS = 10, 50
#: Subscriptions of the profiles that are shown as a fixture; more can be downloaded.
MOST_IN_FIXTURE = 200

_PATH = "/__console/requests/<int64:entry_id>"


@pages.get(_PATH)
def one_request(entry_id: int) -> Response:
    """Everything about one request."""
    found = workspace()
    whole = entry_of(found, entry_id)
    attempts = attempts_of(found)

    async def gather() -> str | None:
        await attempts.follow()
        return await reuse.fixture_of(whole, found.store, MOST_IN_FIXTURE)

    return page_later(gather(), lambda fixture: _page(found, whole, fixture))


def _page(found: Workspace, whole: Entry, fixture: str | None) -> str:
    entry, entry_id = masked_entry(found, whole), whole.id
    journal, ids = found.requests, attempts_of(found).like(entry_id)
    return render_template(
        "console/request.html",
        attempts=_attempts_around(journal, ids, entry_id),
        attempt_count=len(ids),
        criteria=_criteria(whole),
        curl=reuse.curl_of(entry, root_url()),
        entry=entry,
        fixture=fixture,
        likenesses=reuse.likenesses(whole),
        most_open=MOST_OPEN,
        newer=entry_id + 1 if journal.get(entry_id + 1) else None,
        older=entry_id - 1 if journal.get(entry_id - 1) else None,
        pytest_text=pytest_of(found, entry, emulator().settings.show_secrets),
        recipes=[recipe for recipe in CATALOGUE.values() if recipe.fault],
        replay_of=read_digits(entry.headers.get(REPLAY_HEADER)),
        rules={one.id: one for one in rule_states(found)},
        row=row_of(entry),
        spoiled=entry.effect is not None or entry.answered_by_fault,
        subscriptions=_changed_subscriptions(entry),
        why=_reasons(entry),
    )


class Attempt(NamedTuple):
    """One of several attempts: its number, its entry, its outcome, the time since the one before."""

    number: int
    entry: Entry
    outcome: str
    gap_ms: int | None


def _attempts_around(journal: RequestJournal, ids: list[int], entry_id: int) -> list[Attempt]:
    """The attempts nearest to a request, itself among them; ``ids``: all of them."""
    if not ids:
        return []
    first = max(0, bisect_left(ids, entry_id) - MOST_ATTEMPTS // 2)
    shown: list[Attempt] = []
    for number, one in enumerate(ids[first : first + MOST_ATTEMPTS], first + 1):
        entry = journal.get(one)
        if entry is not None:
            gap_ms = entry.at_ms - shown[-1].entry.at_ms if shown else None
            shown.append(Attempt(number, entry, outcome_word(entry), gap_ms))
    return shown


class Meant(NamedTuple):
    """A subscription that a rule was about; ``databases``: those in which the rule said the same of it."""

    position: int
    provider: str
    token: str
    told: str
    databases: list[int]


class Reason(NamedTuple):
    """All decisions of a rule with the same result.

    ``told`` and ``databases`` stand here where they are the same for all subscriptions, else there.
    """

    rule: str
    told: str
    databases: list[int]
    meant: list[Meant]


def _reasons(entry: Entry) -> list[Reason]:
    """Why the entry was answered so, in the order in which the rules first decided."""
    tokens = entry.sent_tokens()
    #: By rule and code; in each the databases by position and text.
    grouped: dict[tuple[str, str], dict[tuple[int | None, str], list[int]]] = {}
    for one in entry.decided:
        texts = grouped.setdefault((one.rule, one.code), {})
        databases = texts.setdefault((one.subscription, told(one)), [])
        if one.db_id is not None:
            databases.append(one.db_id)
    return [reason for (rule, _), texts in grouped.items() for reason in _reasons_of(rule, texts, tokens)]


def _reasons_of(
    rule: str, texts: dict[tuple[int | None, str], list[int]], tokens: list[tuple[str, str]]
) -> list[Reason]:
    whole = [Reason(rule, text, databases, []) for (at, text), databases in texts.items() if at is None]
    meant = [
        Meant(at, *(tokens[at] if at < len(tokens) else ("", "")), text, databases)
        for (at, text), databases in texts.items()
        if at is not None
    ]
    if not meant:
        return whole
    said = meant[0].told if len({one.told for one in meant}) == 1 else ""
    databases = meant[0].databases if all(one.databases == meant[0].databases for one in meant) else []
    return [*whole, Reason(rule, said, databases, meant)]


def _criteria(entry: Entry) -> dict[str, Any]:
    """The initial values of a fault's form: all short criteria that this request meets."""
    match = {name: value for one in reuse.likenesses(entry).values() for name, value in one.items()}
    match["resource_id"] = entry.resource_id if match.pop("resource_token", None) else None
    return {name: value for name, value in match.items() if value is not None and len(str(value)) <= 1000}


def _changed_subscriptions(entry: Entry) -> list[tuple[str | None, Subscription]]:
    """Each subscription that changed, in order, behind its status before (``None``: it is new).

    The journal keeps what each became; what it was stands in the note of the rule that changed it: each note
    of S1 (added), S2 (changed), S4 (moved), K11, K20 and K30 (status_of) in a database stands for one change,
    in the same order.
    """
    if entry.changes is None:
        return []
    before = [
        None if one.code == "added" else "subscribed" if one.code == "moved" else str(one.parameters[-2])
        for one in entry.decided
        if one.db_id is not None and one.code in ("added", "changed", "moved", "status_of")
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


@pages.get(_PATH + "/test.py.txt")
def request_pytest(entry_id: int) -> Response:
    """A pytest test that sends the same and asserts the answer: for the copy button."""
    return plain_text(pytest_of(workspace(), entry_of(workspace(), entry_id), True))


@pages.get(_PATH + "/profiles.json")
def request_fixture(entry_id: int) -> Response:
    """The request's profiles as a profiles.json."""
    found = workspace()
    headers = {"Content-Disposition": "attachment; filename=profiles.json"}
    return page_later(
        reuse.fixture_of(entry_of(found, entry_id), found.store),
        lambda fixture: Response(fixture or "[]", headers=headers, mimetype="application/json"),
    )


@pages.post(_PATH + "/replay")
def replay(entry_id: int) -> Response:
    """Send the same again, and show the answer."""
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
