"""Microsoft Entra: tokens for a client with a secret (OAuth 2.0, RFC 6749 section 4.4), and the documents that lead a client there."""

import hmac
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from aiohttp import web

from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.operations import Call, Operation, json_answer
from penstock.simulators.cloud.tokens import IssuedTokens

_SCOPE_ENDING = "/.default"


@dataclass(frozen=True, slots=True)
class AzureAccount:
    """Who may ask; the values are fixed ones of no worth, as the simulator listens on loopback.

    Attributes:
        tenant: the directory that knows the client.
        client_id: the client.
        client_secret: its secret.
        subscription: the only one.
    """

    tenant: str = "5f1a7c1e-0000-4000-8000-000000000001"
    client_id: str = "5f1a7c1e-0000-4000-8000-000000000002"
    client_secret: str = field(default="simulated-secret", repr=False)
    subscription: str = "5f1a7c1e-0000-4000-8000-000000000003"


class EntraOperations:
    """The token endpoint, OpenID discovery and instance discovery."""

    def __init__(self, account: AzureAccount, tokens: IssuedTokens, clock: SimulatorClock) -> None:
        self._account = account
        self._tokens = tokens
        self._clock = clock

    def operations(self) -> Iterable[Operation]:
        """None of them asks for a token."""
        openid = "/{tenant}/v2.0/.well-known/openid-configuration"
        return [
            Operation("POST", "/{tenant}/oauth2/v2.0/token", "azure.token", self._give, open=True),
            Operation("POST", "/{tenant}/oauth2/token", "azure.token", self._give_for_resource, open=True),
            Operation("GET", openid, "azure.openid", self._describe, open=True),
            Operation("GET", "/common/discovery/instance", "azure.instance", self._discover, open=True),
        ]

    def _give(self, call: Call) -> web.Response:
        refused = self._refused(call)
        if refused is not None:
            return refused
        if not any(scope.endswith(_SCOPE_ENDING) for scope in call.form.get("scope", "").split()):
            return self._no(400, "invalid_scope", 1002012, "The provided value for scope is not valid for a client credential request.")
        seconds = self._tokens.lifetime_s
        given = {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": self._tokens.issue()}
        return json_answer(given, headers={"Cache-Control": "no-store, no-cache"})

    def _give_for_resource(self, call: Call) -> web.Response:
        """The older endpoint, whose numbers are text."""
        refused = self._refused(call)
        if refused is not None:
            return refused
        resource = call.form.get("resource", "")
        if not resource.startswith("https://"):
            return self._no(400, "invalid_resource", 500011, f"The resource principal named '{resource}' was not found.")
        seconds, now_s = self._tokens.lifetime_s, self._clock.now_s()
        given = {
            "token_type": "Bearer",
            "expires_in": str(seconds),
            "ext_expires_in": str(seconds),
            "expires_on": str(now_s + seconds),
            "not_before": str(now_s),
            "resource": resource,
            "access_token": self._tokens.issue(),
        }
        return json_answer(given, headers={"Cache-Control": "no-store, no-cache"})

    def _refused(self, call: Call) -> web.Response | None:
        """The error for a client that is not the one that there is."""
        account, form = self._account, call.form
        if call.path["tenant"].lower() != account.tenant.lower():
            return self._no(400, "invalid_request", 90002, f"Tenant '{call.path['tenant']}' not found.")
        if form.get("grant_type") != "client_credentials":
            return self._no(400, "unsupported_grant_type", 70003, f"The grant type '{form.get('grant_type', '')}' is not supported.")
        client = form.get("client_id", "")
        if client.lower() != account.client_id.lower():
            return self._no(400, "unauthorized_client", 700016, f"Application '{client}' was not found in the directory.")
        if "client_secret" not in form:
            return self._no(401, "invalid_client", 7000218, "The request body must contain the parameter 'client_secret'.")
        if not hmac.compare_digest(form["client_secret"].encode(), account.client_secret.encode()):
            return self._no(401, "invalid_client", 7000215, "Invalid client secret provided.")
        return None

    def _no(self, status: int, error: str, number: int, message: str) -> web.Response:
        """An error as RFC 6749 section 5.2 has it, with Entra's own keys."""
        trace = str(uuid.uuid4())
        when = f"{self._clock.now:%Y-%m-%d %H:%M:%SZ}"
        document = {
            "error": error,
            "error_description": f"AADSTS{number}: {message} Trace ID: {trace} Correlation ID: {trace} Timestamp: {when}",
            "error_codes": [number],
            "timestamp": when,
            "trace_id": trace,
            "correlation_id": trace,
        }
        return json_answer(document, status=status)

    def _describe(self, call: Call) -> web.Response:
        tenant = call.path["tenant"]
        if tenant.lower() != self._account.tenant.lower():
            return self._no(400, "invalid_tenant", 90002, f"Tenant '{tenant}' not found.")
        base = f"{_origin(call)}/{tenant}"
        return json_answer(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                "response_types_supported": ["code"],
                "subject_types_supported": ["pairwise"],
            }
        )

    def _discover(self, call: Call) -> web.Response:
        base = f"{_origin(call)}/{self._account.tenant}"
        host = call.request.host
        return json_answer(
            {
                "tenant_discovery_endpoint": f"{base}/v2.0/.well-known/openid-configuration",
                "api-version": "1.1",
                "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
            }
        )


def _origin(call: Call) -> str:
    return f"{call.request.scheme}://{call.request.host}"
