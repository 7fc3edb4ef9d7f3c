"""The builds of a simulated hub: plain values, read from a description or from a staging area.

The description is YAML or JSON; what is left out has the value's default, and files are named from where the description lies::

    builds:
      - name: rhel-ec2
        version: "9.4"
        release: "1"
        completion_time: "2026-05-11 10:11:12"
        archives:
          - {file: images/rhel-ec2-9.4.x86_64.raw.xz, arch: x86_64, boot_mode: hybrid, checksum_type: sha256}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from penstock.formats.codec import decode
from penstock.formats.staged import CLOUD_IMAGES, parse_resources
from penstock.formats.text import Path as Place
from penstock.formats.text import Position, fault
from penstock.formats.yamltext import locate_yaml, parse_yaml
from penstock.model.errors import InputError
from penstock.model.push.items import PushItem
from penstock.model.record import Tree

_TYPES: Final = {".raw.xz": "raw-xz", ".raw": "raw", ".vhd.xz": "vhd-compressed", ".vhd": "vhd", ".json": "json", ".qcow2": "qcow2"}
_RESOURCES: Final = "resources.yaml"


class ChecksumType(StrEnum):
    """What koji keeps of a file; the hub names them by their place in this list."""

    MD5 = "md5"
    SHA1 = "sha1"
    SHA256 = "sha256"

    @property
    def number(self) -> int:
        """As the hub says it."""
        return list(ChecksumType).index(self)


@dataclass(frozen=True, slots=True)
class KojiArchive:
    """A file of a build.

    Attributes:
        file: where it lies; its name is that of the archive.
        arch: of the image; None for what is of none.
        boot_mode: ``hybrid``, ``uefi``, ``legacy``; None where the build does not say it.
        type: of the archive, as ``raw-xz``; ``""`` for what the name says.
        btype: of the build it belongs to: ``image``, ``maven``.
        checksum_type: which checksum the hub has.
        checksum: in hexadecimal; ``""`` for the right one, and anything else is a lie.
    """

    file: str
    arch: str | None = None
    boot_mode: str | None = None
    type: str = ""
    btype: str = "image"
    checksum_type: ChecksumType = ChecksumType.MD5
    checksum: str = ""

    @property
    def name(self) -> str:
        """Of the file."""
        return Path(self.file).name

    @property
    def type_name(self) -> str:
        """``type``, or what the name says; ``"file"`` where it says nothing."""
        return self.type or next((kind for ending, kind in _TYPES.items() if self.name.endswith(ending)), "file")


@dataclass(frozen=True, slots=True)
class KojiBuild:
    """A finished build.

    Attributes:
        name: without version and release.
        version: see there.
        release: see there.
        archives: its files.
        id: of the hub; 0 for the next free one.
        completion_time: as the hub writes it, ``YYYY-MM-DD HH:MM:SS`` in UTC; null for a build that has none.
        volume: of the tree of files.
        extra: as the hub says it; by it a build is known as one of images.
    """

    name: str
    version: str
    release: str
    archives: tuple[KojiArchive, ...] = ()
    id: int = 0
    completion_time: str | None = "2026-05-11 10:11:12.131415"
    volume: str = "DEFAULT"
    extra: Mapping[str, Any] = field(default_factory=lambda: {"typeinfo": {"image": {}}}, hash=False)

    @property
    def nvr(self) -> str:
        """``name-version-release``."""
        return f"{self.name}-{self.version}-{self.release}"

    def folder(self, btype: str) -> str:
        """Of its files of a type, below the top of the tree, as koji's own tools compute it."""
        top = "" if self.volume == "DEFAULT" else f"vol/{self.volume}/"
        return f"{top}packages/{self.name}/{self.version}/{self.release}/" + ("images" if btype == "image" else f"files/{btype}")


@dataclass(frozen=True, slots=True)
class _Description:
    builds: tuple[KojiBuild, ...]


def parse_builds(content: bytes, *, subject: str, folder: Path) -> tuple[KojiBuild, ...]:
    """The builds of a description.

    Args:
        content: of the document, YAML or JSON.
        subject: what it is called.
        folder: from which files are named.

    Raises:
        InputError: it is none; the message holds the line and the path.
    """
    tree = parse_yaml(content, subject=subject)

    def locate(path: Place) -> Position | None:
        return locate_yaml(content.decode(), path)

    def refuse_unknown(part: object, kind: type, path: Place) -> None:
        known = [each.name for each in fields(kind)]
        for key in part if isinstance(part, Mapping) else ():
            if key not in known:
                problem = f"the key {key!r} is unknown; known are {', '.join(known)}"
                raise fault(problem, subject=subject, position=locate((*path, key)), path=(*path, key))

    refuse_unknown(tree, _Description, ())
    for number, build in enumerate(_list(tree, "builds")):
        refuse_unknown(build, KojiBuild, ("builds", number))
        for place, archive in enumerate(_list(build, "archives")):
            refuse_unknown(archive, KojiArchive, ("builds", number, "archives", place))
    builds = decode(tree, _Description, subject=subject, locate=locate).builds
    return tuple(replace(build, archives=tuple(replace(each, file=str(folder / each.file)) for each in build.archives)) for build in builds)


def staged_builds(folder: Path) -> tuple[KojiBuild, ...]:
    """What a staging area's ``CLOUD_IMAGES`` would be as builds of koji, which knows less of them.

    Folders of one build are one build.  Its release is the respin; the date is that of the release.

    Args:
        folder: ``STAGE``, in which ``DESTINATION/CLOUD_IMAGES/BUILD/resources.yaml`` are.

    Raises:
        InputError: nothing is staged there, or a document says nonsense.
    """
    builds: dict[str, KojiBuild] = {}
    for document in sorted(folder.glob(f"*/{CLOUD_IMAGES}/*/{_RESOURCES}")):
        listing = parse_resources(document.read_bytes(), subject=str(document), folder=str(document.parent), destination="")
        for item in listing.items:
            build = builds.setdefault(item.build.nvr, _build(item))
            builds[item.build.nvr] = replace(build, archives=(*build.archives, _archive(item)))
    if not builds:
        raise InputError(f"no image is staged in DESTINATION/{CLOUD_IMAGES}/BUILD", subject=str(folder))
    return tuple(builds.values())


def _build(item: PushItem) -> KojiBuild:
    known = item.build
    return KojiBuild(known.name, known.version, known.release, completion_time=_midnight(item.release.date))


def _archive(item: PushItem) -> KojiArchive:
    sha256 = item.sha256.hex if item.sha256 else ""
    kind = ChecksumType.SHA256 if sha256 else ChecksumType.MD5
    boot_mode = item.boot_mode.value if item.boot_mode else None
    return KojiArchive(item.src, item.release.arch, boot_mode, checksum_type=kind, checksum=sha256)


def _midnight(day: date) -> str:
    return f"{day.isoformat()} 00:00:00.000000"


def _list(tree: object, key: str) -> Sequence[Tree]:
    found = tree.get(key) if isinstance(tree, Mapping) else None
    return found if isinstance(found, list) else []
