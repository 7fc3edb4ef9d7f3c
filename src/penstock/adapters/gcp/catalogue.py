"""The images of Google Cloud's projects: ``images.list`` and ``images.getFromFamily`` of the Compute Engine API (v1)."""

import re
from types import TracebackType
from typing import Self

from yarl import URL

from penstock.adapters.gcp.answers import image_of, images_of, read_answer
from penstock.adapters.gcp.options import GcpOptions
from penstock.adapters.http.rest import RestClient, Tokens
from penstock.model.catalogue import GcpCloudImage
from penstock.model.errors import InputError, OperationError

_PAGE_SIZE = 500
_MOST_PAGES = 1000
_PROJECT = re.compile(r"(?:[a-z0-9.-]{1,80}:)?[a-z][a-z0-9-]{0,62}")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")


class ComputeCatalogue:
    """:class:`penstock.ports.GcpCatalogue` over REST; made and closed inside the running loop.

    ::

        async with ComputeCatalogue(GcpOptions(), tokens) as catalogue:
            images = await catalogue.list_images("redhat-marketplace-public", prefix="redhat-coreos-ocp-")
    """

    def __init__(self, options: GcpOptions, tokens: Tokens | None) -> None:
        """Prepare; nothing is asked before the first question.

        Args:
            options: where and how to ask.
            tokens: what to show; None to ask without.

        Raises:
            InputError: the endpoint is no address.
        """
        self._base = options.base()
        self._tokens = tokens
        self._client = RestClient(options.http)

    async def __aenter__(self) -> Self:
        """The catalogue itself."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close all connections."""
        await self._client.close()

    @property
    def source(self) -> str:
        """The address of the API, for the record."""
        return str(self._base.parent)

    async def list_images(self, project: str, *, prefix: str) -> tuple[GcpCloudImage, ...]:
        """See :meth:`penstock.ports.GcpCatalogue.list_images`.

        The prefix is said to the server, and looked at again here: what a server makes of its filter language is its own.
        """
        subject = f"images {_checked(_NAME, prefix, 'name of an image')}* of {project}"
        query = {"maxResults": str(_PAGE_SIZE), "filter": f'name eq "{prefix}.*"'}
        found: list[GcpCloudImage] = []
        seen: set[str] = set()
        for _ in range(_MOST_PAGES):
            answer = await self._client.get(self._images(project).with_query(query), subject=subject, tokens=self._tokens)
            tree = read_answer(answer, subject=subject)
            found += images_of(tree, project, subject=subject)
            token = tree.get("nextPageToken")
            if not isinstance(token, str) or not token:
                return tuple(image for image in found if image.name.startswith(prefix))
            if token in seen:
                break
            seen.add(token)
            query["pageToken"] = token
        raise OperationError("the list of images has no end", subject=subject, hint="check the endpoint")

    async def newest_of_family(self, project: str, family: str) -> GcpCloudImage:
        """See :meth:`penstock.ports.GcpCatalogue.newest_of_family`."""
        subject = f"the family {_checked(_NAME, family, 'name of a family')} of {project}"
        answer = await self._client.get(self._images(project) / "family" / family, subject=subject, tokens=self._tokens)
        return image_of(read_answer(answer, subject=subject), project, subject=subject)

    def _images(self, project: str) -> URL:
        return self._base / _checked(_PROJECT, project, "name of a project") / "global/images"


def _checked(grammar: re.Pattern[str], text: str, what: str) -> str:
    """A part of a path or a filter that cannot mean anything else."""
    if not grammar.fullmatch(text):
        raise InputError(f"{text!r} is no {what} in Google Cloud")
    return text
