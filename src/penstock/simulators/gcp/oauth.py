"""Access tokens of Google for a service account, against its signed assertion (RFC 7523)."""

import base64
import json
from collections.abc import Iterable

from aiohttp import web

from penstock.simulators.cloud.operations import Call, Operation, json_answer
from penstock.simulators.cloud.tokens import IssuedTokens

_ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LONGEST_ASSERTION_S = 3600


class OauthOperations:
    """The token endpoint.  The signature of an assertion is not verified, its claims are.

    Args:
        tokens: where tokens come from.
        client_email: the only service account that is let in; ``""`` lets in all.
    """

    def __init__(self, tokens: IssuedTokens, client_email: str) -> None:
        self._tokens = tokens
        self._client_email = client_email

    def operations(self) -> Iterable[Operation]:
        """It asks for no token."""
        return [Operation("POST", "/token", "gcp.token", self._give, open=True)]

    def _give(self, call: Call) -> web.Response:
        grant = call.form.get("grant_type", "")
        if grant != _ASSERTION:
            return json_answer({"error": "unsupported_grant_type", "error_description": f"Invalid grant_type: {grant}"}, status=400)
        problem = self._wrong_assertion(call)
        if problem:
            return json_answer({"error": "invalid_grant", "error_description": problem}, status=400)
        given = {"access_token": self._tokens.issue(), "expires_in": self._tokens.lifetime_s, "token_type": "Bearer"}
        return json_answer(given, headers={"Cache-Control": "no-store"})

    def _wrong_assertion(self, call: Call) -> str:
        """What is wrong with the assertion, or ``""``."""
        pieces = call.form.get("assertion", "").split(".")
        if len(pieces) != 3 or not pieces[2]:
            return "Invalid JWT: it must have a header, claims and a signature."
        header, claims = _object(pieces[0]), _object(pieces[1])
        if header is None or claims is None or header.get("alg") != "RS256":
            return "Invalid JWT Signature."
        issued, ends = claims.get("iat"), claims.get("exp")
        if not (isinstance(issued, int) and isinstance(ends, int) and issued < ends <= issued + _LONGEST_ASSERTION_S):
            return "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
        if not str(claims.get("aud", "")).endswith("/token"):
            return "Invalid JWT: the audience is not a token endpoint."
        if not claims.get("scope") and not claims.get("target_audience"):
            return "Invalid JWT: it holds no scope."
        if not claims.get("iss") or self._client_email not in ("", claims["iss"]):
            return "Invalid grant: account not found"
        return ""


def _object(piece: str) -> dict[str, object] | None:
    try:
        document = json.loads(base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4)))
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
