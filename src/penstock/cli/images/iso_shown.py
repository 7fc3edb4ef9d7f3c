"""What ``images iso`` prints: the config and the arguments as they are, a description, and what a dry run would do."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.cli.images.wishes import Shown
from penstock.cli.output import Output, Table, emit, emit_bytes, emit_text
from penstock.cli.text import format_size
from penstock.formats.coreos_iso.embed import IGNINFO_PATH
from penstock.formats.coreos_iso.kargs import KARGS_PATH, Kargs
from penstock.imageservice.description import IsoDescription, describe_iso
from penstock.imageservice.editing import EditedIso, embedded_config, kernel_arguments, told_in

if TYPE_CHECKING:
    from penstock.formats.coreos_iso.image import IsoImage
    from penstock.imageservice.overlay import Plan, Source


def show(iso: "IsoImage", what: Shown, output: Output, *, default: bool) -> None:
    """Print what ``--show`` asks for.

    Raises:
        InputError: the ISO is none of CoreOS.
        NotFoundError: the ISO does not hold it.
        VerificationError: the ISO is damaged.
    """
    match what:
        case Shown.IGNITION:
            emit_bytes(embedded_config(iso))
        case Shown.KARGS:
            emit_text(f"{kernel_arguments(iso, default=default)}\n")
        case Shown.INFO:
            found = describe_iso(iso)
            emit(_document(iso, found), output, lambda: _table(found))


def show_changes(source: "Source", target: Path, edited: EditedIso, output: Output) -> None:
    """Print the overlay: which bytes become others, and what allows it."""
    changes = [
        {
            "offset_bytes": change.patch.offset,
            "length_bytes": len(change.patch.content),
            "what": change.patch.label,
            "told_by": change.reason,
        }
        for change in edited.changes
    ]
    document = {"iso": source.name, "output": str(target), "size_bytes": source.size_bytes, "changes": changes}
    emit(document, output, lambda: Table(("OFFSET", "LENGTH", "WHAT", "TOLD BY"), [tuple(change.values()) for change in changes]))


def show_files(source: "Source", plans: Mapping[Path, "Plan"], output: Output) -> None:
    """Print the files that would be made."""
    files = [{"path": str(path), "size_bytes": plan.size_bytes, "from_iso_bytes": _from_iso(plan)} for path, plan in plans.items()]
    rows = [(path, format_size(plan.size_bytes), format_size(_from_iso(plan))) for path, plan in plans.items()]
    emit({"iso": source.name, "files": files}, output, lambda: Table(("FILE", "SIZE", "OF IT FROM THE ISO"), rows))


def _from_iso(plan: "Plan") -> int:
    from penstock.imageservice.overlay import FileRange

    return sum(segment.length for segment in plan.segments if isinstance(segment, FileRange))


def _document(iso: "IsoImage", found: IsoDescription) -> dict[str, object]:
    return {
        "iso": iso.name,
        "volume_id": found.volume_id,
        "size_bytes": found.size_bytes,
        "ignition": {
            "offset_bytes": found.area.offset_bytes,
            "length_bytes": found.area.length_bytes,
            "path": found.area.path,
            "told_by": told_in(found.area.told_by, IGNINFO_PATH),
            "used_bytes": found.used_bytes,
            "files": list(found.embedded),
        },
        "kargs": None if found.kargs is None else _kargs_document(found.kargs),
        "features": list(found.features),
        "boot_files": [{"path": file.path, "offset_bytes": file.offset_bytes, "size_bytes": file.size_bytes} for file in found.boot_files],
    }


def _kargs_document(kargs: Kargs) -> dict[str, object]:
    areas = [{"offset_bytes": area.offset_bytes, "length_bytes": area.length_bytes, "path": area.path} for area in kargs.areas]
    return {"default": kargs.default, "told_by": told_in(kargs.told_by, KARGS_PATH), "areas": areas}


def _table(found: IsoDescription) -> list[str | Table]:
    embedded = ", ".join(found.embedded) or "nothing"
    head = [("volume", found.volume_id), ("size", format_size(found.size_bytes)), ("embedded", embedded)]
    head.append(("features", ", ".join(found.features) or "none"))
    areas = [(found.area.offset_bytes, found.area.length_bytes, "Ignition", found.area.path, told_in(found.area.told_by, IGNINFO_PATH))]
    if found.kargs is not None:
        reason = told_in(found.kargs.told_by, KARGS_PATH)
        areas += [(area.offset_bytes, area.length_bytes, "kernel arguments", area.path, reason) for area in found.kargs.areas]
    files = [(file.offset_bytes, file.size_bytes, file.path) for file in found.boot_files]
    return [
        Table((), head),
        "\n",
        Table(("OFFSET", "LENGTH", "AREA FOR", "IN", "TOLD BY"), areas),
        "\n",
        Table(("OFFSET", "LENGTH", "BOOT FILE"), files),
    ]
