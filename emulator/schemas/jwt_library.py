"""PyJWT, loaded by the first JWT: it loads a library of cryptography."""

import warnings
from functools import lru_cache
from types import ModuleType


@lru_cache(maxsize=1)
def pyjwt() -> ModuleType:
    """The library; it does not warn of short secrets: a test's secret may be short."""
    import jwt  # noqa: PLC0415

    warnings.filterwarnings("ignore", "The HMAC key is .* bytes long")
    return jwt
