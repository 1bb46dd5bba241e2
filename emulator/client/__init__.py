"""A Python client for the emulator: the documented endpoint and the whole admin API.

>>> from emulator.client import EmulatorClient, subscription
>>> client = EmulatorClient("http://127.0.0.1:8080", workspace="my-test")  # doctest: +SKIP
>>> client.push("3LXP2FRcRxJ-7b14db88ec937f14", [subscription("token")]).ok  # doctest: +SKIP
True
"""

from emulator.client.emulator_client import EmulatorClient, subscription
from emulator.client.errors import EmulatorError, VerificationFailed
from emulator.client.local_server import LocalServer, StartError
from emulator.client.push_emulator import PushEmulator

__all__ = [
    "EmulatorClient",
    "EmulatorError",
    "LocalServer",
    "PushEmulator",
    "StartError",
    "VerificationFailed",
    "subscription",
]
