"""The keys of JWTs. PyJWT is loaded on first use, because it loads a library of cryptography."""

import warnings
from functools import lru_cache
from types import ModuleType
from typing import Any


@lru_cache(maxsize=1)
def pyjwt() -> ModuleType:
    """The library; it does not warn of short secrets: a test's secret may be short."""
    import jwt  # noqa: PLC0415

    warnings.filterwarnings("ignore", "The HMAC key is .* bytes long")
    return jwt


def is_pem(key: str) -> bool:
    """Whether a ``jwt_key`` is meant as a key in PEM, not as a secret."""
    return "-----BEGIN" in key


def public_key(pem: str) -> Any:
    """The key that verifies RS256 or ES256, also of a private one; ``None`` where there is none."""
    jwt = pyjwt()
    for name in ("RS256", "ES256"):
        try:
            key = jwt.PyJWS().get_algorithm_by_name(name).prepare_key(pem.strip())
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        public = key.public_key() if hasattr(key, "public_key") else key
        return public if name == "RS256" or public.curve.name == "secp256r1" else None
    return None
