"""Boot artifacts: files of the full ISO that are the same for all hosts."""

from http import HTTPStatus

from penstock.imageservice.asks import Artifact, ArtifactAsk
from penstock.imageservice.catalogue import ReadyImage
from penstock.imageservice.making import OCTETS, RAW_IMAGE, snapshot_of
from penstock.imageservice.overlay import Plan
from penstock.imageservice.prepared import BootFiles
from penstock.imageservice.refusals import Refused
from penstock.imageservice.snapshot import Snapshot
from penstock.model.arch import Arch

_NAMES = {Artifact.ROOTFS: "rootfs.img", Artifact.KERNEL: "vmlinuz", Artifact.INS_FILE: "generic.ins"}
_TYPES = {Artifact.ROOTFS: RAW_IMAGE, Artifact.KERNEL: OCTETS, Artifact.INS_FILE: "text/plain; charset=utf-8"}


def artifact_snapshot(ask: ArtifactAsk, image: ReadyImage) -> Snapshot:
    """A boot artifact of an image; its date is that of the image.

    Raises:
        Refused: there is no such file in it.
    """
    if ask.artifact is Artifact.INS_FILE and image.stored.record.arch is not Arch.S390X:
        text = f"ins-file is only available for the s390x architecture. Current arch: {ask.arch_text}"
        raise Refused.by_helper(HTTPStatus.NOT_FOUND, f"Failed to parse artifact: {text}")
    name = _NAMES[ask.artifact]
    plan = _plan(image.prepared.boot, ask.artifact)
    if plan is None:
        text = f"Error creating file reader stream: there is no {name} in {image.stored.record.file_name}"
        raise Refused.by_helper(HTTPStatus.INTERNAL_SERVER_ERROR, text)
    return snapshot_of(image, plan, date_s=image.stored.mtime_s, name=name, content_type=_TYPES[ask.artifact])


def _plan(boot: BootFiles, artifact: Artifact) -> Plan | None:
    match artifact:
        case Artifact.ROOTFS:
            return boot.rootfs
        case Artifact.KERNEL:
            return boot.kernel
        case Artifact.INS_FILE:
            return boot.ins_file
