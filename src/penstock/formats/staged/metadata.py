"""``staged.yaml``: what is said of single files of a staging area."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from penstock.formats.jsontext import locate_json, parse_json
from penstock.formats.staged.builds import derive_build
from penstock.formats.staged.reading import Reading
from penstock.formats.staged.shapes import FileAttributes, Metadata, StagedFile
from penstock.formats.text import Path, show_key
from penstock.formats.yamltext import locate_yaml, parse_yaml
from penstock.model.errors import InputError
from penstock.model.push.items import PushItem, ReleaseInfo

AWS_IMAGES = "AWS_IMAGES"
"""The folder of a destination in which files lie of which ``staged.yaml`` tells."""

VERSION = "0.2"
"""The one version of the document that there is."""

_ATTRIBUTES = frozenset(each.encode_name for each in msgspec.structs.fields(FileAttributes))


@dataclass(frozen=True, slots=True)
class StagedMetadata:
    """What ``staged.yaml`` says of the files below ``AWS_IMAGES``.

    Attributes:
        subject: what the document is called.
        items: by the path of the file in the staging area, ``DESTINATION/AWS_IMAGES/FILE``; in the order of the document.
    """

    subject: str
    items: Mapping[str, PushItem]


def parse_metadata(content: bytes, *, subject: str, folder: str) -> StagedMetadata:
    """The images of a ``staged.yaml``, ``staged.json`` or ``pub-mapfile.json``.

    The document names no build, without which no mapping is found; it is derived, see :func:`derive_build`.  What is said of other files
    than those below ``AWS_IMAGES`` is passed over.

    Args:
        content: of the document; JSON where ``subject`` ends so, else YAML.
        subject: what it is called.
        folder: the staging area, the origin of the items.

    Raises:
        InputError: it is neither.
        DocumentFaults: all that is wrong with it, and names of files that tell no build.
    """
    is_json = subject.endswith(".json")
    tree = parse_json(content, subject=subject) if is_json else parse_yaml(content, subject=subject)
    reading = Reading(content, subject=subject, locate_in=locate_json if is_json else locate_yaml)
    document = reading.whole(tree, Metadata)
    if document.header.version != VERSION:
        reading.note(f"the version {document.header.version!r} is not known, only {VERSION!r} is", ("header", "version"))
    items: dict[str, PushItem] = {}
    seen: set[str] = set()
    for index, file in enumerate((document.payload.files if document.payload else None) or ()):
        path: Path = ("payload", "files", index)
        if file.relative_path in seen:
            reading.note("the file is listed twice", (*path, "relative_path"))
        seen.add(file.relative_path)
        match file.relative_path.split("/"):
            case [destination, kind, name] if kind == AWS_IMAGES and name:
                item = _item(reading, file, path, folder=folder, destination=destination, name=name)
                if item is not None:
                    items[file.relative_path] = item
    reading.end()
    return StagedMetadata(subject, items)


def _item(reading: Reading, file: StagedFile, path: Path, *, folder: str, destination: str, name: str) -> PushItem | None:
    inner = (*path, "attributes")
    for key in file.attributes or ():
        if key not in _ATTRIBUTES:
            reading.note(f"the key {show_key(key)} is not known here", (*inner, key))
    attributes = reading.part(file.attributes or {}, FileAttributes, inner)  # type: ignore[arg-type]  # it is of the parser's tree
    sha256 = reading.sha256(file.sha256sum, (*path, "sha256sum"))
    if attributes is None:
        return None
    release = attributes.release
    day = reading.day(release.date, (*inner, "release", "date"))
    try:
        build = derive_build(name, release.version, release.respin)
    except InputError as error:
        reading.note(f"{error.message}; {error.hint}", (*path, "relative_path"))
        return None
    if day is None:
        return None
    return PushItem(
        name=name,
        src=f"{folder}/{file.relative_path}",
        build=build,
        release=ReleaseInfo(
            product=release.product,
            date=day,
            arch=release.arch,
            respin=release.respin,
            version=release.version or None,
            base_product=release.base_product or None,
            base_version=release.base_version or None,
            variant=release.variant or None,
            type=release.type or None,
        ),
        attributes=attributes.attributes(attributes.billing_codes),
        description=attributes.description or "",
        boot_mode=attributes.boot_mode,
        sha256=sha256,
        origin=folder,
        dest=(destination,),
    )
