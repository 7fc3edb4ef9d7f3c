"""ISOs by their address: resumed across cuts and runs, compared with all that is known of them, and looked into.

Addresses, header fields and parameters may hold secrets: messages name a server and the last part of a path, records an address without
its query.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from yarl import URL

from penstock.adapters.files.mirror import GrowingFile, LocalMirror
from penstock.adapters.http.additions import Additions
from penstock.adapters.http.download import HttpFiles
from penstock.adapters.http.hops import keeps_credentials, place_of
from penstock.adapters.imageorigins.inspection import Inspection
from penstock.adapters.imagestore.openfile import digest_of
from penstock.imageservice.lists import names_of
from penstock.model.digest import Digest
from penstock.model.errors import DigestMismatch, InputError, NotFoundError, TransientError, VerificationError
from penstock.model.osimage import SIGNED_BY, Brought, ImageRecord, UrlOrigin, Wanted
from penstock.model.progress import Progress
from penstock.ports import ProgressSink, SignatureCheck

_ARRIVING = "image.iso"
_LONGEST_SIGNATURE_BYTES = 256 << 10
_LONGEST_NAME = 80
_ADDRESS_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True, slots=True)
class _Address:
    """Where an image is, apart into what may be told and what may not.

    Attributes:
        url: without user and password.
        login: the header fields and parameters for it.
        subject: for messages.
        origin: what the list said.
    """

    url: URL
    login: Additions
    subject: str
    origin: UrlOrigin


class WebImages:
    """The part of ``ports.ImageOrigins`` that is for addresses."""

    def __init__(
        self,
        files: HttpFiles,
        inspection: Inspection,
        *,
        signatures: SignatureCheck | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> None:
        """Ask nothing yet.

        Args:
            files: the servers.
            inspection: looks at what came.
            signatures: checks the signatures that the list names; None leaves them unchecked.
            headers: header fields for every download.
            query: parameters for the address of every download.
        """
        self._files = files
        self._inspection = inspection
        self._signatures = signatures
        self._additions = Additions(headers or {}, query or {})

    async def key(self, wanted: Wanted) -> str:
        """``url ADDRESS BUILD ARCH TYPE``; nobody is asked.

        The query does not count: it holds signatures that change while the file does not.  The digest does not either, so that one that
        is added to the list later brings nothing again that has it.

        Raises:
            InputError: the address is none of HTTP.
        """
        address = self._address(wanted)
        return f"url {_told(address.url)} {wanted.version} {wanted.arch.value} {wanted.type.value}"

    async def bring(self, wanted: Wanted, folder: str, progress: ProgressSink) -> tuple[Brought, ...]:
        """Bring the ISO into ``folder``, which is the caller's alone; see ``ports.ImageOrigins``.

        Raises:
            InputError: the address is none of HTTP.
            NotFoundError: the server does not have it.
            OperationError: the server refuses it.
            TransientError: it did not come, however often it was asked for; what came is continued next time.
            DestinationError: the folder does not take it; the same holds.
            VerificationError: it is not what it must be; it was removed.
        """
        address = self._address(wanted)
        signature = await self._signature(address)
        there = Path(folder) / _ARRIVING
        if await asyncio.to_thread(there.exists):  # a run was ended between the last byte and the store's taking it
            digest, state = await digest_of(str(there))
            try:
                record = await self._vouched(wanted, address, str(there), digest, signature)
            except VerificationError:
                await asyncio.to_thread(there.unlink)
            else:
                return (Brought(str(there), digest, state.size_bytes, record),)
        return (await self._downloaded(wanted, address, folder, signature, progress),)

    async def examine(self, wanted: Wanted, path: str, digest: Digest) -> ImageRecord:
        """What is known of a file with this digest that stands for ``wanted`` already; it is looked at as one that was just brought.

        Raises:
            VerificationError: it is not what it must be.
            PenstockError: the signature did not come.
        """
        address = self._address(wanted)
        return await self._vouched(wanted, address, path, digest, await self._signature(address))

    async def _downloaded(self, wanted: Wanted, address: _Address, folder: str, signature: bytes | None, progress: ProgressSink) -> Brought:
        """Wrong bytes that came in pieces (of an earlier run, around a cut) cost one more try from the start.

        Those that came in one piece are the server's.
        """
        mirror = LocalMirror(Path(folder), lock=False, check_space=True)
        resume, last_try = True, False
        while True:
            partial = await self._opened(mirror, address, resume=resume, progress=progress)
            in_one_piece = False
            try:
                if address.origin.sha256 != partial.digest:
                    in_one_piece = await self._fetched(address, partial, progress)
                _must_be_one_file(partial, address, in_one_piece=in_one_piece)
                record = await self._vouched(wanted, address, mirror.partial_path(_ARRIVING), partial.digest, signature)
                digest, size_bytes = partial.digest, partial.size_bytes
                await asyncio.to_thread(partial.publish)
            except (VerificationError, _PiecesError):
                await asyncio.to_thread(partial.discard)
                if in_one_piece or last_try:
                    raise
                resume, last_try = False, True
                continue
            except BaseException:
                partial.close()
                raise
            return Brought(mirror.path(_ARRIVING), digest, size_bytes, record)

    async def _opened(self, mirror: LocalMirror, address: _Address, *, resume: bool, progress: ProgressSink) -> GrowingFile:
        def hashed(done: int) -> None:
            progress(Progress("compare", address.subject, done))

        # What is being downloaded goes by its digest, where that is not known by its address: a part of another file is not continued.
        identity = address.origin.sha256 or Digest.of(_told(address.url).encode())
        partial = await asyncio.to_thread(mirror.open_partial, _ARRIVING, identity, resume=resume, on_bytes=hashed)
        if partial.size_bytes and address.origin.sha256 is None and partial.validator is None:
            # Nothing could tell whether the server still has the file that this is the beginning of.
            partial.begin(total_bytes=None, validator=None)
        return partial

    async def _fetched(self, address: _Address, partial: GrowingFile, progress: ProgressSink) -> bool:
        try:
            return await self._files.fetch(str(address.url), partial, subject=address.subject, progress=progress, additions=address.login)
        except NotFoundError as error:
            raise NotFoundError(error.message, subject=error.subject, hint="check the address in the list of images") from error

    async def _signature(self, address: _Address) -> bytes | None:
        if address.origin.signature is None or self._signatures is None:
            return None
        url = _parsed(address.origin.signature, "the address of a signature")
        own = url.with_user(None)
        # What was made for the image's server is not shown to another one.
        additions = address.login if keeps_credentials(address.url, own) else Additions().with_login_of(url)
        subject = f"the signature of {address.subject}"
        return await self._files.fetch_small(str(own), subject=subject, limit_bytes=_LONGEST_SIGNATURE_BYTES, additions=additions)

    async def _vouched(self, wanted: Wanted, address: _Address, path: str, digest: Digest, signature: bytes | None) -> ImageRecord:
        """What is known of a file that is what it must be."""
        checked = []
        if (said := address.origin.sha256) is not None:
            if digest != said:
                hint = "the server has other bytes than the list says; nothing is kept of them"
                raise DigestMismatch(address.subject, expected=str(said), found=str(digest), hint=hint)
            checked.append("the SHA-256 of the list")
        if signature is not None and self._signatures is not None:
            checked.append(f"{SIGNED_BY}{await self._signatures.check(path, signature, subject=address.subject)}")
        build = await self._inspection.build_of(path, wanted.type, subject=address.subject)
        return ImageRecord(
            openshift_version=wanted.openshift_version,
            version=wanted.version or build,
            arch=wanted.arch,
            type=wanted.type,
            key=await self.key(wanted),
            names=names_of(wanted),
            url=_told(address.url),
            checked=tuple(checked),
        )

    def _address(self, wanted: Wanted) -> _Address:
        if not isinstance(wanted.origin, UrlOrigin):
            raise InputError("this has no address of its own", subject=wanted.name)
        url = _parsed(wanted.origin.url, wanted.name)
        subject = f"{url.raw_name[:_LONGEST_NAME] or 'the ISO'} of {place_of(url)}"
        return _Address(url.with_user(None), self._additions.with_login_of(url), subject, wanted.origin)


class _PiecesError(TransientError):
    """A file came in several answers, and nothing says that they were of one file."""


def _must_be_one_file(partial: GrowingFile, address: _Address, *, in_one_piece: bool) -> None:
    if address.origin.sha256 is None and not in_one_piece and partial.validator is None:
        message = "the download was cut, and the server does not say whether it still has the same file"
        raise _PiecesError(message, subject=address.subject, hint="try again; with sha256 in the list it could be continued")


def _parsed(text: str, subject: str) -> URL:
    try:
        # What is encoded stays as it is, for it may be signed.
        url = URL(quote(text.strip(), safe=_ADDRESS_CHARACTERS), encoded=True)
        usable = url.scheme in ("http", "https") and bool(url.host) and url.port is not None
    except ValueError:
        usable, url = False, URL()
    if not usable:
        raise InputError("the address is none of HTTP", subject=subject, hint="write https://HOST/PATH in the list of images")
    return url


def _told(url: URL) -> str:
    """An address for records, without what may be secret."""
    return str(url.with_user(None).with_query(None).with_fragment(None))
