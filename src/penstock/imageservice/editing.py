"""One edit of a live ISO: the Ignition config in or out, the kernel arguments changed.  Options in, changes out; nothing is written."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from penstock.formats.coreos_iso import IsoFiles
from penstock.formats.coreos_iso.embed import IGNINFO_PATH, IGNITION_PATH, EmbedArea, ToldBy, find_embed_area, read_area
from penstock.formats.coreos_iso.kargs import KARGS_PATH, Kargs, read_kargs
from penstock.imageservice.ignition import Embedded, check_config, embed, read_embedded
from penstock.imageservice.kargs import KargsEdit, append_kargs, edit_kargs, write_kargs
from penstock.imageservice.overlay import Patch
from penstock.model.errors import InputError, NotFoundError, VerificationError

_NO_KARGS = "live ISOs have one since 2021, on s390x since 2023"
_NO_DEFAULT = "nothing in this ISO says what its kernel arguments were when it was published"


@dataclass(frozen=True, slots=True)
class IsoEdit:
    """What is to be done.

    Attributes:
        config: the Ignition config that goes in, or None.
        remove: whether the config that is there goes out.
        replace: whether another config, or what is no initramfs, may stand where the config goes.
        kargs: what is done to the kernel arguments.
        reset_kargs: whether these become first what they were when the ISO was published.
    """

    config: bytes | None = field(default=None, repr=False)
    remove: bool = False
    replace: bool = False
    kargs: KargsEdit = field(default_factory=KargsEdit)
    reset_kargs: bool = False

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return self.config is not None or self.remove or self.changes_kargs

    @property
    def changes_kargs(self) -> bool:
        """Whether kernel arguments are concerned."""
        return self.reset_kargs or bool(self.kargs)


@dataclass(frozen=True, slots=True)
class Change:
    """Bytes of the ISO that become others.

    Attributes:
        patch: which, and what.
        reason: what says that they may: a document in the ISO, a header, a marker.
    """

    patch: Patch
    reason: str


@dataclass(frozen=True, slots=True)
class EditedIso:
    """What came of an edit.

    Attributes:
        changes: in the order in which they are written: the config first, then the arguments of each boot loader, front to back.
        notes: what the user should know.
    """

    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()

    @property
    def patches(self) -> tuple[Patch, ...]:
        """The changes without their reasons."""
        return tuple(change.patch for change in self.changes)


def edit_iso(iso: IsoFiles, edit: IsoEdit) -> EditedIso:
    """The changes that make of this ISO the one that is wanted.

    Raises:
        InputError: the config is none, does not fit, or another one is there; an argument is wrong or too long; the ISO is none of
            CoreOS or has no place for kernel arguments.
        VerificationError: the ISO is damaged.
    """
    notes: list[str] = []
    changes: list[Change] = []
    if edit.config is not None or edit.remove:
        changes += _config_changes(iso, edit, notes)
    if edit.changes_kargs:
        changes += _kargs_changes(iso, edit, notes)
    return EditedIso(tuple(changes), tuple(notes))


def embedded_config(iso: IsoFiles) -> bytes:
    """The Ignition config that the ISO holds.

    Raises:
        InputError: the ISO is none of CoreOS.
        NotFoundError: it holds none.
        VerificationError: the ISO is damaged.
    """
    config = read_embedded(read_area(iso, find_embed_area(iso)), subject=iso.name).config
    if config is None:
        raise NotFoundError("there is no Ignition config in this ISO", subject=iso.name)
    return config


def kernel_arguments(iso: IsoFiles, *, default: bool) -> str:
    """The kernel arguments that the ISO boots with, or with ``default`` those that it was published with.

    Raises:
        InputError: the ISO has no place for them.
        NotFoundError: the ISO does not say what the default ones are.
        VerificationError: the areas differ, or the ISO is damaged.
    """
    kargs = _kargs(iso)
    if not default:
        return kargs.text()
    if kargs.default is None:
        raise NotFoundError(_NO_DEFAULT, subject=iso.name)
    return kargs.default


def told_in(told_by: ToldBy, document: str) -> str:
    """Where an ISO says where an area is, for people.

    Args:
        told_by: what says it.
        document: which document that is, where it is one.
    """
    match told_by:
        case ToldBy.DOCUMENT:
            return document
        case ToldBy.FILE:
            return f"the file {IGNITION_PATH}"
        case ToldBy.HEADER:
            return "the header in the system area"
        case ToldBy.MARKER:
            return "the marker COREOS_KARG_EMBED_AREA"


def _config_changes(iso: IsoFiles, edit: IsoEdit, notes: list[str]) -> Iterator[Change]:
    area = find_embed_area(iso)
    reason = told_in(area.told_by, IGNINFO_PATH)
    here = _embedded(iso, area, edit, notes)
    if edit.config is None:
        if here.config is None and not notes:
            notes.append(f"{iso.name}: there is no Ignition config to take out")
        yield Change(embed(area, here.without_config()), reason)
        return
    check_config(edit.config, subject="the Ignition config")
    if here.config == edit.config:
        notes.append(f"{iso.name}: this Ignition config stands there already")
        return
    if here.config is not None and not edit.replace:
        raise InputError("the ISO holds another Ignition config", subject=iso.name, hint="--force replaces it, --remove takes it out")
    yield Change(embed(area, here.with_config(edit.config)), reason)


def _embedded(iso: IsoFiles, area: EmbedArea, edit: IsoEdit, notes: list[str]) -> Embedded:
    try:
        return read_embedded(read_area(iso, area), subject=iso.name)
    except VerificationError as error:
        if not (edit.replace or edit.remove):
            raise
        notes.append(f"what stood there is lost: {error}")
        return Embedded()


def _kargs_changes(iso: IsoFiles, edit: IsoEdit, notes: list[str]) -> Iterator[Change]:
    kargs = _kargs(iso)
    wanted = edit.kargs
    if KargsEdit(append=wanted.append) == wanted and not edit.reset_kargs and not all(area.starts_known for area in kargs.areas):
        patches = append_kargs(kargs, wanted.append)
    else:
        if edit.reset_kargs and kargs.default is None:
            raise InputError(_NO_DEFAULT, subject=iso.name, hint="start from the ISO as it was published")
        edited = edit_kargs(kargs.default if edit.reset_kargs and kargs.default is not None else kargs.text(), wanted)
        notes += [f"{iso.name}: {argument} is not among the kernel arguments" for argument in edited.without_effect]
        patches = write_kargs(kargs, edited.text)
    reason = told_in(kargs.told_by, KARGS_PATH)
    yield from (Change(patch, reason) for patch in patches)


def _kargs(iso: IsoFiles) -> Kargs:
    kargs = read_kargs(iso)
    if kargs is None:
        find_embed_area(iso)  # where this is no ISO of CoreOS at all, that is the better message
        raise InputError("this ISO has no place for kernel arguments", subject=iso.name, hint=_NO_KARGS)
    return kargs
