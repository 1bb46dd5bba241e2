"""A key in PEM, as a resource's ``jwt_key`` may be."""

from typing import Any

from emulator.schemas.jwt_library import pyjwt


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
