"""Questions to OpenShift Cluster Manager."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Self

from penstock.adapters.http.addresses import service_address
from penstock.adapters.http.failures import status_text
from penstock.adapters.http.hops import place_of
from penstock.adapters.http.rest import RestClient
from penstock.adapters.ocm.options import OcmOptions
from penstock.adapters.ocm.tokens import SsoTokens
from penstock.formats.authfile import parse_pull_secret
from penstock.formats.jsontext import parse_json
from penstock.model.errors import InputError, OperationError, VerificationError

_ACCESS_TOKEN = "api/accounts_mgmt/v1/access_token"  # noqa: S105  # a path
_LONGEST_PULL_SECRET_BYTES = 1 << 20
_ERROR_CODE = re.compile(r"[A-Z0-9-]{1,60}")
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class OcmClient:
    """Asks OCM in the name of one account; an async context manager, for one event loop."""

    def __init__(self, options: OcmOptions) -> None:
        """Ask nothing yet.

        Raises:
            InputError: an address is none that a secret may be sent to.
        """
        self._options = options
        self._base = service_address(options.url, "the address of OCM")
        self._token_url = service_address(options.token_url, "the address of the token endpoint")
        self._opened: tuple[RestClient, SsoTokens] | None = None

    async def __aenter__(self) -> Self:
        """Open the client."""
        rest = RestClient(self._options.http)
        self._opened = (rest, SsoTokens(rest, self._token_url, self._options.client))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close all connections, and forget the token."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened[0].close()

    async def pull_secret(self) -> bytes:
        """The account's pull secret: Docker's ``config.json``, as OCM gives it.

        Raises:
            OperationError: the token endpoint or OCM refuses.
            TransientError: one of them does not answer.
            VerificationError: the answer is no pull secret.
        """
        if self._opened is None:
            raise AssertionError("the client is used outside its context")
        rest, tokens = self._opened
        subject = f"the pull secret of {place_of(self._base)}"
        answer = await rest.send(
            "POST",
            self._base / _ACCESS_TOKEN,
            b"",
            content_type="application/json",
            subject=subject,
            tokens=tokens,
            limit_bytes=_LONGEST_PULL_SECRET_BYTES,
        )
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            hint = "see that the account may use OCM" if answer.status in _REFUSED else "check the address"
            said = f"{place_of(self._base)} answered {status_text(answer.status)}{_code_in(answer.body)}"
            raise OperationError(said, subject=subject, hint=hint)
        try:
            parse_pull_secret(answer.body, subject=subject)
        except InputError as error:
            raise VerificationError(error.message, subject=subject, hint="is this the address of OCM?") from None
        return answer.body


def _code_in(body: bytes) -> str:
    """The code of an error of OCM, `` (ACCOUNT-MGMT-7)``; its other words may hold anything."""
    try:
        tree = parse_json(body, subject="the answer")
    except InputError:
        return ""
    code = tree.get("code") if isinstance(tree, Mapping) else None
    return f" ({code})" if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else ""
