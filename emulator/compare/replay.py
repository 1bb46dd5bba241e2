"""Recorded requests, answered once more by the emulator in a scratch workspace in memory."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from emulator.compare.attribution import carried_out, differing_by_rule, rules_seen
from emulator.compare.differences import ComparedMember, Identity, Pairs, compare_answers, compare_headers
from emulator.compare.inference import infer_fixtures, known_tokens
from emulator.compare.recorded import RecordedCall, json_object
from emulator.endpoint.exchange import Exchange
from emulator.journal.entry import Entry
from emulator.messages import Incoming
from emulator.settings import MAX_BODY_BYTES, Settings
from emulator.store.fixture_set import FixtureSet
from emulator.workspaces.registry import Workspaces
from push_emulator.masking import mask

#: The members that differ if a subscription existed before on one side alone.
_OTHER_ITEMS = ("count", "item", "subscription_id")


class Compared(Struct):
    """One call, the emulator's answer to it, and both answers member by member.

    ``differing``: the rules to which the differing members belong; ``seen``: all rules that the call shows.
    """

    call: RecordedCall
    status: int
    answer: dict[str, Any]
    rows: list[ComparedMember]
    entry: Entry
    seen: list[str]
    differing: dict[str, list[ComparedMember]]


def replay(calls: Iterable[RecordedCall], fixtures: FixtureSet, settings: Settings) -> Iterator[Compared]:
    """Answer the calls in order, in a fresh workspace of these fixtures, and compare each answer.

    ``settings``: the policies and what else a workspace starts with. No file is written.
    """
    workspaces = Workspaces(settings, fixtures)
    exchange = Exchange(workspaces)
    scratch = workspaces.default
    tokens = known_tokens(fixtures.resources)
    identity: Identity = defaultdict(Pairs)
    refused_before = False
    for call in calls:
        body = _translated(call, tokens, identity)
        incoming = Incoming(call.method, call.path, call.query, dict(call.headers), body, "")
        if len(body) > MAX_BODY_BYTES:
            incoming.problem = "too_large"
        with scratch.store.at_once():
            answer = exchange.handle(incoming)
        entry = scratch.requests.get(scratch.requests.recorded)
        if entry is None or call.method == "OPTIONS":  # no journal has a preflight
            entry = Entry(
                0, 0, call.method, call.path, "", "", call.headers, b"", answer.status, 0, "", b"", 0
            )
        here = json_object(answer.body) or {}
        there = call.answer
        rows = compare_headers(call, answer.status, dict(answer.headers))
        seen = ["Q4"] if rows else []
        if call.method != "OPTIONS":
            rows = compare_answers(call, there, answer.status, here, identity) + rows
            seen = rules_seen(entry, here) + seen
        differing = differing_by_rule(rows, entry, here, there)
        if call.rule == "A6" and refused_before:
            seen.append("A6")
            if any(row.member in _OTHER_ITEMS for found in differing.values() for row in found):
                differing = {"A6": [row for found in differing.values() for row in found]}
        refused_before = not carried_out(there)
        yield Compared(call, answer.status, here, rows, entry, seen, differing)


def replay_apart(
    calls: Iterable[RecordedCall], fixtures: FixtureSet, settings: Settings
) -> Iterator[Compared]:
    """:func:`replay` in a scratch workspace for each call; the past of that call alone is inferred."""
    for call in calls:
        yield from replay([call], infer_fixtures([call], fixtures), settings)


def _translated(call: RecordedCall, tokens: dict[str, str], identity: Identity) -> bytes:
    """The body for the emulator: a masked token, ids of profiles and of databases as the emulator has them.

    A body without any of these stays as it is, byte for byte.
    """
    request = call.request
    change: dict[str, Any] = {}
    token = request.get("resource_token")
    if isinstance(token, str) and tokens.get(token, tokens.get(mask(token), token)) != token:
        change["resource_token"] = tokens.get(token, tokens.get(mask(token)))
    profile_id = request.get("id")
    if isinstance(profile_id, str) and profile_id and request.get("matching") != "custom":
        profiles = identity["profile_id"]
        if not profiles.knows(profile_id):
            profiles.join(profile_id, profile_id)
        change |= _if_other("id", profile_id, profiles.here(profile_id))
    db_ids = request.get("db_ids")
    if isinstance(db_ids, list):
        change |= _if_other("db_ids", db_ids, [identity["db_id"].here(one) for one in db_ids])
    return json.dumps(request | change).encode() if change else call.body


def _if_other(name: str, there: Any, here: Any) -> dict[str, Any]:
    return {} if there == here else {name: here}
