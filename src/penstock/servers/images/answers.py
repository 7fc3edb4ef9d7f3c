"""Who answers with files; and answers without one, worded as OpenShift's image service words them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, Protocol

from aiohttp import web

from penstock.imageservice.asks import ArtifactAsk, InitrdAsk, IsoAsk
from penstock.imageservice.catalogue import Catalogue
from penstock.imageservice.refusals import Refused
from penstock.imageservice.snapshot import Snapshot

RETRY_AFTER_S: Final = 10
"""What a client is told to wait for an image that is not ready yet."""


class Snapshots(Protocol):
    """What the shell needs of :class:`penstock.imageservice.service.ImageService`, where each method is told; all raise ``Refused``."""

    @property
    def catalogue(self) -> Catalogue:
        """What is served now."""

    async def iso(self, ask: IsoAsk, *, from_start: bool, etag: str = "") -> Snapshot:
        """A host's ISO."""

    async def initrd(self, ask: InitrdAsk, *, from_start: bool, etag: str = "") -> Snapshot:
        """The initramfs for a host's network boot."""

    async def addrsize(self, ask: InitrdAsk) -> Snapshot:
        """Where that goes, and its size (s390x)."""

    async def config(self, ask: IsoAsk, *, sha512: str = "") -> Snapshot:
        """The Ignition config of a host: with ``sha512`` the very one, for a pointer config."""

    def artifact(self, ask: ArtifactAsk) -> Snapshot:
        """A boot artifact."""


def plain(status: int, body: str = "", *, nosniff: bool = False, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer in plain text, or without any."""
    response = web.Response(status=status, headers=headers)
    if body:
        response.text = body
    if nosniff:
        response.headers["X-Content-Type-Options"] = "nosniff"
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers.setdefault("Retry-After", str(RETRY_AFTER_S))
    return response


def refusal(refused: Refused) -> web.Response:
    """The answer to a request that was refused."""
    return plain(refused.status, refused.body, nosniff=refused.nosniff)


def not_ready() -> Refused:
    """503 without a body: come again."""
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE)
