"""Lists of images in logs of Pub's tasks, by plain REST."""

import os
from http import HTTPStatus

from yarl import URL

from penstock.adapters.http.authorities import named_authorities
from penstock.adapters.http.failures import status_text
from penstock.adapters.http.hops import is_loopback, place_of
from penstock.adapters.http.options import HttpOptions
from penstock.adapters.http.rest import RestClient
from penstock.adapters.pushsource.grammar import UpstreamAddress
from penstock.formats.pushedimages import parse_pushed_images
from penstock.formats.text import DEFAULT_LIMIT_BYTES
from penstock.model.errors import InputError, NotFoundError, OperationError
from penstock.model.push.items import Dropped, PushItem, SourceListing

_LISTS = ("images.json", "clouds.json")
"""Where a task has both, the first one counts, as with pushsource (``_impl/backend/pub_source/pub_client.py``)."""

_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class PubSource:
    """``ports.publish.PushSource``: ``pub:``.

    ``threads`` and ``timeout`` of the address are how pushsource goes about it, so they change nothing here.
    """

    def __init__(self, address: UpstreamAddress, *, http: HttpOptions | None = None) -> None:
        """Nothing is asked yet.

        Args:
            address: with the numbers of tasks.
            http: how Pub is asked; None is the usual patience, and the authorities that ``REQUESTS_CA_BUNDLE`` names.
        """
        self._address = address
        self._http = http
        self._server = _server(address)

    async def load(self) -> SourceListing:
        """All images of the lists, in the order of the tasks; a task of which the list is empty is told.

        Raises:
            InputError: a list cannot be read, or there is no image in any of them.
            NotFoundError: a task has no list.
            TransientError: Pub cannot be reached, or does not answer, after all retries.
            OperationError: Pub refuses.
        """
        tasks = tuple(dict.fromkeys(self._address.subjects))
        http = self._http or HttpOptions(ca_file=named_authorities(os.environ))
        rest = RestClient(http)
        try:
            lists = [await self._images(rest, task) for task in tasks]
        finally:
            await rest.close()
        items = tuple(item for found in lists for item in found)
        if not items:
            raise InputError(f"no image can be read from the log of task {', '.join(tasks)}", subject=self._address.place)
        empty = (task for task, found in zip(tasks, lists, strict=True) if not found)
        return SourceListing(items, tuple(Dropped(f"task {each}", "its list has no image") for each in empty))

    async def _images(self, rest: RestClient, task: str) -> tuple[PushItem, ...]:
        subject = f"task {task} of {self._address.place}"
        for name in _LISTS:
            url = (self._server / "pub/task" / task / "log" / name).with_query(format="raw")
            answer = await rest.get(url, subject=subject, limit_bytes=DEFAULT_LIMIT_BYTES)
            if answer.status == HTTPStatus.OK:
                return parse_pushed_images(answer.body, subject=f"{name} of {subject}")
            if answer.status != HTTPStatus.NOT_FOUND:
                hint = "see that this machine may ask it" if answer.status in _REFUSED else "is this the address of Pub?"
                raise OperationError(f"{place_of(answer.url)} answered {status_text(answer.status)}", subject=subject, hint=hint)
        raise NotFoundError(f"its log has neither {' nor '.join(_LISTS)} (HTTP 404)", subject=subject, hint="is it the task of a push?")


def _server(address: UpstreamAddress) -> URL:
    """Where Pub is: by HTTPS whatever the address says, as with pushsource, but as it is given on this machine.

    A list says which images go, so nobody on the way may change it.
    """
    url = URL(address.server).with_query(None).with_fragment(None)
    return url if is_loopback(url.host or "") else url.with_scheme("https")
