"""The masking of secrets."""


def mask(secret: str) -> str:
    """``3LXP…7f14``: enough to recognise a secret, too little to use it; a short one keeps one letter."""
    return f"{secret[:4]}…{secret[-4:]}" if len(secret) >= 16 else f"{secret[:1]}…"
