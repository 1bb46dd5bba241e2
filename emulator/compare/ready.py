"""The probes of one run: made-up names and what the person gave filled in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from emulator.compare.probes import MARK, PROBES, Probe


class Ready(Struct, frozen=True):
    """A probe with the names of a run filled in: the bytes to send, the tokens that it may subscribe."""

    probe: Probe
    asks: str
    body: bytes
    tokens: tuple[str, ...]


def ready_probes(
    run: str,
    resource_token: str,
    provider: str,
    db_ids: Sequence[int] = (),
    field: tuple[str, Any] | None = None,
) -> Iterator[Ready]:
    """The probes of one run with its names: tokens and ids begin with ``emu-probe-RUN-``.

    Without ``field``, a name and a value, those that need one are left out.
    """
    values: dict[str, Any] = {"$provider": provider, "$no_value": f"{MARK}-{run} is no such value"}
    if field is not None:
        values |= {"$field": field[0], "$value": field[1]}
    for probe in PROBES:
        if probe.needs_field and field is None:
            continue
        if isinstance(probe.body, str):
            yield Ready(probe, named(probe.asks, run), probe.body.encode(), ())
            continue
        body = {
            "resource_token": resource_token,
            **({"db_ids": list(db_ids)} if db_ids else {}),
            **probe.body,
        }
        filled = _filled(body, run, values)
        wanted = [one for one in filled.get("subscriptions", ()) if not one.get("unsubscribe")]
        tokens = dict.fromkeys(one["subscription_id"] for one in wanted)
        data = json.dumps(filled, ensure_ascii=False).encode()
        yield Ready(probe, named(probe.asks, run), data, tuple(tokens))


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
