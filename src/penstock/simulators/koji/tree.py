"""The tree of files of a simulated hub, as it lies on a disk, and what the hub says of the builds in it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from penstock.model.errors import InputError
from penstock.simulators.koji.builds import KojiArchive, KojiBuild

_FIRST_ID: Final = 2_000_001
_COMPLETE: Final = 1
_CHUNK_BYTES: Final = 1 << 20

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the hub knows; a value.

    Attributes:
        builds: documents of ``getBuild``.
        archives: documents of ``listArchives``, by the build's id.
    """

    builds: Sequence[Document] = ()
    archives: Mapping[int, Sequence[Document]] = ()  # type: ignore[assignment]  # an empty one of any kind

    def build(self, wanted: object) -> Document | None:
        """The build of this id, name-version-release, or object that says one of them; None for none."""
        if isinstance(wanted, Mapping):
            wanted = wanted.get("id") or wanted.get("nvr") or "-".join(str(wanted.get(key)) for key in ("name", "version", "release"))
        if isinstance(wanted, str) and wanted.isdecimal():
            wanted = int(wanted)
        return next((each for each in self.builds if wanted in (each["id"], each["nvr"])), None)


def shelve(builds: Iterable[KojiBuild], tree: Path) -> Shelf:
    """Put the files of ``builds`` where koji has them (links to where they lie), and read them for their checksums; blocking.

    Args:
        builds: each once.
        tree: the top of the tree; it is made.

    Raises:
        InputError: a file is not there, or two builds are the same.
    """
    made: list[Document] = []
    archives: dict[int, Sequence[Document]] = {}
    for number, build in enumerate(builds):
        numbered = replace(build, id=build.id or _FIRST_ID + number)
        if any(numbered.nvr == each["nvr"] or numbered.id == each["id"] for each in made):
            raise InputError("this build is there twice", subject=numbered.nvr)
        made.append(_build_document(numbered))
        archives[numbered.id] = [
            _archive_document(numbered, archive, _put(numbered, archive, tree), 10 * numbered.id + place)
            for place, archive in enumerate(numbered.archives)
        ]
    return Shelf(made, archives)


def _put(build: KojiBuild, archive: KojiArchive, tree: Path) -> Path:
    where = tree / build.folder(archive.btype) / archive.name
    source = Path(archive.file).absolute()
    if not source.is_file():
        raise InputError("there is no such file", subject=archive.file)
    if where == source:
        return where
    where.parent.mkdir(parents=True, exist_ok=True)
    where.unlink(missing_ok=True)
    where.symlink_to(source)
    return where


def _build_document(build: KojiBuild) -> Document:
    return {
        "id": build.id,
        "build_id": build.id,
        "name": build.name,
        "package_name": build.name,
        "version": build.version,
        "release": build.release,
        "epoch": None,
        "nvr": build.nvr,
        "state": _COMPLETE,
        "completion_time": build.completion_time,
        "creation_time": build.completion_time,
        "start_time": build.completion_time,
        "owner_name": "koji",
        "volume_id": 0,
        "volume_name": build.volume,
        "task_id": None,
        "source": None,
        "extra": dict(build.extra),
    }


def _archive_document(build: KojiBuild, archive: KojiArchive, path: Path, number: int) -> Document:
    return {
        "id": number,
        "build_id": build.id,
        "btype": archive.btype,
        "type_name": archive.type_name,
        "type_description": archive.type_name,
        "filename": archive.name,
        "size": path.stat().st_size,
        "checksum": archive.checksum or _checksum(path, archive.checksum_type),
        "checksum_type": archive.checksum_type.number,
        "metadata_only": False,
        "buildroot_id": None,
        "extra": {"image": {"arch": archive.arch, **({"boot_mode": archive.boot_mode} if archive.boot_mode else {})}}
        if archive.arch
        else {},
    }


def _checksum(path: Path, kind: str) -> str:
    made = hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(_CHUNK_BYTES):
            made.update(piece)
    return made.hexdigest()
