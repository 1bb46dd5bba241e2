"""Cross-origin calls by browsers (Q4): on the documented endpoint, and nowhere else."""

from collections.abc import Mapping

Pairs = list[tuple[str, str]]


def cors_headers(headers: Mapping[str, str]) -> Pairs:
    """The headers that let the calling page read the answer; none without an Origin."""
    origin = headers.get("origin")
    if origin is None:
        return []
    return [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Vary", "Origin"),
    ]


def preflight_headers(headers: Mapping[str, str]) -> Pairs:
    """The headers of the answer to a browser's preflight request."""
    pairs = cors_headers(headers)
    pairs.append(("Allow", "POST, OPTIONS"))
    pairs.append(("Access-Control-Allow-Methods", "POST, OPTIONS"))
    wanted = headers.get("access-control-request-headers")
    if wanted:
        pairs.append(("Access-Control-Allow-Headers", wanted))
    if headers.get("access-control-request-private-network") == "true":
        pairs.append(("Access-Control-Allow-Private-Network", "true"))
    pairs.append(("Access-Control-Max-Age", "600"))
    return pairs
