"""Questions to a server of StArMap, API v2."""

from http import HTTPStatus
from types import TracebackType
from typing import Self

from yarl import URL

from penstock.adapters.http.addresses import open_address
from penstock.adapters.http.failures import status_text
from penstock.adapters.http.hops import place_of
from penstock.adapters.http.rest import RestClient
from penstock.adapters.http.transport import Answer
from penstock.adapters.starmap.options import StarmapOptions
from penstock.formats.everyfault import DocumentFaults
from penstock.formats.starmap import parse_mappings_json
from penstock.formats.text import DEFAULT_LIMIT_BYTES
from penstock.model.catalogue import Cloud
from penstock.model.errors import InputError, OperationError, VerificationError
from penstock.model.starmap import StarmapEntity, StarmapWorkflow

_QUERY = "api/v2/query"
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_CHECK_ADDRESS = "is this the address of StArMap?"


class StarmapClient:
    """:class:`penstock.ports.publish.StarmapService` over HTTP; an async context manager, for one event loop.

    Every question is asked anew: :class:`penstock.publish.mapping.Mappings` remembers the answers.
    """

    def __init__(self, options: StarmapOptions) -> None:
        """Ask nothing yet.

        Raises:
            InputError: the address is none.
        """
        self._options = options
        self._base = open_address(options.url, "the address of StArMap")
        self._rest: RestClient | None = None

    async def __aenter__(self) -> Self:
        """Open the client."""
        self._rest = RestClient(self._options.http)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close all connections."""
        rest, self._rest = self._rest, None
        if rest is not None:
            await rest.close()

    async def query(self, name: str, *, version: str, workflow: StarmapWorkflow, cloud: Cloud) -> tuple[StarmapEntity, ...]:
        """The entities of a build name, of this workflow and cloud where the server heeds them; none where it has no mapping (404).

        Raises:
            DocumentFaults: the answer has entities with faults, all of them told.
            VerificationError: the answer is no document of StArMap at all.
            OperationError: the server refuses.
            TransientError: it does not answer.
        """
        if self._rest is None:
            raise AssertionError("the client is used outside its context")
        subject = f"{name} at StArMap"
        asked = {"name": name, "version": version, "workflow": workflow.value, "cloud": cloud.value}
        url = self._base / _QUERY % {key: value for key, value in asked.items() if value}
        answer = await self._rest.get(url, subject=subject, limit_bytes=DEFAULT_LIMIT_BYTES)
        if answer.status == HTTPStatus.NOT_FOUND:
            return ()
        return self._entities(answer, subject)

    def _entities(self, answer: Answer, subject: str) -> tuple[StarmapEntity, ...]:
        if answer.status != HTTPStatus.OK:
            hint = "see that this machine may ask it" if answer.status in _REFUSED else _CHECK_ADDRESS
            raise OperationError(f"{place_of(self._base)} answered {status_text(answer.status)}", subject=subject, hint=hint)
        try:
            return parse_mappings_json(answer.body, subject=subject)
        except DocumentFaults:
            raise
        except InputError as error:
            # Not what the caller gave: a login page, most likely.
            said = f"{_shown(answer.url)} gave no mappings: {error.message}"
            raise VerificationError(said, subject=subject, hint=_CHECK_ADDRESS) from None


def _shown(url: URL) -> str:
    return f"{place_of(url)}{url.path}"
