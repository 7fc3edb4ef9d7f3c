"""The Ignition config in the area that an ISO keeps for it: an initramfs with ``config.ign``, zeros behind it.

What is written replaces the whole area, so that nothing of a config that stood there before is served to the next host.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

from penstock.formats.coreos_iso.embed import EmbedArea
from penstock.formats.cpio import ArchiveFile, with_folders, write_archive
from penstock.formats.initramfs import Compression, compress, read_initramfs
from penstock.formats.jsontext import parse_json
from penstock.imageservice.overlay import Patch
from penstock.model.errors import InputError

CONFIG_PATH = "config.ign"
SYSTEM_CONFIG_FOLDER = "usr/lib/ignition/base.d"

LABEL = "the Ignition config"
_MAX_UNPACKED_BYTES = 64 << 20
_NO_CONFIG = "give a config in the format of Ignition, with the key ignition.version; Butane makes one of YAML"


class ConfigTooLarge(InputError):
    """The Ignition config does not fit into the area, however it is compressed.

    Attributes:
        needed_bytes: the smallest that it was compressed to.
        room_bytes: what the area holds.
    """

    def __init__(self, needed_bytes: int, room_bytes: int) -> None:
        super().__init__(
            f"the compressed initramfs with the Ignition config is too large: {needed_bytes} bytes, and the ISO holds {room_bytes}",
            hint="serve the config over HTTP, and embed one that names its URL in ignition.config.replace",
        )
        self.needed_bytes = needed_bytes
        self.room_bytes = room_bytes

    def __reduce__(self) -> tuple[object, ...]:
        """Copies and other processes rebuild it from its numbers."""
        return (ConfigTooLarge, (self.needed_bytes, self.room_bytes))


@dataclass(frozen=True, slots=True)
class Embedded:
    """The files in the area, by path.

    Attributes:
        files: in the order of the archive.
    """

    files: Mapping[str, ArchiveFile] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, config: bytes, *, system_configs: Mapping[str, bytes] = MappingProxyType({})) -> Self:
        """A config alone, and configs that are merged into it, by file name.

        Raises:
            InputError: a file name is a path.
        """
        files = [ArchiveFile(CONFIG_PATH, config)] if config else []
        for name, content in sorted(system_configs.items()):
            if "/" in name:
                raise InputError(f"the system config {name!r} has a path for a name", hint="give a file name, like 10-platform.ign")
            files.append(ArchiveFile(f"{SYSTEM_CONFIG_FOLDER}/{name}", content))
        return cls({file.path: file for file in files})

    @property
    def config(self) -> bytes | None:
        """The Ignition config, or None where there is none."""
        found = self.files.get(CONFIG_PATH)
        return None if found is None else found.content

    def with_config(self, config: bytes) -> "Embedded":
        """The same with another config; the other files stay."""
        return Embedded({CONFIG_PATH: ArchiveFile(CONFIG_PATH, config), **self.without_config().files})

    def without_config(self) -> "Embedded":
        """The same without a config; the other files stay."""
        return Embedded({path: file for path, file in self.files.items() if path != CONFIG_PATH})

    def packed(self, compression: Compression = Compression.GZIP) -> bytes:
        """The initramfs, a multiple of 4 long; nothing where there is no file."""
        if not self.files:
            return b""
        return compress(write_archive(with_folders(self.files.values())), compression)


def check_config(content: bytes, *, subject: str) -> str:
    """The version of an Ignition config, ``3.4.0``.  Whether Ignition takes it, ``ignition-validate`` says.

    Raises:
        InputError: it is no JSON object with ``ignition.version``.
    """
    tree = parse_json(content, subject=subject)
    section = tree.get("ignition") if isinstance(tree, Mapping) else None
    version = section.get("version") if isinstance(section, Mapping) else None
    if not isinstance(version, str) or not version:
        raise InputError("this is no Ignition config: the key ignition.version is missing", subject=subject, hint=_NO_CONFIG)
    return version


def read_embedded(area: bytes, *, subject: str) -> Embedded:
    """What stands in the area's bytes; zeros are nothing.

    Raises:
        VerificationError: it is no initramfs.
    """
    return Embedded(read_initramfs(area, subject=f"{subject}: {LABEL}", limit_bytes=_MAX_UNPACKED_BYTES))


def embed(area: EmbedArea, embedded: Embedded, *, compressions: Iterable[Compression] = tuple(Compression)) -> Patch:
    """The patch that fills the area with these files, or empties it where there are none.

    Args:
        area: where.
        embedded: what.
        compressions: the first with which it fits is taken: gzip is quick, xz is smaller.

    Raises:
        ConfigTooLarge: it fits with none.
    """
    sizes: list[int] = []
    for compression in compressions:
        packed = embedded.packed(compression)
        if len(packed) <= area.length_bytes:
            return Patch(area.offset_bytes, packed.ljust(area.length_bytes, b"\0"), LABEL)
        sizes.append(len(packed))
    raise ConfigTooLarge(min(sizes), area.length_bytes)


def remove(area: EmbedArea) -> Patch:
    """The patch that makes the area what it was when the ISO was published: zeros."""
    return embed(area, Embedded())
