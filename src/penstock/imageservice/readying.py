"""One image in the store, made ready: opened, read once, and later given its minimal ISOs.  Reading is done in worker threads."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import urlencode

from penstock.formats.coreos_iso.image import IsoImage
from penstock.imageservice.aside import PutAside, put_aside
from penstock.imageservice.catalogue import ReadyImage
from penstock.imageservice.held import HeldFile
from penstock.imageservice.nmstate import needs_nmstate, nmstate_archive
from penstock.imageservice.overlay import Source
from penstock.imageservice.prepare import NONE_FOR_S390X, Floors, check_complete, prepare, prepare_minimal
from penstock.imageservice.prepared import PreparedImage
from penstock.model.arch import Arch
from penstock.model.errors import NotFoundError, PenstockError, TransientError
from penstock.model.osimage import ImageRecord, ImageType, StoredImage, listed_arch
from penstock.ports import ImageFile, ImageStore

NMSTATE_COMES = "nmstatectl, which goes with network settings, is being taken out of the image"

_NO_BASE_URL = "hosts take the root file system of a minimal ISO from this service, and the base URL by which they reach it is not set"

T = TypeVar("T")


async def opened(store: ImageStore, stored: StoredImage, *, floors: Floors) -> ReadyImage:
    """The image as it is served at once: the full ISO and its boot files.

    Raises:
        TransientError: it went away meanwhile, or did not come.
        PenstockError: it is none that can be served.
    """
    try:
        file = HeldFile(await store.open(stored))
    except NotFoundError as error:
        raise TransientError("the image went away while it was opened", subject=stored.record.file_name) from error
    prepared = await asyncio.to_thread(_read, file, stored, lambda iso, source: prepare(iso, source, stored.record.type))
    if stored.record.type is ImageType.FULL:
        check_complete(prepared, floors=floors)
    return ReadyImage(
        stored, prepared, MappingProxyType({prepared.source: file}), why_no_nmstate=NMSTATE_COMES if _needs_nmstate(stored.record) else ""
    )


async def with_minimal(image: ReadyImage, base_url: str, aside: PutAside) -> ReadyImage:
    """The same with its minimal ISOs and nmstatectl, or with the reasons why there are none.

    Args:
        image: as :func:`opened` gave it.
        base_url: by which hosts reach this service, or ``""``.
        aside: where large bytes go.

    Raises:
        TransientError: something of the image did not come.
    """
    return await asyncio.to_thread(_with_minimal, image, base_url, aside)


def is_whole(image: ReadyImage) -> bool:
    """Whether :func:`with_minimal` has nothing more to give."""
    has_minimal = image.prepared.minimal_with_ramdisk is not None or bool(image.prepared.why_no_minimal)
    return has_minimal and image.why_no_nmstate != NMSTATE_COMES


def rootfs_url(base_url: str, record: ImageRecord) -> str:
    """Where hosts find the root file system (assisted-image-service: ``pkg/imagestore/imagestore.go``)."""
    query = urlencode({"arch": listed_arch(record.arch), "version": record.version})
    return f"{base_url}/boot-artifacts/rootfs?{query}"


def _with_minimal(image: ReadyImage, base_url: str, aside: PutAside) -> ReadyImage:
    stored, file = image.stored, image.files[image.prepared.source]
    nmstate, why_no_nmstate = b"", ""
    if _needs_nmstate(stored.record):
        try:
            nmstate = _read(file, stored, lambda iso, _: nmstate_archive(iso))
        except TransientError:
            raise
        except PenstockError as error:
            why_no_nmstate = f"nmstatectl, which goes with network settings, cannot be taken out of the image: {error}"
    prepared = image.prepared
    if not prepared.why_no_minimal and stored.record.arch is Arch.S390X:
        prepared = replace(prepared, why_no_minimal=NONE_FOR_S390X)
    if not base_url and not prepared.why_no_minimal:
        prepared = replace(prepared, why_no_minimal=_NO_BASE_URL)
    try:
        made = _read(
            file, stored, lambda iso, _: prepare_minimal(iso, prepared, rootfs_url=rootfs_url(base_url, stored.record), nmstate=nmstate)
        )
    except TransientError:
        raise
    except PenstockError as error:
        made = replace(prepared, nmstate=nmstate, why_no_minimal=f"no minimal ISO can be made of it: {error}")
    return _slim(image, made, why_no_nmstate, aside)


def _slim(image: ReadyImage, made: PreparedImage, why_no_nmstate: str, aside: PutAside) -> ReadyImage:
    result = put_aside(made)
    files: dict[Source, ImageFile] = dict(image.files)
    if result.source is not None:
        files[result.source] = HeldFile(aside(result.content))
    frozen: Mapping[Source, ImageFile] = MappingProxyType(files)
    return replace(image, prepared=result.prepared, files=frozen, nmstate=result.nmstate, why_no_nmstate=why_no_nmstate)


def _read(file: ImageFile, stored: StoredImage, work: Callable[[IsoImage, Source], T]) -> T:
    name = stored.record.file_name
    with closing(file.blocking()) as content:
        return work(IsoImage(content, name=name), Source.by_digest(name, stored.size_bytes, str(stored.digest)))


def _needs_nmstate(record: ImageRecord) -> bool:
    return record.type is ImageType.FULL and needs_nmstate(record.openshift_version, record.version)
