"""Tokens by azure-identity: service principals, workload and managed identities, and whoever is logged in on this machine."""

import asyncio
import logging
import time
from http import HTTPStatus

from yarl import URL

from penstock.adapters.azure.options import AzureOptions
from penstock.adapters.azure.refusals import no_credentials, refused_credentials
from penstock.adapters.extras import extra
from penstock.adapters.http.failures import TRY_LATER, is_transient_status, retry_after_s, status_text, throttled
from penstock.adapters.http.hops import keeps_credentials, place_of
from penstock.adapters.http.retrying import retried
from penstock.model.errors import InputError, PenstockError, TransientError

with extra("azure", "azure"):
    from azure.core.credentials import AccessToken
    from azure.core.exceptions import ClientAuthenticationError
    from azure.core.pipeline import PipelineResponse
    from azure.identity import CredentialUnavailableError
    from azure.identity.aio import DefaultAzureCredential

_EARLY_S = 120.0
_SUBJECT = "a token of Azure"
_PRINCIPAL = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID")


class IdentityChain:
    """The chain of ``DefaultAzureCredential``, whose variables and order are documented by Azure."""

    def __init__(self, options: AzureOptions, authority: URL) -> None:
        # The chain tells each failure at length, with what servers said; what we raise is enough.
        logging.getLogger("azure").setLevel(logging.CRITICAL)
        self._authority = authority
        self._scope = options.scope
        self._has_principal = all(options.http.environment.get(name) for name in _PRINCIPAL)
        self._status = 0
        self._place = place_of(authority)
        self._retry_after_s: float | None = None
        self._options = options
        self._chain: DefaultAzureCredential | None = None
        self._lock = asyncio.Lock()
        self._token = ""
        self._good_until_s = 0.0

    async def authorization(self, *, renew: bool) -> str:
        """The token, a new one where the last is near its end or was refused.

        Raises:
            OperationError: the chain has no credentials, or they are refused.
            TransientError: the authority did not answer.
        """
        refused = self._token if renew else None
        async with self._lock:
            if self._token == refused:
                # The chain would give the token again that was refused: it has a memory of its own.
                await self.close()
            if self._token == refused or time.time() >= self._good_until_s:
                found = await retried(self._ask, self._options.http.retries)
                self._token = found.token
                self._good_until_s = found.expires_on - _EARLY_S
            return f"Bearer {self._token}"

    async def close(self) -> None:
        """Close the connections of all credentials in the chain, and forget their tokens."""
        chain, self._chain = self._chain, None
        if chain is not None:
            await chain.close()

    async def _ask(self) -> AccessToken:
        self._status = 0
        try:
            if self._chain is None:
                self._chain = self._new_chain()
            return await self._chain.get_token(self._scope)
        except CredentialUnavailableError:
            raise no_credentials(place_of(self._authority)) from None
        except ClientAuthenticationError as error:
            raise self._failure(str(error).encode()) from None  # the cause is dropped: it quotes the server
        except (ValueError, OSError) as error:
            hint = "check the variables AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_CERTIFICATE_PATH"
            raise InputError(f"azure-identity cannot use what the environment says: {type(error).__name__}", hint=hint) from None

    def _new_chain(self) -> DefaultAzureCredential:
        http = self._options.http
        verify: bool | str = not http.insecure
        if http.ca_file is not None and verify:
            verify = str(http.ca_file)
        return DefaultAzureCredential(
            authority=str(self._authority),
            # An authority that stands in for Azure's own is not in the list that Azure itself would be asked for.
            disable_instance_discovery=self._options.authority is not None,
            connection_verify=verify,
            raw_response_hook=self._remember,
            # Tried again by the house's own way: azure-core would wait for as long as a server says, which may be hours.
            retry_total=0,
        )

    def _remember(self, response: "PipelineResponse[object, object]") -> None:
        answer = response.http_response
        url, status = URL(getattr(response.http_request, "url", "")), getattr(answer, "status_code", 0)
        # The chain asks other places too, the metadata of a machine for instance; that they have no token is no refusal.
        if keeps_credentials(self._authority, url) or is_transient_status(status):
            self._status, self._place = status, place_of(url)
            self._retry_after_s = retry_after_s(getattr(answer, "headers", {}).get("Retry-After"))

    def _failure(self, said: bytes) -> PenstockError:
        if is_transient_status(self._status):
            return throttled(f"{self._place} answered {status_text(self._status)}", _SUBJECT, self._retry_after_s)
        place = place_of(self._authority)
        if self._status == 0 and self._has_principal:
            return TransientError(f"{place} did not answer when it was asked for a token", hint=TRY_LATER)
        if self._status < HTTPStatus.BAD_REQUEST:
            return no_credentials(place)
        return refused_credentials(place, str(self._status), said)
