"""A Python client for the emulator: the documented endpoint and the whole admin API.

>>> from push_emulator import EmulatorClient, subscription
>>> client = EmulatorClient("http://127.0.0.1:8080", workspace="my-test")  # doctest: +SKIP
>>> client.push("3LXP2FRcRxJ-7b14db88ec937f14", [subscription("token")]).ok  # doctest: +SKIP
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from push_emulator.errors import EmulatorError, VerificationFailed
from push_emulator.local_server import LocalServer, StartError

if TYPE_CHECKING:
    from push_emulator.async_client import AsyncEmulatorClient
    from push_emulator.emulator_client import EmulatorClient, subscription
    from push_emulator.push_emulator import PushEmulator

__all__ = [
    "AsyncEmulatorClient",
    "EmulatorClient",
    "EmulatorError",
    "LocalServer",
    "PushEmulator",
    "StartError",
    "VerificationFailed",
    "subscription",
]


def __getattr__(name: str) -> object:
    # Loaded at first use: the pytest plugin is part of every run, the HTTP client only of those that use it,
    # and the server starts before the client is loaded.
    if name == "AsyncEmulatorClient":
        from push_emulator import async_client  # noqa: PLC0415

        return async_client.AsyncEmulatorClient
    if name in __all__:
        from push_emulator import push_emulator  # noqa: PLC0415 (it has the other names)

        return getattr(push_emulator, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
