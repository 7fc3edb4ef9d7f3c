"""What the backend says a host gets, asked for in the order of OpenShift's image service; and what a client is told where it does not.

One refusal is enough: what comes behind it is not asked for (assisted-image-service: ``internal/handlers/iso.go``, ``initrd.go``).
"""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import structlog

from penstock.imageservice.asks import InitrdAsk, IsoAsk
from penstock.imageservice.refusals import Refused
from penstock.model.errors import PenstockError
from penstock.model.hosts import BackendRefused, HostIgnition
from penstock.model.osimage import ImageType
from penstock.ports import HostBackend

_log = structlog.get_logger("penstock.imageservice")

_LAST_SECOND = 253_402_300_799  # of the year 9999, which HTTP cannot write further


@dataclass(frozen=True, slots=True)
class HostAnswer:
    """What a host gets besides the image.

    Attributes:
        config: the Ignition config.
        ramdisk: an initramfs with its network settings, or ``b""``.
        arguments: kernel arguments to append.
    """

    config: HostIgnition
    ramdisk: bytes = field(default=b"", repr=False)
    arguments: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> bytes:
        """Tells one answer from another by its bytes; dates do not count.  Hashes all bytes."""
        digest = hashlib.sha256()
        for part in (self.config.content, self.ramdisk, *(argument.encode(errors="surrogateescape") for argument in self.arguments)):
            digest.update(b"%d:" % len(part))
            digest.update(part)
        return digest.digest()

    @property
    def last_modified_s(self) -> int | None:
        """The date that came with the config, or None where it is none."""
        try:
            at = parsedate_to_datetime(self.config.last_modified)
            # The form without a zone is in UTC too (RFC 9110 5.6.7).
            at_s = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            return None
        return at_s if 0 < at_s <= _LAST_SECOND else None


async def ask_for_iso(backend: HostBackend, ask: IsoAsk) -> HostAnswer:
    """What goes into a host's ISO: config, ramdisk for a minimal one, kernel arguments.

    Raises:
        Refused: the backend's status, or 500, with an empty body.
    """
    try:
        config = await backend.ignition(ask.host, ask.type, ask.credentials)
        ramdisk = await backend.ramdisk(ask.host, ask.credentials) if ask.type is ImageType.MINIMAL else b""
        arguments = await backend.kernel_arguments(ask.host, ask.credentials)
    except PenstockError as error:
        _tell(error, ask.host)
        raise Refused(_status(error)) from error
    return HostAnswer(config, ramdisk, arguments)


async def ask_for_config(backend: HostBackend, ask: IsoAsk) -> HostAnswer:
    """The config alone; raises as :func:`ask_for_iso`."""
    try:
        return HostAnswer(await backend.ignition(ask.host, ask.type, ask.credentials))
    except PenstockError as error:
        _tell(error, ask.host)
        raise Refused(_status(error)) from error


async def ask_for_initrd(backend: HostBackend, ask: InitrdAsk) -> HostAnswer:
    """What goes behind the initramfs of a network boot: config and ramdisk.

    Raises:
        Refused: the backend's status, or 500, with what went wrong.
    """
    what = "ignition content"
    try:
        config = await backend.ignition(ask.host, None, ask.credentials)
        what = "ramdisk content"
        ramdisk = await backend.ramdisk(ask.host, ask.credentials)
    except PenstockError as error:
        _tell(error, ask.host)
        raise Refused.by_helper(_status(error), f"error retrieving {what}: {error}") from error
    return HostAnswer(config, ramdisk)


def takes_back(refused: Refused) -> bool:
    """Whether a refusal means that the backend gives no longer what it gave."""
    return isinstance(refused.__cause__, BackendRefused) and refused.status in (
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
    )


def _status(error: PenstockError) -> int:
    return error.status if isinstance(error, BackendRefused) else HTTPStatus.INTERNAL_SERVER_ERROR


def _tell(error: PenstockError, host: str) -> None:
    """Log what a client is told as a number alone; a host that the backend does not want to have anything is nothing to worry about."""
    tell = _log.info if isinstance(error, BackendRefused) and error.status < HTTPStatus.INTERNAL_SERVER_ERROR else _log.error
    tell("the backend did not say what a host gets", host=host, error=str(error), hint=error.hint or None)
