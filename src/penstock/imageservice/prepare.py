"""An ISO read once, when it comes, so that no request has to: where everything stands, the boot files, the minimal ISOs."""

from dataclasses import dataclass, replace
from itertools import pairwise

from penstock.formats.coreos_iso import read_exactly
from penstock.formats.coreos_iso.embed import find_embed_area
from penstock.formats.coreos_iso.image import IsoImage
from penstock.formats.coreos_iso.kargs import read_kargs
from penstock.formats.coreos_iso.miniso import MINISO_PATH
from penstock.imageservice.minimal import CDBOOT_PATH, RAMDISK_PATH, plan_minimal, plan_packed
from penstock.imageservice.overlay import Plan, Source, whole
from penstock.imageservice.planfile import open_plan
from penstock.imageservice.prepared import Area, Base, BootFiles, PreparedImage
from penstock.imageservice.pxe import ADDRESS_BYTES, ADDRSIZE_PATH, INITRD_PATH, INS_PATH, KERNEL_PATHS, ROOTFS_PATH, file_plan
from penstock.model.errors import InputError, VerificationError
from penstock.model.osimage import ImageType

VOLUME_ID_PREFIXES = ("rhcos-", "fedora-coreos-", "scos-")

NONE_FOR_S390X = "there is no minimal ISO for s390x: it boots one file that holds kernel, arguments and initramfs"
_NONE_FOR_DISCONNECTED = "there is no minimal ISO of a disconnected one: what it brings with it is what it is for"


@dataclass(frozen=True, slots=True)
class Floors:
    """How large the files of a whole ISO are at least, in bytes; the values are those of OpenShift's image service.

    A download that a proxy cut can look like an ISO, and not boot (assisted-image-service: ``pkg/imagestore/imagestore.go``).
    """

    rootfs_bytes: int = 100 << 20
    kernel_bytes: int = 5 << 20


def prepare(iso: IsoImage, source: Source, image_type: ImageType = ImageType.FULL) -> PreparedImage:
    """What is known of an ISO without its minimal ones; reads documents alone, so that it takes no time.

    Args:
        iso: the ISO as it was published.
        source: the same as a source of ranges.
        image_type: ``FULL`` or ``DISCONNECTED``.

    Raises:
        InputError: it is no live ISO of CoreOS, or a document in it is damaged.
        VerificationError: its name is none of CoreOS, or it is damaged.
    """
    version_of_volume_id(iso.image.volume_id, subject=iso.name)
    why_no_minimal = _NONE_FOR_DISCONNECTED if image_type is ImageType.DISCONNECTED else ""
    if iso.find(CDBOOT_PATH) is not None:
        why_no_minimal = NONE_FOR_S390X
    return PreparedImage(source, iso.image.volume_id, _base(iso, whole(source)), _boot_files(iso, source), why_no_minimal=why_no_minimal)


def prepare_minimal(iso: IsoImage, prepared: PreparedImage, *, rootfs_url: str, nmstate: bytes = b"") -> PreparedImage:
    """The same with its minimal ISOs, where there are some, and with nmstatectl.

    An ISO with ``coreos/miniso.dat`` gives two: the one that was published with it, which is read whole for its digest, and one that is
    laid out anew with room for a ramdisk.  Any other ISO gives the latter, for both uses; so does one whose ``miniso.dat`` does not give
    what it says (somebody wrote into the ISO, or the file is of a version that is not known), with a note.

    Args:
        iso: the full ISO.
        prepared: what :func:`prepare` made of it.
        rootfs_url: where hosts find its root file system.
        nmstate: the initramfs with nmstatectl where that is called for, which goes where the ramdisk goes.

    Raises:
        InputError: no minimal ISO can be made of it, or the URL is none for it.
        VerificationError: the ISO is damaged.
    """
    prepared = replace(prepared, nmstate=nmstate)
    if prepared.why_no_minimal:
        return prepared
    roomy = _planned(iso, plan_minimal(iso, prepared.source, rootfs_url=rootfs_url, nmstate=nmstate or None))
    if iso.find(MINISO_PATH) is None:
        return replace(prepared, minimal=roomy, minimal_with_ramdisk=roomy)
    try:
        published = _planned(iso, plan_packed(iso, prepared.source, rootfs_url=rootfs_url))
    except (InputError, VerificationError) as error:
        note = f"the minimal ISO that was published with it does not come out, and one laid out anew is served: {error}"
        return replace(prepared, minimal=roomy, minimal_with_ramdisk=roomy, note=note)
    return replace(prepared, minimal=published, minimal_with_ramdisk=roomy)


def check_complete(prepared: PreparedImage, *, floors: Floors) -> None:
    """Refuse an ISO that lacks what a host boots.

    Raises:
        VerificationError: kernel or root file system are missing or too small.
    """
    for what, plan, least in (
        ("root file system", prepared.boot.rootfs, floors.rootfs_bytes),
        ("kernel", prepared.boot.kernel, floors.kernel_bytes),
    ):
        found = 0 if plan is None else plan.size_bytes
        if plan is None or found < least:
            missing = "is missing" if plan is None else f"has {found} bytes, and no real one has less than {least}"
            raise VerificationError(f"the {what} {missing}", subject=prepared.source.name, hint="the ISO was cut on its way; take it anew")


def version_of_volume_id(volume_id: str, *, subject: str) -> str:
    """The build of CoreOS that a volume id names: ``418.94.202501221327-0`` of ``rhcos-418.94.202501221327-0``.

    Raises:
        VerificationError: it is none of CoreOS.
    """
    for prefix in VOLUME_ID_PREFIXES:
        if volume_id.startswith(prefix) and volume_id != prefix:
            return volume_id.removeprefix(prefix)
    raise VerificationError(
        f"the volume id {volume_id!r} is none of CoreOS", subject=subject, hint=f"it starts with {', '.join(VOLUME_ID_PREFIXES)}"
    )


def ramdisk_area(iso: IsoImage) -> Area | None:
    """Where the ramdisk goes, in an ISO with room for one.

    Raises:
        VerificationError: the ISO is damaged.
    """
    found = iso.find(RAMDISK_PATH)
    return Area(*found) if found is not None and found[1] else None


def _planned(iso: IsoImage, plan: Plan) -> Base:
    """The base that a plan over the full ISO makes."""
    return _base(IsoImage(open_plan(plan, lambda _: iso.file), name=f"the minimal ISO of {iso.name}"), plan)


def _base(iso: IsoImage, plan: Plan) -> Base:
    base = Base(plan, find_embed_area(iso), read_kargs(iso), ramdisk_area(iso))
    for before, behind in pairwise(base.areas):
        if before.end > behind.offset:
            raise VerificationError(
                f"the areas at {before.offset} and {behind.offset} overlap", subject=iso.name, hint="the ISO was made wrongly"
            )
    return base


def _boot_files(iso: IsoImage, source: Source) -> BootFiles:
    kernels = [plan for path in KERNEL_PATHS if (plan := file_plan(iso, source, path)) is not None]
    address = iso.find(ADDRSIZE_PATH)
    return BootFiles(
        kernel=kernels[0] if kernels else None,
        initrd=file_plan(iso, source, INITRD_PATH),
        rootfs=file_plan(iso, source, ROOTFS_PATH),
        ins_file=file_plan(iso, source, INS_PATH),
        address=read_exactly(iso, address[0], ADDRESS_BYTES, what=ADDRSIZE_PATH) if address is not None else b"",
    )
