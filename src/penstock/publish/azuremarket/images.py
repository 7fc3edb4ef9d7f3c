"""What an image is in a plan's technical configuration, and where it stands already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.push.azuremarket import ImageVersion, VmImage
from penstock.publish.azuremarket.signatures import SignedAddress, signed_address

READ_BLOB = (("sp", "r"), ("sr", "b"))
"""What every signature of ours says beside its end: a blob may be read."""

_TYPE_NAMES = {Arch.X86_64: "x64", Arch.AARCH64: "arm64"}


class Generation(StrEnum):
    """The firmware of machines: BIOS or UEFI."""

    V1 = "V1"
    V2 = "V2"

    @property
    def number(self) -> str:
        """``1`` or ``2``."""
        return self.value[1:]

    @property
    def other(self) -> "Generation":
        """The alternate one."""
        return Generation.V1 if self is Generation.V2 else Generation.V2


def image_types(arch: str, generation: str | None, *, support_legacy: bool) -> tuple[str, ...]:
    """For which types of machines an image is: the main one first.

    Args:
        arch: in any spelling of x86_64 and aarch64.
        generation: ``V1`` or ``V2``, which it is where nobody says it.
        support_legacy: whether an image of V2 is for V1 too; ARM knows no V1.

    Raises:
        InputError: Azure has no such machines.
    """
    try:
        name = _TYPE_NAMES[Arch.parse(arch)]
    except (InputError, KeyError):
        raise InputError(f"Azure has no machines of {arch!r}", hint="x86_64 and aarch64 have") from None
    try:
        main = Generation((generation or "V2").upper())
    except ValueError:
        raise InputError(f"{generation!r} is no generation of machines", hint="write V1 or V2") from None
    if name == "arm64":
        if main is Generation.V1:
            raise InputError("machines of ARM are of generation V2")
        return ("arm64Gen2",)
    also = (f"{name}Gen1",) if support_legacy and main is Generation.V2 else ()
    return (f"{name}Gen{main.number}", *also)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedImage:
    """An image that a plan is to have.

    Attributes:
        types: of machines, the main one first; one disk serves all of them.
        base: the address of the disk without a signature.
        content: of it; None for a copy that nobody has read.
        base_only: whether the address alone tells that it is the same (``vhd_check_base_sas_only``).
    """

    types: tuple[str, ...]
    base: str
    content: Digest | None = None
    base_only: bool = False

    @property
    def address(self) -> SignedAddress:
        """What ours is compared by."""
        return SignedAddress(signed_address(self.base).base, READ_BLOB)


@dataclass(frozen=True, slots=True)
class KnownDisks:
    """What is known of disks in our own storage account, by their addresses without a query.

    Attributes:
        contents: what is in them, as their marks tell.
        gone: of which nothing is there any more: what was taken from them cannot be told.
    """

    contents: Mapping[str, Digest] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()

    def with_disk(self, base: str, content: Digest | None) -> "KnownDisks":
        """With another disk, which is there."""
        base = signed_address(base).base
        contents = {**self.contents, base: content} if content is not None else self.contents
        return KnownDisks(contents, self.gone - {base})


class Likeness(StrEnum):
    """How an image in an offer compares with a wanted one."""

    SAME = "the same"
    OTHER = "another one"
    UNKNOWN = "not to be told"
    """It had our address, and nothing is there any more."""


def likeness(image: VmImage, wanted: WantedImage, known: KnownDisks) -> Likeness:
    """Whether an image in an offer is the wanted one: by content where both are known, else by its signed address.

    Equal content under another address is the same image: nothing is published twice because a blob was renamed.
    """
    address = signed_address(image.uri)
    content = known.contents.get(address.base)
    if content is not None and wanted.content is not None:
        return Likeness.SAME if content == wanted.content else Likeness.OTHER
    if not address.same(wanted.address, base_only=wanted.base_only):
        return Likeness.OTHER
    return Likeness.UNKNOWN if address.base in known.gone and not wanted.base_only else Likeness.SAME


def standing(versions: Sequence[ImageVersion], wanted: WantedImage, known: KnownDisks) -> str:
    """The number of the newest version in which the wanted image is there for all its types; ``""`` for none."""
    for version in reversed(versions):
        if all(_is_there(version, each, wanted, known) for each in wanted.types):
            return version.number
    return ""


def begun(versions: Sequence[ImageVersion], wanted: WantedImage, known: KnownDisks) -> str:
    """The number of the newest version in which it is there for some of its types; ``""`` for none."""
    for version in reversed(versions):
        if any(_is_there(version, each, wanted, known) for each in wanted.types):
            return version.number
    return ""


def has_ended(versions: Sequence[ImageVersion], number: str, types: Sequence[str], now: datetime) -> bool:
    """Whether the marketplace could not read a disk of this version any more: its signature ends before ``now``."""
    images = (version.image(each) for version in versions if version.number == number for each in types)
    ends = (signed_address(image.uri).ends for image in images if image is not None)
    return any(each is not None and each <= now for each in ends)


def clash(versions: Sequence[ImageVersion], number: str, wanted: WantedImage, known: KnownDisks) -> str:
    """Why the wanted image cannot be the version ``number`` beside these; ``""`` where it can."""
    for version in versions:
        if version.number != number:
            continue
        for each in wanted.types:
            image = version.image(each)
            if image is not None and likeness(image, wanted, known) is not Likeness.SAME:
                return f"the version {number} has another image for {each} already"
    return ""


def untold(versions: Sequence[ImageVersion], wanted: WantedImage, known: KnownDisks) -> str:
    """The number of a version with an image of our address whose disk is gone; ``""`` for none."""
    for version in versions:
        if any(likeness(each, wanted, known) is Likeness.UNKNOWN for each in version.images):
            return version.number
    return ""


def _is_there(version: ImageVersion, image_type: str, wanted: WantedImage, known: KnownDisks) -> bool:
    image = version.image(image_type)
    return image is not None and likeness(image, wanted, known) is Likeness.SAME
