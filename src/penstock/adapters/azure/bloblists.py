"""What a storage account says of blobs, in headers and in XML."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET

from penstock.adapters.http.transport import Answer
from penstock.model.errors import OperationError
from penstock.model.push.blobs import BlobKind, BlobName, CopyStatus, FoundBlob, all_tags, without_query
from penstock.model.push.content import Extent

_METADATA = "x-ms-meta-"


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list.

    Attributes:
        root: of the document.
        marker: of the next page, ``""`` on the last one.
    """

    root: ET.Element
    marker: str


def page_of(answer: Answer, subject: str) -> Page:
    """A list, read.

    Raises:
        OperationError: it is no XML.
    """
    try:
        root = ET.fromstring(answer.body)  # noqa: S314  # of an account that we have the key of, and expat bounds entities
    except ET.ParseError as error:
        raise OperationError("the answer is no XML", subject=subject, hint="check the address of the storage account") from error
    return Page(root, root.findtext("NextMarker") or "")


def blob_of(at: BlobName, answer: Answer, tags: Mapping[str, str]) -> FoundBlob:
    """A blob, by the answer to a HEAD."""
    headers = answer.headers
    metadata = {name[len(_METADATA) :].lower(): value for name, value in headers.items() if name.lower().startswith(_METADATA)}
    return FoundBlob(
        at=at,
        kind=BlobKind(headers.get("x-ms-blob-type", BlobKind.BLOCK.value)),
        size_bytes=int(headers.get("Content-Length", "0")),
        etag=headers.get("ETag", ""),
        tags=all_tags(tags, metadata),
        metadata=metadata,
        copy=_copy({name.lower(): value for name, value in headers.items()}, "x-ms-copy-"),
    )


def blobs_of(container: str, page: Page) -> Iterable[FoundBlob]:
    """The blobs of a page of a container's list."""
    for entry in page.root.iterfind("Blobs/Blob"):
        told = {child.tag: child.text or "" for child in entry.iterfind("Properties/*")}
        metadata = {child.tag.lower(): child.text or "" for child in entry.iterfind("Metadata/*")}
        etag = told.get("Etag", "")
        yield FoundBlob(
            at=BlobName(container, entry.findtext("Name") or ""),
            kind=BlobKind(told.get("BlobType", BlobKind.BLOCK.value)),
            size_bytes=int(told.get("Content-Length") or "0"),
            etag=etag if etag.startswith('"') else f'"{etag}"',
            tags=all_tags(tags_of(entry), metadata),
            metadata=metadata,
            copy=_copy({f"copy-{name[4:].lower()}": value for name, value in told.items() if name.startswith("Copy")}, "copy-"),
        )


def names_of(page: Page) -> list[BlobName]:
    """The blobs of a page of a search by tags."""
    return [BlobName(entry.findtext("ContainerName") or "", entry.findtext("Name") or "") for entry in page.root.iterfind("Blobs/Blob")]


def ranges_of(page: Page) -> list[Extent]:
    """The ranges of a page of a page list; cleared ones, which come with differences alone, are no data."""
    found = []
    for entry in page.root.iterfind("PageRange"):
        start, end = int(entry.findtext("Start") or "0"), int(entry.findtext("End") or "-1")
        found.append(Extent(start, end - start + 1))
    return found


def tags_of(root: ET.Element) -> dict[str, str]:
    """The index tags below an element."""
    return {entry.findtext("Key") or "": entry.findtext("Value") or "" for entry in root.iter("Tag")}


def tags_document(tags: Mapping[str, str]) -> bytes:
    """The body that sets index tags."""
    root = ET.Element("Tags")
    found = ET.SubElement(root, "TagSet")
    for key, value in tags.items():
        tag = ET.SubElement(found, "Tag")
        ET.SubElement(tag, "Key").text = key
        ET.SubElement(tag, "Value").text = value
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def tags_header(tags: Mapping[str, str]) -> dict[str, str]:
    """The header that sets index tags with a new blob."""
    return {"x-ms-tags": urlencode(tags, quote_via=quote)} if tags else {}


def metadata_headers(metadata: Mapping[str, str]) -> dict[str, str]:
    """The headers that set metadata."""
    return {f"{_METADATA}{name}": value for name, value in metadata.items()}


def search_of(tags: Mapping[str, str]) -> str:
    """``where``: all of these tags."""
    return " AND ".join(f"\"{key}\"='{value}'" for key, value in sorted(tags.items()))


def _copy(told: Mapping[str, str], prefix: str) -> CopyStatus | None:
    name = told.get(f"{prefix}id")
    if not name:
        return None
    done, _, total = told.get(f"{prefix}progress", "").partition("/")
    description = told.get(f"{prefix}status-description") or told.get(f"{prefix}statusdescription", "")
    return CopyStatus(
        id=name,
        status=told.get(f"{prefix}status", ""),
        source=without_query(told.get(f"{prefix}source", "")),
        done_bytes=int(done) if done.isdigit() else 0,
        total_bytes=int(total) if total.isdigit() else 0,
        description=description,
    )
