"""Hiding secrets in what is shown: resource tokens and credentials."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, unquote_plus

from msgspec.structs import replace

from emulator.journal.entry import Entry, showable
from emulator.rules.model import Parameters
from push_emulator.masking import mask

#: Shorter tokens hide nothing, and are words of other texts too.
SHORTEST_KNOWN = 8
_SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization", "x-api-key")
_SECRET_PARAMETERS = ("resource_token", "token")
_IN_JSON = re.compile(r'("resource_token"\s*:\s*")((?:[^"\\]|\\.)*)')
#: What clients send that takes the body for a form, or a Python dictionary for JSON.
_ELSEWHERE = re.compile(r"""(resource_token['"]?\s*[:=]\s*'?)([^\s'"&,}]+)""")

Hide = Callable[[str], str]


def mask_value(value: Any) -> Any:
    """A secret's value masked; ``None`` stays."""
    return None if value is None else mask(str(value))


def masked(entry: Entry, tokens: Iterable[str] = ()) -> Entry:
    """The entry with its secrets hidden: in the body, in the query and in headers.

    ``tokens``: resource tokens that are hidden wherever they stand, a parameter of another name included.
    """
    hide = _hiding(entry, tokens)
    headers = {
        name: mask(value) if name in _SECRET_HEADERS else hide(value) for name, value in entry.headers.items()
    }
    return replace(
        entry,
        path=hide(entry.path),
        headers=headers,
        body_bytes=hide(_ELSEWHERE.sub(_hide, _IN_JSON.sub(_hide_json, entry.body))).encode(),
        query=hide(_masked_query(entry.query)),
        error_text=hide(entry.error_text),
        answer_bytes=hide(entry.answer).encode(),
        decided=[replace(one, parameters=_hidden(one.parameters, hide)) for one in entry.decided],
        lints=[
            one._replace(path=hide(one.path), parameters=_hidden(one.parameters, hide)) for one in entry.lints
        ],
    )


def _hiding(entry: Entry, tokens: Iterable[str]) -> Hide:
    """What hides those of the tokens that stand somewhere in the entry, as they are or percent-encoded."""
    everything = "\n".join((entry.path, entry.query, entry.body, entry.answer, *entry.headers.values()))
    known = [form for token in tokens if len(token) >= SHORTEST_KNOWN for form in {token, quote(token, "")}]
    found = sorted((form for form in known if form in everything), key=len, reverse=True)

    def hide(text: str) -> str:
        for form in found:
            text = text.replace(form, mask(form))
        return text

    return hide


def _hidden(parameters: Parameters, hide: Hide) -> Parameters:
    return tuple(hide(one) if isinstance(one, str) else one for one in parameters)


def _masked_query(query: str) -> str:
    parts = [part.partition("=") for part in query.split("&")]
    return "&".join(
        f"{name}={mask(unquote_plus(value))}"
        if unquote_plus(name) in _SECRET_PARAMETERS
        else name + equals + value
        for name, equals, value in parts
    )


def _hide_json(found: re.Match[str]) -> str:
    try:
        secret = json.loads(f'"{found[2]}"')
    except ValueError:
        return _hide(found)
    return found[1] + json.dumps(showable(mask(secret)), ensure_ascii=False)[1:-1]


def _hide(found: re.Match[str]) -> str:
    return found[1] + mask(found[2])
