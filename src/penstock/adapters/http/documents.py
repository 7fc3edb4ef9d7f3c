"""Small documents by path or URL: stream metadata, releases, builds."""

import asyncio
from http import HTTPStatus
from pathlib import Path

from yarl import URL

from penstock.adapters.files.reading import read_document
from penstock.adapters.http.failures import status_text
from penstock.adapters.http.hops import place_of
from penstock.adapters.http.options import HttpOptions
from penstock.adapters.http.rest import RestClient
from penstock.model.errors import InputError, NotFoundError, OperationError

DEFAULT_LIMIT_BYTES = 16 << 20
_MISSING = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


class Documents:
    """Reads documents; made and closed inside the running loop."""

    def __init__(self, options: HttpOptions, *, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self._client = RestClient(options)
        self._limit_bytes = limit_bytes

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def read(self, place: str) -> bytes:
        """The document at a path, or at an ``http://`` or ``https://`` URL, whole.

        Raises:
            InputError: the file is too long or a folder, or the URL is none.
            NotFoundError: there is no such document.
            OperationError: it may not be read.
            VerificationError: the server sends more than a document may have.
            TransientError: it did not come, however often it was asked for.
        """
        if not place.startswith(("http://", "https://")):
            scheme, has_scheme, _ = place.partition("://")
            if has_scheme and "/" not in scheme:
                hint = "write http://host/path or https://host/path, or the path of a file"
                raise InputError(f"documents are not read over {scheme}", subject=place.rpartition("@")[2], hint=hint)
            return await asyncio.to_thread(read_document, Path(place), limit_bytes=self._limit_bytes)
        try:
            url = URL(place)
            shown = str(url.with_user(None).with_query(None).with_fragment(None))
        except ValueError:
            raise InputError("this is no URL", subject=place.partition("?")[0].rpartition("@")[2], hint="write https://host/path") from None
        answer = await self._client.get(url, subject=shown, limit_bytes=self._limit_bytes)
        if answer.status in _MISSING:
            raise NotFoundError(f"{place_of(answer.url)} answered {status_text(answer.status)}", subject=shown, hint="check the address")
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise OperationError(
                f"{place_of(answer.url)} answered {status_text(answer.status)}", subject=shown, hint="check access and address"
            )
        return answer.body
