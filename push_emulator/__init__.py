"""A Python client for the emulator: the documented endpoint and the whole admin API.

>>> from push_emulator import EmulatorClient, subscription
>>> client = EmulatorClient("http://127.0.0.1:8080", workspace="my-test")  # doctest: +SKIP
>>> client.push("3LXP2FRcRxJ-7b14db88ec937f14", [subscription("token")]).ok  # doctest: +SKIP
True
"""

from push_emulator.emulator_client import EmulatorClient, subscription
from push_emulator.errors import EmulatorError, VerificationFailed
from push_emulator.local_server import LocalServer, StartError
from push_emulator.push_emulator import PushEmulator

__all__ = [
    "EmulatorClient",
    "EmulatorError",
    "LocalServer",
    "PushEmulator",
    "StartError",
    "VerificationFailed",
    "subscription",
]
