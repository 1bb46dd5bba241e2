"""The probes of one run: made-up names and what the person gave filled in."""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from emulator.compare.probes import MARK, PROBES, Probe
from emulator.rules.request import MAX_ID_LENGTH
from emulator.settings import MAX_BODY_BYTES


class Ready(Struct, frozen=True):
    """A probe with the names of a run filled in: the bytes to send, the headers, and the tokens that it may
    subscribe, each with its provider."""

    probe: Probe
    asks: str
    body: bytes
    headers: dict[str, str]
    tokens: dict[str, str]


class Given(Struct, frozen=True):
    """What the person gave the probes: the resource, providers, databases, a custom field with a value."""

    resource_token: str
    provider: str = "android-firebase"
    db_ids: Sequence[int] = ()
    field: tuple[str, Any] | None = None
    other_provider: str | None = None


def ready_probes(run: str, given: Given) -> Iterator[Ready]:
    """The probes of one run with its names: tokens and ids begin with ``emu-probe-RUN-``.

    Those that need what was not given are left out.
    """
    values: dict[str, Any] = {
        "$provider": given.provider,
        "$other_provider": given.other_provider,
        "$no_value": f"{MARK}-{run} is no such value",
        "$long": f"{MARK}-{run}-".ljust(MAX_ID_LENGTH + 1, "x"),
        "$large": "x" * MAX_BODY_BYTES,
    }
    if given.field is not None:
        values |= {"$field": given.field[0], "$value": given.field[1]}
    for probe in PROBES:
        if not probe.needs or getattr(given, probe.needs) is not None:
            yield _ready(probe, run, given, values)


def _ready(probe: Probe, run: str, given: Given, values: Mapping[str, Any]) -> Ready:
    asks, headers = named(probe.asks, run), dict(probe.headers)
    if isinstance(probe.body, str):
        return Ready(probe, asks, probe.body.encode(), headers, {})
    head = {
        "resource_token": given.resource_token,
        **({"db_ids": list(given.db_ids)} if given.db_ids else {}),
    }
    filled = _filled(head | probe.body, run, values)
    tokens = {
        one["subscription_id"]: one["provider"]
        for one in filled.get("subscriptions", ())
        if "subscription_id" in one and not one.get("unsubscribe")
    }
    data = json.dumps(filled, ensure_ascii=False).encode()
    return Ready(probe, asks, gzip.compress(data, mtime=0) if probe.compressed else data, headers, tokens)


def named(text: str, run: str) -> str:
    """A probe's text with the names of a run in place of ``$a`` …"""
    return " ".join(
        f"{MARK}-{run}-{word[1:]}" if word.startswith("$") and word not in ("$field", "$value") else word
        for word in text.split(" ")
    )


def _filled(value: Any, run: str, values: Mapping[str, Any]) -> Any:
    if isinstance(value, str) and value.startswith("$"):
        return values.get(value, f"{MARK}-{run}-{value[1:]}")
    if isinstance(value, dict):
        return {key: _filled(inner, run, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, run, values) for inner in value]
    return value
