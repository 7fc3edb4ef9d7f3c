"""Snapshots made of an image and of what the backend says: no questions, no waiting, a few milliseconds in a worker thread."""

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

import structlog

from penstock.imageservice.answers import HostAnswer
from penstock.imageservice.asks import IsoAsk
from penstock.imageservice.assembly import Assembled, assemble_addrsize, assemble_initrd, assemble_iso
from penstock.imageservice.catalogue import ReadyImage
from penstock.imageservice.ignition import ConfigTooLarge
from penstock.imageservice.overlay import Bytes, Plan
from penstock.imageservice.pointer import config_sha512, pointer_config
from penstock.imageservice.prepared import Base
from penstock.imageservice.refusals import Refused
from penstock.imageservice.snapshot import Overlaid, Snapshot
from penstock.model.arch import Arch
from penstock.model.errors import PenstockError
from penstock.model.hosts import CredentialKind, Credentials
from penstock.model.osimage import ImageType, listed_arch

OCTETS = "application/octet-stream"
ISO = "application/x-cd-image"
RAW_IMAGE = "application/x-raw-disk-image"
IGNITION = "application/vnd.coreos.ignition+json"

_S390X_KARGS = "kargs cannot be modified in s390x architecture ISOs"

_log = structlog.get_logger("penstock.imageservice")


@dataclass(frozen=True, slots=True)
class MadeIso:
    """An ISO for a host.

    Attributes:
        snapshot: what is sent.
        shared_bytes: how many of its literal bytes are those of its base, and so in memory anyway.
        config: the config itself, where it did not fit and the ISO holds a pointer to it; else None.
    """

    snapshot: Snapshot
    shared_bytes: int
    config: Snapshot | None = None


def make_iso(ask: IsoAsk, image: ReadyImage, answer: HostAnswer, date_s: int, base_url: str) -> MadeIso:
    """A host's ISO.

    Args:
        ask: what is asked for.
        image: what it is made of.
        answer: what goes in.
        date_s: its date, in seconds since the epoch.
        base_url: by which the host reaches this service, or ``""``.

    Raises:
        Refused: what goes in does not fit, or is not for this ISO.
    """
    if answer.arguments and image.stored.record.arch is Arch.S390X:
        raise Refused.by_helper(HTTPStatus.BAD_REQUEST, _S390X_KARGS)
    base = _base(ask, image, answer)
    try:
        made, has_pointer = _assembled(base, answer, ask, base_url)
    except PenstockError as error:
        _log.error("the ISO cannot be made", host=ask.host, image=image.stored.record.file_name, error=str(error), hint=error.hint or None)
        raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR) from error
    name = f"{ask.host}-discovery.iso"
    if ask.type is ImageType.DISCONNECTED:
        name = f"agent-ove.{listed_arch(image.stored.record.arch)}.iso"
    snapshot = snapshot_of(image, made.plan, date_s=date_s, name=name, content_type=ISO, overlaid=made.overlaid)
    return MadeIso(snapshot, base.plan.literal_bytes, make_config(ask, answer, date_s) if has_pointer else None)


def make_initrd(host: str, image: ReadyImage, answer: HostAnswer, date_s: int) -> Snapshot:
    """The initramfs for a host's network boot: that of the ISO, the config, the ramdisk, and with a ramdisk nmstatectl.

    Raises:
        Refused: the image has none, or nmstatectl is not there yet.
    """
    if answer.ramdisk and image.why_no_nmstate:
        raise Refused.by_helper(HTTPStatus.SERVICE_UNAVAILABLE, image.why_no_nmstate)
    nmstate = image.nmstate or b""
    try:
        made = assemble_initrd(image.prepared.boot, config=answer.config.content, ramdisk=answer.ramdisk, nmstate=nmstate)
    except PenstockError as error:
        _log.error("the initramfs cannot be made", host=host, image=image.stored.record.file_name, error=str(error))
        raise Refused.by_helper(HTTPStatus.INTERNAL_SERVER_ERROR, f"failed to get initrd: {error}") from error
    return snapshot_of(image, made.plan, date_s=date_s, name=f"{host}-initrd.img", content_type=RAW_IMAGE, overlaid=made.overlaid)


def make_addrsize(host: str, image: ReadyImage, initrd: Snapshot) -> Snapshot:
    """Where the initramfs of a host goes, and its size.

    Raises:
        Refused: the image is not one for s390x.
    """
    try:
        plan = assemble_addrsize(image.prepared.boot, initrd.plan)
    except PenstockError as error:
        raise Refused.by_helper(HTTPStatus.INTERNAL_SERVER_ERROR, f"Failed to get initrd.addrsize: {error}") from error
    return snapshot_of(image, plan, date_s=initrd.last_modified_s, name=f"{host}-initrd.addrsize", content_type=OCTETS)


def make_config(ask: IsoAsk, answer: HostAnswer, date_s: int) -> Snapshot:
    """The Ignition config itself."""
    plan = Plan.of(Bytes(answer.config.content))
    return Snapshot(plan, plan.etag(), date_s, f"{ask.host}.ign", IGNITION, {})


def snapshot_of(
    image: ReadyImage, plan: Plan, *, date_s: int, name: str, content_type: str, overlaid: tuple[Overlaid, ...] = ()
) -> Snapshot:
    """A snapshot over the files of an image, those alone that it needs."""
    files = {source: image.files[source] for source in plan.sources()}
    return Snapshot(plan, plan.etag(), date_s, name, content_type, files, overlaid)


def _base(ask: IsoAsk, image: ReadyImage, answer: HostAnswer) -> Base:
    prepared = image.prepared
    if ask.type is not ImageType.MINIMAL:
        return prepared.full
    if answer.ramdisk and image.why_no_nmstate:
        raise Refused.by_helper(HTTPStatus.SERVICE_UNAVAILABLE, image.why_no_nmstate)
    base = prepared.minimal_with_ramdisk if answer.ramdisk else prepared.minimal
    if base is None:
        raise Refused.by_helper(HTTPStatus.SERVICE_UNAVAILABLE, f"the minimal ISO of {image.stored.record.file_name} is being made")
    return base


def _assembled(base: Base, answer: HostAnswer, ask: IsoAsk, base_url: str) -> tuple[Assembled, bool]:
    """The ISO, and whether it holds a pointer in place of the config."""
    config = answer.config.content
    try:
        return assemble_iso(base, config=config, arguments=answer.arguments, ramdisk=answer.ramdisk), False
    except ConfigTooLarge as error:
        if not base_url:
            error.hint = "set the base URL of this service: then a config that names where this one is goes into the ISO"
            raise
        query = _query(ask.credentials)
        if query is None:
            error.hint = "ask with an api_key or an image_token: a host cannot show what is in a header"
            raise
        arch = listed_arch(ask.arch) if ask.arch else ""
        query = {"version": ask.version, "arch": arch, "type": ask.type.value, "sha512": config_sha512(config), **query}
        url = f"{base_url}/images/{ask.host}/ignition?{urlencode(query)}"
        return assemble_iso(base, config=pointer_config(url, config), arguments=answer.arguments, ramdisk=answer.ramdisk), True


def _query(credentials: Credentials) -> dict[str, str] | None:
    """The credentials as a part of a URL, or None where they are none for one."""
    match credentials.kind:
        case CredentialKind.NONE:
            return {}
        case CredentialKind.API_KEY | CredentialKind.IMAGE_TOKEN:
            return {credentials.kind.value: credentials.value}
        case CredentialKind.AUTHORIZATION:
            return None
