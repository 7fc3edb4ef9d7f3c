"""Who may ask, and the endpoint at which they get tokens (OAuth 2.0 as Keycloak speaks it)."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

from aiohttp import web

from penstock.simulators.cloud.operations import Call, Operation, json_answer
from penstock.simulators.cloud.tokens import IssuedTokens

TOKEN_PATH = "/auth/realms/redhat-external/protocol/openid-connect/token"  # noqa: S105  # a path
_TOKEN_HEADERS = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@dataclass(frozen=True, slots=True)
class OcmAccount:
    """Who may ask; the values are fixed ones of no worth, as the simulator listens on loopback.

    Attributes:
        client_id: a service account.
        client_secret: its secret.
        offline_token: a person's refresh token.
        offline_client: the client that it was given to.
    """

    client_id: str = "simulated-service-account"
    client_secret: str = field(default="simulated-secret", repr=False)
    offline_token: str = field(default="simulated-offline-token", repr=False)
    offline_client: str = "cloud-services"


class TokenOperations:
    """The token endpoint."""

    def __init__(self, account: OcmAccount, tokens: IssuedTokens) -> None:
        self._account = account
        self._tokens = tokens

    def operations(self) -> Iterable[Operation]:
        """The one operation; its form is its proof."""
        return [Operation("POST", TOKEN_PATH, "sso.token", self._give, open=True)]

    def _give(self, call: Call) -> web.Response:
        account, form = self._account, call.form
        match form.get("grant_type"):
            case "client_credentials":
                client = _same(form.get("client_id"), account.client_id)
                if not (client and _same(form.get("client_secret"), account.client_secret)):
                    return _no(401, "unauthorized_client", "Invalid client or Invalid client credentials")
                more: dict[str, object] = {"refresh_expires_in": 0}
            case "refresh_token":
                if not _same(form.get("client_id"), account.offline_client):
                    return _no(401, "invalid_client", "Invalid client or Invalid client credentials")
                if not _same(form.get("refresh_token"), account.offline_token):
                    return _no(400, "invalid_grant", "Invalid refresh token")
                more = {"refresh_expires_in": 0, "refresh_token": account.offline_token}
            case _:
                return _no(400, "unsupported_grant_type", "Unsupported grant_type")
        given = {
            "access_token": self._tokens.issue(),
            "expires_in": self._tokens.lifetime_s,
            "token_type": "Bearer",
            "not-before-policy": 0,
            "scope": "openid",
            **more,
        }
        return json_answer(given, headers=_TOKEN_HEADERS)


def _same(given: str | None, wanted: str) -> bool:
    return given is not None and hmac.compare_digest(given.encode(), wanted.encode())


def _no(status: int, error: str, description: str) -> web.Response:
    return json_answer({"error": error, "error_description": description}, status=status, headers=_TOKEN_HEADERS)
