"""Bearer tokens for an application with a secret, from the token endpoint that names a resource (``/TENANT/oauth2/token``)."""

import asyncio
import time
from dataclasses import dataclass, field

from yarl import URL

from penstock.adapters.azure.options import path_segment
from penstock.adapters.azure.refusals import refused_credentials
from penstock.adapters.azure.tokens import is_token, life_s, token_in, usable_s
from penstock.adapters.http.failures import status_text
from penstock.adapters.http.hops import place_of
from penstock.adapters.http.rest import RestClient
from penstock.model.errors import InputError, OperationError

_OK = 200
_TENANT = "it is the GUID of the directory, or one of its domains"
_REFUSED = "see AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_API_SECRET of the credentials; a secret may have expired"


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """An application of a directory; nothing of it is shown."""

    tenant_id: str = field(repr=False)
    client_id: str = field(repr=False)
    secret: str = field(repr=False)


class SecretTokens:
    """:class:`penstock.adapters.http.rest.Tokens` for one resource; for one event loop and concurrent use."""

    def __init__(self, client: RestClient, authority: URL, application: ClientSecret, resource: str) -> None:
        """Ask nothing yet; ``client`` is its owner's.

        Raises:
            InputError: the tenant is no name.
        """
        try:
            path_segment(application.tenant_id, "tenant", "")
        except InputError:
            # What stands there is not shown: it may be the secret, in the wrong place.
            raise InputError("AZURE_TENANT_ID is no tenant of Azure", subject="the credentials", hint=_TENANT) from None
        self._client = client
        self._authority = authority
        self._application = application
        self._resource = resource
        self._lock = asyncio.Lock()
        self._token = ""
        self._good_until_s = 0.0

    async def authorization(self, *, renew: bool) -> str:
        """The token, a new one where the last is near its end or was refused.

        Raises:
            OperationError: the endpoint refuses.
            TransientError: it did not answer.
        """
        refused = self._token if renew else None
        async with self._lock:
            if self._token == refused or time.monotonic() >= self._good_until_s:
                await self._fetch()
            return f"Bearer {self._token}"

    async def _fetch(self) -> None:
        application = self._application
        form = {
            "resource": self._resource,
            "client_id": application.client_id,
            "client_secret": application.secret,
            "grant_type": "client_credentials",
        }
        place = place_of(self._authority)
        subject = f"a token of {place}"
        asked_s = time.monotonic()
        answer = await self._client.post_form(self._authority / application.tenant_id / "oauth2/token", form, subject=subject)
        if answer.status != _OK:
            raise refused_credentials(place, status_text(answer.status), answer.body, hint=_REFUSED)
        token = token_in(answer.body)
        if token is None or not is_token(token):
            raise OperationError("the answer holds no token", subject=subject)
        self._token = token
        self._good_until_s = asked_s + usable_s(life_s(answer.body))
