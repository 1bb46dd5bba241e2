"""A Python client for the emulator: the documented endpoint and the whole admin API.

>>> from push_emulator import EmulatorClient, subscription
>>> client = EmulatorClient("http://127.0.0.1:8080", workspace="my-test")  # doctest: +SKIP
>>> client.push("3LXP2FRcRxJ-7b14db88ec937f14", [subscription("token")]).ok  # doctest: +SKIP
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from push_emulator.async_client import AsyncEmulatorClient
    from push_emulator.emulator_client import EmulatorClient, subscription
    from push_emulator.errors import EmulatorError, VerificationFailed
    from push_emulator.local_server import LocalServer, StartError
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
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(_module_of(name), name)
    globals()[name] = found
    return found


def _module_of(name: str) -> ModuleType:
    # Loaded at first use: the pytest plugin is part of every run, the HTTP client only of those that use it,
    # and the server starts before the client is loaded.
    if name in ("LocalServer", "StartError"):
        from push_emulator import local_server  # noqa: PLC0415

        return local_server
    if name in ("EmulatorError", "VerificationFailed"):
        from push_emulator import errors  # noqa: PLC0415

        return errors
    if name == "PushEmulator":
        from push_emulator import push_emulator  # noqa: PLC0415

        return push_emulator
    if name == "AsyncEmulatorClient":
        from push_emulator import async_client  # noqa: PLC0415

        return async_client
    from push_emulator import emulator_client  # noqa: PLC0415

    return emulator_client
