"""Bearer tokens of single sign-on (OAuth 2.0, RFC 6749): for a client with a secret, or for an offline token."""

import asyncio
import re
import time
from collections.abc import Mapping

from yarl import URL

from penstock.adapters.http.failures import status_text
from penstock.adapters.http.hops import place_of
from penstock.adapters.http.rest import RestClient
from penstock.adapters.ocm.options import OfflineToken, ServiceAccount
from penstock.formats.jsontext import parse_json
from penstock.model.errors import InputError, OperationError

_OK = 200
_REFUSED = frozenset({400, 401, 403})
_EARLY_S = 30.0
_DEFAULT_LIFE_S = 60.0
_ERROR_CODE = re.compile(r"[a-z_]{1,40}")


class SsoTokens:
    """:class:`penstock.adapters.http.rest.Tokens` of a token endpoint."""

    def __init__(self, rest: RestClient, url: URL, client: ServiceAccount | OfflineToken) -> None:
        self._rest = rest
        self._url = url
        self._client = client
        self._lock = asyncio.Lock()
        self._token = ""
        self._good_until_s = 0.0

    async def authorization(self, *, renew: bool) -> str:
        """``Bearer …``, new where the last one is near its end or was refused.

        Raises:
            OperationError: the endpoint refuses.
            TransientError: it does not answer.
        """
        refused = self._token if renew else None
        async with self._lock:
            if self._token == refused or time.monotonic() >= self._good_until_s:
                await self._fetch()
            return f"Bearer {self._token}"

    async def _fetch(self) -> None:
        subject = f"a token of {place_of(self._url)}"
        asked_s = time.monotonic()
        answer = await self._rest.post_form(self._url, self._client.form(), subject=subject)
        document = _document(answer.body)
        if answer.status != _OK:
            told = str(document.get("error", ""))
            reason = f" ({told})" if _ERROR_CODE.fullmatch(told) else ""
            hint = "the client or its secret is wrong, or the token was revoked" if answer.status in _REFUSED else ""
            raise OperationError(f"{place_of(self._url)} answered {status_text(answer.status)}{reason}", subject=subject, hint=hint)
        token, life_s = document.get("access_token"), document.get("expires_in")
        # A header is one line of visible characters; anything else would be a request of the endpoint's making.
        if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable() or " " in token:
            raise OperationError("the answer holds no token", subject=subject)
        usable_s = float(life_s) if isinstance(life_s, int | float) and life_s > 0 else _DEFAULT_LIFE_S
        self._token = token
        self._good_until_s = asked_s + usable_s - min(_EARLY_S, usable_s / 10)


def _document(body: bytes) -> Mapping[str, object]:
    try:
        tree = parse_json(body, subject="the token")
    except InputError:
        return {}  # the cause is dropped: it may quote the token
    return tree if isinstance(tree, Mapping) else {}
