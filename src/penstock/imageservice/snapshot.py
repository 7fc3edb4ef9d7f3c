"""A file as one client sees it from the first byte to the last."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock.imageservice.overlay import Plan, Source
from penstock.ports import ImageFile


@dataclass(frozen=True, slots=True)
class Overlaid:
    """Bytes of a served ISO that are not those of its base.

    Attributes:
        offset: in the served file.
        length: in bytes.
        label: what they are for: ``Ignition config``, ``kernel arguments``, ``ramdisk``.
    """

    offset: int
    length: int
    label: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is sent: a plan over open files, and what HTTP says of it.

    Attributes:
        plan: the bytes.
        etag: strong and quoted, of the plan.
        last_modified_s: seconds since the epoch.
        file_name: for ``Content-Disposition``.
        content_type: of the file.
        files: the open file of each source of the plan.
        overlaid: where it differs from its base, front to back; empty for a boot artifact.
    """

    plan: Plan
    etag: str
    last_modified_s: int
    file_name: str
    content_type: str
    files: Mapping[Source, ImageFile] = field(repr=False)
    overlaid: tuple[Overlaid, ...] = ()
