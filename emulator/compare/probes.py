"""The probes: what is sent to the platform to see which rules it follows. ``probes.json`` has them.

A run fills made-up names, and what the person gave, into them.
"""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from emulator.rules.request import MAX_ID_LENGTH
from emulator.rules.texts import PLACE, Message
from emulator.settings import MAX_BODY_BYTES

#: The beginning of every token and id that a probe makes up.
MARK = "emu-probe"


class Probe(Struct, frozen=True, kw_only=True):
    """One request to the platform.

    ``rule``: what it asks about. ``creates``: what it leaves on the platform's side. ``meanings``: what each
    possible answer means. ``body``: the request without its resource token; ``$name`` stands for a token or
    an id made up for this run, ``$field``, ``$value`` and ``$other_provider`` for what the person gave.
    ``statuses``: those of 401, 403 and 5xx that are an answer; at others of these the run stops. ``path``
    comes after the address. ``prepares``: it only makes the next probe possible.
    ``other_answers``: a redirect, and what is no JSON, are an answer, too. ``needs``: what the person must
    have given.
    """

    rule: str
    asks: str
    meanings: tuple[str, ...]
    body: dict[str, Any] | str
    creates: str = "nothing"
    method: str = "POST"
    path: str = "/push_subscribe"
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    statuses: tuple[int, ...] = ()
    prepares: bool = False
    compressed: bool = False
    other_answers: bool = False
    needs: Literal["", "field", "other_provider"] = ""


#: The members that people read.
_TEXTS = ("creates", "meanings")
PROBES = msgspec.json.decode(files(__package__).joinpath("probes.json").read_bytes(), type=tuple[Probe, ...])


class Ready(Struct, frozen=True):
    """A probe whose texts have the names of a run, the bytes to send, and the tokens that it may subscribe,
    each with its provider."""

    probe: Probe
    asks: Message
    body: bytes
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
            texts = {name: _filled(getattr(probe, name), run, values) for name in _TEXTS}
            names = {name: _filled(f"${name}", run, values) for name in PLACE.findall(probe.asks)}
            yield _ready(replace(probe, **texts), Message(probe.asks, names), run, given, values)


def _ready(probe: Probe, asks: Message, run: str, given: Given, values: Mapping[str, Any]) -> Ready:
    if isinstance(probe.body, str):
        return Ready(probe, asks, probe.body.encode(), {})
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
    return Ready(probe, asks, gzip.compress(data, mtime=0) if probe.compressed else data, tokens)


def _filled(value: Any, run: str, values: Mapping[str, Any]) -> Any:
    """The value with the names of a run in place of ``$a`` …, also inside a text."""
    if isinstance(value, str) and " " in value:
        return " ".join(str(_filled(word, run, values)) for word in value.split(" "))
    if isinstance(value, str) and value.startswith("$"):
        return values.get(value, f"{MARK}-{run}-{value[1:]}")
    if isinstance(value, dict):
        return {key: _filled(inner, run, values) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_filled(inner, run, values) for inner in value]
    return value
