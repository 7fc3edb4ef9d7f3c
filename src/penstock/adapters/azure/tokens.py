"""Bearer tokens for the resource manager: from a file, from azure-identity's chain, or for a secret on this machine."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from yarl import URL

from penstock.adapters.azure.options import AzureOptions
from penstock.adapters.azure.refusals import refused_credentials
from penstock.adapters.http.failures import status_text
from penstock.adapters.http.hops import place_of
from penstock.adapters.http.rest import RestClient
from penstock.formats.jsontext import parse_json
from penstock.model.errors import InputError, OperationError, PenstockError

_LONGEST_TOKEN_FILE_BYTES = 1 << 20
_EARLY_S = 120.0
"""How long before its end a token is replaced."""
_OK = 200


class OpenTokens(Protocol):
    """:class:`penstock.adapters.http.rest.Tokens` that may hold connections."""

    async def authorization(self, *, renew: bool) -> str:
        """See :class:`penstock.adapters.http.rest.Tokens`."""

    async def close(self) -> None:
        """Give connections back."""


def open_tokens(options: AzureOptions, client: RestClient) -> OpenTokens:
    """The tokens that the options and the environment tell.

    Raises:
        InputError: the authority is no address to send a secret to.
    """
    if options.token_file is not None:
        return TokenFile(options.token_file)
    authority = options.authority_address()
    if authority.scheme == "http":
        return LocalAuthority(client, authority, options.scope, options.http.environment)
    from penstock.adapters.azure.identity import IdentityChain  # noqa: PLC0415  # slow, and only where it is needed

    return IdentityChain(options, authority)


class TokenFile:
    """A token that somebody else keeps fresh: bare, or as ``az account get-access-token`` prints it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def authorization(self, *, renew: bool) -> str:  # noqa: ARG002  # the file is always as it is now
        """What the file holds at this moment.

        Raises:
            InputError: it holds no token.
            OperationError: it cannot be read.
        """
        return await asyncio.to_thread(self._read)

    async def close(self) -> None:
        """Nothing is open."""

    def _read(self) -> str:
        subject = str(self._path)
        try:
            with self._path.open("rb") as file:
                content = file.read(_LONGEST_TOKEN_FILE_BYTES)
        except OSError as error:
            raise OperationError(f"the token cannot be read: {error.strerror}", subject=subject) from error
        token = content.strip().decode("ascii", errors="replace")
        if token.startswith("{"):
            token = token_in(content) or ""
        if not is_token(token):
            raise InputError("holds no bearer token", subject=subject, hint="write it with `az account get-access-token > FILE`")
        return f"Bearer {token}"


class LocalAuthority:
    """A token endpoint on this machine, by plain HTTP, which azure-identity refuses to speak: ``client_credentials`` as in OAuth 2.0."""

    def __init__(self, client: RestClient, authority: URL, scope: str, environment: Mapping[str, str]) -> None:
        self._client = client
        self._authority = authority
        self._scope = scope
        self._environment = environment
        self._lock = asyncio.Lock()
        self._token = ""
        self._good_until_s = 0.0

    async def authorization(self, *, renew: bool) -> str:
        """The token, a new one where the last is near its end or was refused.

        Raises:
            OperationError: the endpoint refuses, or there is no secret.
            TransientError: it did not answer.
        """
        refused = self._token if renew else None
        async with self._lock:
            if self._token == refused or time.monotonic() >= self._good_until_s:
                await self._fetch()
            return f"Bearer {self._token}"

    async def close(self) -> None:
        """The client is its owner's."""

    async def _fetch(self) -> None:
        names = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
        tenant, client_id, secret = (self._environment.get(name, "") for name in names)
        if not (tenant and client_id and secret):
            raise OperationError(f"there are no credentials for {place_of(self._authority)}", hint=f"set {', '.join(names)}")
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret, "scope": self._scope}
        subject = f"a token of {place_of(self._authority)}"
        asked_s = time.monotonic()
        answer = await self._client.post_form(self._authority / tenant / "oauth2/v2.0/token", form, subject=subject)
        if answer.status != _OK:
            raise refused_credentials(place_of(self._authority), status_text(answer.status), answer.body)
        token = token_in(answer.body)
        if token is None or not is_token(token):
            raise OperationError("the answer holds no token", subject=subject)
        self._token = token
        self._good_until_s = asked_s + usable_s(life_s(answer.body))


def _document(content: bytes) -> Mapping[str, object]:
    try:
        tree = parse_json(content, subject="the token")
    except PenstockError:
        return {}  # the cause is dropped: it may quote the token
    return tree if isinstance(tree, Mapping) else {}


def token_in(content: bytes) -> str | None:
    """The token of an answer, or of what ``az account get-access-token`` prints."""
    document = _document(content)
    token = document.get("accessToken") or document.get("access_token")
    return token if isinstance(token, str) else None


def life_s(content: bytes) -> float:
    """How long the token of an answer is good for; the older endpoints write it as text."""
    told = _document(content).get("expires_in")
    if isinstance(told, str) and told.isascii() and told.isdigit():
        return float(told)
    return float(told) if isinstance(told, int | float) else 0.0


def usable_s(life_s: float) -> float:
    """How long a token is shown: one that lives but a minute is not to be fetched for every question."""
    return life_s - min(_EARLY_S, life_s / 10)


def is_token(text: str) -> bool:
    """Whether it can stand in a header."""
    # A header is one line of visible characters; anything else would be a request of somebody else's making.
    return bool(text) and text.isascii() and text.isprintable() and " " not in text
