"""Masks secrets in shown entries: resource tokens, role tokens, keys and credentials."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, unquote_plus

from msgspec.structs import replace

from emulator.journal.entry import Entry, showable
from emulator.rules.model import Parameters, Resource
from push_emulator.masking import mask

#: Shorter tokens are not searched for: they can be parts of other texts.
SHORTEST_KNOWN = 8
_SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization", "x-api-key")
#: A scheme, and the prefix of a role token.
_SCHEME = re.compile(r"\w+ +(?:rtoken@)?")
_SECRET_PARAMETERS = ("resource_token", "token")
_IN_JSON = re.compile(r'("resource_token"\s*:\s*")((?:[^"\\]|\\.)*)')
#: A token in a form, or in a Python dictionary: some clients send these instead of JSON.
_ELSEWHERE = re.compile(r"""(resource_token['"]?\s*[:=]\s*'?)([^\s'"&,}]+)""")

Hide = Callable[[str], str]


def mask_value(value: Any) -> Any:
    """A secret's value masked; ``None`` stays."""
    return None if value is None else mask(str(value))


def secrets_of(resources: Iterable[Resource]) -> list[str]:
    """Everything secret that resources have: their tokens, role tokens and keys."""
    return [
        secret
        for one in resources
        for secret in (one.token, *(role.token for role in one.role_tokens), one.jwt_key)
        if secret
    ]


def masked(entry: Entry, tokens: Iterable[str] = ()) -> Entry:
    """The entry with its secrets masked in body, query and headers.

    ``tokens``: secrets of resources to mask anywhere in the entry, whatever the parameter's name; so are the
    credentials of the entry's own headers.
    """
    secret = {name: _credentials(entry.headers[name]) for name in _SECRET_HEADERS if name in entry.headers}
    hide = _hiding(entry, [*tokens, *(credentials for _, credentials in secret.values())])
    headers = {name: hide(value) for name, value in entry.headers.items()}
    headers |= {name: scheme + mask(credentials) for name, (scheme, credentials) in secret.items()}
    return replace(
        entry,
        path=hide(entry.path),
        headers=headers,
        body_bytes=_masked_body(entry.body_bytes, hide),
        query=hide(_masked_query(entry.query)),
        error_text=hide(entry.error_text),
        answer_bytes=hide(entry.answer).encode(),
        decided=[replace(one, parameters=_hidden(one.parameters, hide)) for one in entry.decided],
        lints=[
            one._replace(path=hide(one.path), parameters=_hidden(one.parameters, hide)) for one in entry.lints
        ],
    )


def _hiding(entry: Entry, tokens: Iterable[str]) -> Hide:
    """A function that masks the tokens that occur in the entry, plain or percent-encoded."""
    everything = "\n".join((entry.path, entry.query, entry.body, entry.answer, *entry.headers.values()))
    known = [form for token in tokens if len(token) >= SHORTEST_KNOWN for form in {token, quote(token, "")}]
    found = sorted((form for form in known if form in everything), key=len, reverse=True)

    def hide(text: str) -> str:
        for form in found:
            text = text.replace(form, mask(form))
        return text

    return hide


def _credentials(value: str) -> tuple[str, str]:
    """A header's scheme with the prefix of a role token, and the secret."""
    scheme = _SCHEME.match(value)
    start = scheme.end() if scheme is not None else 0
    return value[:start], value[start:]


def _hidden(parameters: Parameters, hide: Hide) -> Parameters:
    return tuple(hide(one) if isinstance(one, str) else one for one in parameters)


def _masked_body(body: bytes, hide: Hide) -> bytes:
    text = body.decode("utf-8", "surrogateescape")  # what is not text stays as it is
    return hide(_ELSEWHERE.sub(_hide, _IN_JSON.sub(_hide_json, text))).encode("utf-8", "surrogateescape")


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
