"""Which files of a stream are mirrored, and under which names."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from penstock.model.digest import Digest
from penstock.model.errors import InputError, NotFoundError
from penstock.model.record import given
from penstock.model.stream import Stream
from penstock.streams.artifacts import StreamArtifact, artifacts_of

_NOT_IN_A_URL = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]")
_NOT_IN_A_NAME = re.compile(r"[\x00-\x1f\x7f/\\]")
_LONGEST_NAME = 200
"""Beside it stands ``.NAME.partial.json``, and a file system takes 255 bytes."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is wanted; an empty part of it means all.

    Attributes:
        arches: for example ``x86_64``.
        platforms: for example ``metal``.
        formats: for example ``iso``.
    """

    arches: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()

    @property
    def takes_all(self) -> bool:
        """Whether nothing is left out."""
        return not (self.arches or self.platforms or self.formats)

    def takes(self, found: StreamArtifact) -> bool:
        """Whether this file is wanted."""
        return (
            (not self.arches or found.arch in self.arches)
            and (not self.platforms or found.platform in self.platforms)
            and (not self.formats or found.format in self.formats)
        )


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file to mirror; a stream may name it in several places.

    Attributes:
        name: what it is called in the folder: the last element of its URL's path.
        url: where it is.
        digest: of its bytes as served.
        signature_url: where its detached signature is, or None.
        slots: where the stream has it.
        release: the build that it belongs to, or None where the stream does not tell it.
    """

    name: str
    url: str
    digest: Digest
    signature_url: str | None
    slots: tuple[str, ...]
    release: str | None = None

    @property
    def signature_name(self) -> str:
        """What its signature is called in the folder, wherever it came from."""
        return f"{self.name}.sig"


def select(stream: Stream, selection: Selection, *, signatures: bool, subject: str) -> tuple[WantedFile, ...]:
    """The files to mirror, each once, in the order of the stream.

    Args:
        stream: names them.
        selection: which of them.
        signatures: whether their signatures are mirrored too.
        subject: what the stream is called in errors.

    Raises:
        InputError: the selection names what the stream does not have, or a file has no usable address, digest or name, or two files that
            differ have the same name.
        NotFoundError: nothing is selected.
    """
    artifacts = list(artifacts_of(stream))
    _check_known("architecture", selection.arches, stream.architectures, subject)
    _check_known("platform", selection.platforms, {found.platform for found in artifacts}, subject)
    _check_known("format", selection.formats, {found.format for found in artifacts}, subject)
    chosen = [found for found in artifacts if selection.takes(found)]
    if not chosen:
        hint = "the stream has these platforms and formats, but not together"
        raise NotFoundError("no file of the stream is chosen", subject=subject, hint=hint)
    return unite(chosen, signatures=signatures)


def unite(artifacts: Iterable[StreamArtifact], *, signatures: bool) -> tuple[WantedFile, ...]:
    """The files behind these entries, each once.

    Raises:
        InputError: see :func:`select`.
    """
    files: dict[str, WantedFile] = {}
    for found in artifacts:
        fresh = _wanted(found, signatures=signatures)
        known = files.get(fresh.name)
        if known is None:
            files[fresh.name] = fresh
            continue
        if known.digest != fresh.digest:
            message = f"two files are called so: {known.slots[0]} ({known.digest.short}) and {found.slot} ({fresh.digest.short})"
            raise InputError(message, subject=fresh.name, hint="mirror them into two folders: choose with --arch, --platform and --format")
        files[fresh.name] = WantedFile(
            known.name, known.url, known.digest, known.signature_url or fresh.signature_url, (*known.slots, found.slot), known.release
        )
    for file in files.values():
        if file.signature_url and file.signature_name in files:
            raise InputError("a file is called as another one's signature", subject=file.signature_name, hint="use --no-signatures")
    return tuple(files.values())


def _wanted(found: StreamArtifact, *, signatures: bool) -> WantedFile:
    artifact = found.artifact
    _check_url(artifact.location, f"{found.slot}: location")
    name = artifact.file_name
    if not name or name in (".", "..") or _NOT_IN_A_NAME.search(name) or len(name.encode(errors="replace")) > _LONGEST_NAME:
        raise InputError("its address does not end in a usable file name", subject=found.slot)
    try:
        digest = artifact.digest
    except InputError as error:
        raise InputError(error.message, subject=f"{found.slot}: sha256", hint=error.hint) from None
    signature = (given(artifact.signature) or None) if signatures else None
    if signature is not None:
        _check_url(signature, f"{found.slot}: signature")
    return WantedFile(name, artifact.location, digest, signature, (found.slot,), found.release)


def _check_url(url: str, subject: str) -> None:
    if parse_address(url) is None:
        raise InputError("this is no address of an HTTP server", subject=subject)


def parse_address(url: str) -> SplitResult | None:
    """The parts of an address of an HTTP server; None where ``url`` is none."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not _NOT_IN_A_URL.search(url)
    except ValueError:  # a port that is none, brackets that are not closed
        return None
    return parts if usable else None


def _check_known(what: str, wanted: Sequence[str], known: Iterable[str], subject: str) -> None:
    names = sorted(known)
    for name in wanted:
        if name not in names:
            raise InputError(f"the stream has no {what} {name!r}", subject=subject, hint=f"it has {', '.join(names) or 'none'}")
