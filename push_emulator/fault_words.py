"""The words that a fault is made of, for client and server."""

from __future__ import annotations

from typing import Literal

#: What can happen to a connection or an answer.
Spoil = Literal["connection_reset", "empty_response", "truncated_body", "malformed_json", "slow_body"]
#: What an item can be refused for.
ItemError = Literal["duplicate", "provider", "unknown_field", "invalid_value"]
