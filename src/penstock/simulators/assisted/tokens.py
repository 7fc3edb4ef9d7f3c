"""Tokens for one infra-env each: JWTs (RFC 7519) signed with HS256, as assisted-service puts them into the URLs of images."""

import base64
import hashlib
import hmac
import json
import secrets
from typing import Final

from penstock.simulators.cloud.clock import SimulatorClock

CLAIM_SAAS: Final = "sub"
"""Names the infra-env where Red Hat runs the service; these tokens end."""
CLAIM_LOCAL: Final = "infra_env_id"
"""Names it where a cluster of one's own does; these tokens do not end."""


class HostTokens:
    """Makes tokens and reads them; the key is this object's own."""

    def __init__(self, clock: SimulatorClock) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def make(self, host: str, claim: str = CLAIM_LOCAL, *, lifetime_s: int | None = None) -> str:
        """A token for ``host``, without an end where ``lifetime_s`` is None."""
        claims: dict[str, object] = {claim: host}
        if lifetime_s is not None:
            claims["exp"] = self._clock.now_s() + lifetime_s
        signed = f"{_text({'alg': 'HS256', 'typ': 'JWT'})}.{_text(claims)}"
        return f"{signed}.{_base64(self._signature(signed))}"

    def host_of(self, token: str) -> str | None:
        """The infra-env that the token is for; None where it was not made here, or has ended."""
        signed, _, signature = token.rpartition(".")
        if not signed.isascii() or not hmac.compare_digest(_base64(self._signature(signed)).encode(), signature.encode("utf-8", "replace")):
            return None
        payload = signed.partition(".")[2]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        if "exp" in claims and claims["exp"] <= self._clock.now_s():
            return None
        return str(claims.get(CLAIM_SAAS) or claims.get(CLAIM_LOCAL) or "")

    def _signature(self, signed: str) -> bytes:
        return hmac.digest(self._key, signed.encode("ascii"), hashlib.sha256)


def _text(value: dict[str, object]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
