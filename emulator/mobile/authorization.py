"""Who calls: a role token, or a JWT with a claim (T1–T6)."""

from functools import lru_cache
from typing import Any

from emulator.mobile.call import SdkCall
from emulator.rules.errors import Unauthorized
from emulator.rules.mobile.caller import ROLE_TOKEN, Caller, by_role_token, mode_lint, read_claim
from emulator.rules.model import Resource
from emulator.schemas.jwt_keys import is_pem, public_key, pyjwt
from emulator.schemas.strict_json import JSONProblem, read_json

#: The algorithms of a public key, and of a secret (T4).
_OF_PUBLIC_KEYS, _OF_SECRETS = ("RS256", "ES256"), ("HS256",)
#: The times are judged by the workspace's clock, and nothing else is asked of a claim.
_SIGNATURE_ALONE: Any = dict.fromkeys(
    ("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss", "verify_sub", "verify_jti"), False
)
#: The most characters of a JWT.
_LONGEST = 64 << 10


def authorize(call: SdkCall) -> Caller:
    """Who calls; a lint for another matching mode in the query (T3). Raises :class:`Unauthorized` (T5)."""
    scheme, *rest = call.incoming.headers.get("authorization", "").split(None, 1) or [""]
    credentials = "".join(rest).strip()
    if scheme.lower() != "bearer" or not credentials:
        raise Unauthorized('Authorization: must be "Bearer rtoken@TOKEN" or "Bearer JWT"', "T5")
    store, clock = call.workspace.store, call.workspace.clock
    role_token: str | None = None
    if credentials.startswith(ROLE_TOKEN):  # T1
        role_token = credentials.removeprefix(ROLE_TOKEN)
        caller = by_role_token(role_token, store, clock)
    else:  # T2
        caller = _by_jwt(credentials, store.resources(), clock.now_ms() / 1000)
    lint = mode_lint(caller, call.query.get("matching_mode"), role_token)
    if lint is not None:
        call.lints.append(lint)
    return caller


def _by_jwt(token: str, resources: list[Resource], now_s: float) -> Caller:
    payload = _payload(token)
    matching = payload.get("matching")
    if isinstance(matching, str):  # iOS writes only this
        try:
            matching = read_json(matching.encode("utf-8", "replace"))
        except JSONProblem as problem:
            raise Unauthorized(f"Authorization: the JWT's matching {problem.text}", "T5") from problem
    claim = read_claim(matching)
    candidates = [one for one in resources if claim.db_id in one.db_ids]
    keyed = [one for one in candidates if one.jwt_key]
    if not candidates:
        raise Unauthorized(f"Authorization: no resource has the JWT's database {claim.db_id}", "T5")
    if not keyed:  # T4
        return Caller(candidates[0], claim.db_id, claim)
    for resource in keyed:
        if _is_signed(token, resource.jwt_key or ""):
            _check_times(payload, now_s)
            return Caller(resource, claim.db_id, claim)
    raise Unauthorized(f"Authorization: no key of database {claim.db_id} verifies the JWT's signature", "T5")


@lru_cache(maxsize=256)
def _payload(token: str) -> dict[str, Any]:
    """The payload, its signature not verified. Raises :class:`Unauthorized` (T5)."""
    if len(token) > _LONGEST:
        raise Unauthorized(f"Authorization: the JWT must have at most {_LONGEST} characters", "T5")
    jwt = pyjwt()
    try:
        payload: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise Unauthorized(f"Authorization: is not a JWT ({error})", "T5") from error
    return payload


@lru_cache(maxsize=256)
def _is_signed(token: str, key: str) -> bool:
    """Whether the key verifies the signature; a public key verifies none that was made with a secret."""
    jwt = pyjwt()
    verifier, algorithms = (public_key(key), _OF_PUBLIC_KEYS) if is_pem(key) else (key, _OF_SECRETS)
    try:
        jwt.decode(token, verifier, algorithms=list(algorithms), options=_SIGNATURE_ALONE)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return False
    return True


def _check_times(payload: dict[str, Any], now_s: float) -> None:
    """Check ``exp`` and ``nbf`` by the workspace's clock (T4). Raises :class:`Unauthorized`."""
    for name, wrong in (("exp", "has expired"), ("nbf", "is not valid yet")):
        moment = payload.get(name)
        if moment is None:
            continue
        if isinstance(moment, bool) or not isinstance(moment, (int, float)):
            raise Unauthorized(f"Authorization: the JWT's {name} must be a number", "T5")
        if moment <= now_s if name == "exp" else moment > now_s:
            raise Unauthorized(f"Authorization: the JWT {wrong}: {name} is {moment}", "T5")
