"""Reading what a stream is made from: builds, a release, or the last release of an index.

Reading itself is a function that is given: the shells know of files, standard input and HTTP.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from penstock.formats.coreos_release import parse_build, parse_coreos_release, parse_release_index
from penstock.model.arch import Arch
from penstock.model.build import Build
from penstock.model.coreos_release import CoreosRelease
from penstock.model.digest import Digest
from penstock.model.errors import InputError, VerificationError
from penstock.streams.generate.builds_to_release import release_of_build, unknown_files
from penstock.streams.generate.index import newest_release
from penstock.streams.generate.naming import (
    BuildAddress,
    Distro,
    address_in,
    distro_of,
    name_of_build,
    name_of_version,
    public_url,
)

ReadDocument = Callable[[str], Awaitable[bytes]]
"""Gives the document at a path or URL; raises what adapters raise."""


@dataclass(frozen=True, slots=True)
class Publication:
    """Where builds are looked for and served, as the user says; None and ``""`` where the builds tell it.

    Attributes:
        url: the address above all streams, where ``ARCH=VERSION`` is looked for.
        public_url: the address that is written, where it is another one.
        directory: the folder of the stream.
        stream: the name of the stream in the documents.
        distro: whose builds they are.
        signatures: whether signatures lie beside the files.
    """

    url: str = ""
    public_url: str = ""
    directory: str = ""
    stream: str = ""
    distro: Distro | None = None
    signatures: bool = True


@dataclass(frozen=True, slots=True)
class WantedBuild:
    """A build to be read.

    Attributes:
        place: the path or URL of its ``meta.json``.
        address: what is known of where it is served, or None.
        arch: the architecture that it must be for, or ``""``.
        build: the id that it must have, or ``""``.
    """

    place: str
    address: BuildAddress | None = None
    arch: str = ""
    build: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A document that a stream is made from.

    Attributes:
        place: where it was read, as it may be shown.
        digest: of its bytes.
        release: what it says; of a build, the release that has it alone.
        build: the build, or None where it is a ``release.json``.
        address: where the build or the release is served, or None.
        remarks: what whoever generates should know, a sentence each.
    """

    place: str
    digest: Digest
    release: CoreosRelease
    build: Build | None = None
    address: BuildAddress | None = None
    remarks: tuple[str, ...] = ()


def is_url(place: str) -> bool:
    """Whether a place is the address of a web server."""
    return place.startswith(("http://", "https://"))


def wanted_build(word: str, publication: Publication) -> WantedBuild:
    """What an argument names: a path, a URL, or ``ARCH=VERSION``.

    Raises:
        InputError: the stream of a version cannot be told, or what looks like a URL is none.
    """
    name, equals, build = word.partition("=")
    arch = _arch(name) if equals and "/" not in name else None
    if arch is not None:
        if not build:
            raise InputError("names no build", subject=word, hint="write ARCH=VERSION, for example x86_64=9.6.20250826-1")
        return build_at(arch, build, publication)
    if is_url(word):
        return WantedBuild(word, address_in(word))
    return WantedBuild(word)


def build_at(arch: Arch, build: str, publication: Publication, *, directory: str = "") -> WantedBuild:
    """The build of an architecture by its id.

    Args:
        arch: the architecture.
        build: the id.
        publication: where builds are looked for.
        directory: the folder of its stream, where that is known from elsewhere.

    Raises:
        InputError: the folder of the stream cannot be told.
    """
    folder = publication.directory or directory or publication.stream or name_of_version(build)
    if not folder:
        raise InputError("the stream of this build cannot be told", subject=build, hint="name it with --name")
    distro = publication.distro or distro_of(build)
    address = BuildAddress((publication.url or distro.endpoint).rstrip("/"), folder, build, arch.value)
    return WantedBuild(address.meta_url, address, arch.value, build)


async def read_builds(wanted: Sequence[WantedBuild], publication: Publication, read: ReadDocument) -> list[Source]:
    """The builds, in the order in which they were asked for; they are read at the same time.

    Raises:
        InputError: a document is no ``meta.json``, or its stream cannot be told.
        VerificationError: a build is another one than was asked for.
        PenstockError: a document did not come.
    """
    contents = await asyncio.gather(*(read(one.place) for one in wanted))
    return [_source(one, content, publication) for one, content in zip(wanted, contents, strict=True)]


async def read_release(place: str, read: ReadDocument) -> Source:
    """A ``release.json``.

    Raises:
        InputError: it is none.
        PenstockError: it did not come.
    """
    content = await read(place)
    shown = _shown(place)
    return Source(shown, Digest.of(content), parse_coreos_release(content, subject=shown))


async def read_newest_release(place: str, read: ReadDocument) -> Source:
    """The release that is the last one of an index.

    Raises:
        InputError: the index or the release is none, or the index is empty.
        PenstockError: one of them did not come.
    """
    shown = _shown(place)
    entry = newest_release(parse_release_index(await read(place), subject=shown), subject=shown)
    source = await read_release(entry.metadata_url, read)
    if source.release.release != entry.version:
        raise VerificationError(
            f"the index names the release {entry.version}, and {source.release.release} is served there",
            subject=source.place,
            hint="correct the address in the index",
        )
    return source


def _source(wanted: WantedBuild, content: bytes, publication: Publication) -> Source:
    shown = _shown(wanted.place)
    build = parse_build(content, subject=shown)
    for what, asked, found in (("architecture", wanted.arch, build.arch), ("build", wanted.build, build.id)):
        if asked and asked != found:
            raise VerificationError(f"the {what} is {found}, not {asked}", subject=shown, hint="the server gave another build's meta.json")
    address = _address(wanted, build, publication)
    stream = publication.stream or publication.directory or name_of_build(build) or address.directory
    release = release_of_build(build, stream, address, signatures=publication.signatures)
    unknown = unknown_files(build)
    remarks = (f"note: {build.arch} has files of unknown kinds, which are left out: {', '.join(unknown)}",) if unknown else ()
    return Source(shown, Digest.of(content), release, build, address, remarks)


def _address(wanted: WantedBuild, build: Build, publication: Publication) -> BuildAddress:
    told = wanted.address
    directory = publication.directory or (told.directory if told else "") or publication.stream or name_of_build(build)
    if not directory:
        raise InputError("the stream of this build cannot be told", subject=_shown(wanted.place), hint="name it with --name")
    base = publication.public_url or (publication.url if is_url(publication.url) else "") or (told.base_url if told else "")
    if not is_url(base):  # builds that were read from a folder are served somewhere else
        base = (publication.distro or distro_of(build.id, build.name)).endpoint
    return BuildAddress(public_url(base).rstrip("/"), directory, build.id, build.arch)


def _arch(name: str) -> Arch | None:
    try:
        return Arch.parse(name)
    except InputError:
        return None


def _shown(place: str) -> str:
    return public_url(place) if is_url(place) else place
