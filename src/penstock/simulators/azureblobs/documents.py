"""The documents of the service: XML of lists, tags and errors; and what requests say in headers and queries."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

from aiohttp import web

from penstock.simulators.azureblobs.store import Range, StoredBlob
from penstock.simulators.cloud.operations import Refusal

_METADATA = "x-ms-meta-"
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TAG_SIGNS = re.compile(r"[A-Za-z0-9 +\-./:=_]*")
_TERM = re.compile(r"\s*(?:\"((?:[^\"]|\"\")+)\"|([A-Za-z0-9_]+))\s*=\s*'((?:[^']|'')*)'\s*")
_AND = re.compile(r"AND\b", re.IGNORECASE)
_MOST_TAGS = 10
_LONGEST_KEY, _LONGEST_VALUE = 128, 256


def xml_answer(root: ET.Element, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer that is a document."""
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return web.Response(body=body, status=status, headers=headers, content_type="application/xml")


def error_document(refusal: Refusal) -> web.Response:
    """The error, also in the header, which is all that HEAD gets."""
    root = ET.Element("Error")
    ET.SubElement(root, "Code").text = refusal.code
    ET.SubElement(root, "Message").text = refusal.message
    return xml_answer(root, status=refusal.status, headers={**refusal.headers, "x-ms-error-code": refusal.code})


def metadata_of(request: web.Request) -> dict[str, str]:
    """The metadata that a request sets.

    Raises:
        Refusal: a name is no identifier.
    """
    found = {name[len(_METADATA) :].lower(): value for name, value in request.headers.items() if name.lower().startswith(_METADATA)}
    if any(not _IDENTIFIER.fullmatch(name) for name in found):
        raise Refusal(400, "InvalidMetadata", "The specified metadata is invalid.")
    return found


def header_tags(request: web.Request) -> dict[str, str]:
    """The tags that a new blob gets."""
    return checked_tags(dict(parse_qsl(request.headers.get("x-ms-tags", ""), keep_blank_values=True)))


def body_tags(body: bytes) -> dict[str, str]:
    """The tags that a document sets."""
    try:
        root = ET.fromstring(body)  # noqa: S314  # of a test's own client
    except ET.ParseError:
        raise Refusal(400, "InvalidXmlDocument", "XML specified is not syntactically valid.") from None
    return checked_tags({entry.findtext("Key") or "": entry.findtext("Value") or "" for entry in root.iter("Tag")})


def checked_tags(tags: dict[str, str]) -> dict[str, str]:
    """The same.

    Raises:
        Refusal: there are too many, or one is too long or has signs that tags have not.
    """
    if len(tags) > _MOST_TAGS:
        raise Refusal(400, "TagsTooLarge", "The tags specified exceed the maximum permissible limit.")
    for key, value in tags.items():
        fits = 0 < len(key) <= _LONGEST_KEY and len(value) <= _LONGEST_VALUE
        if not fits or not _TAG_SIGNS.fullmatch(key) or not _TAG_SIGNS.fullmatch(value):
            raise Refusal(400, "InvalidTag", "The tags specified are invalid.")
    return tags


def tags_document(tags: Mapping[str, str]) -> ET.Element:
    """Tags."""
    root = ET.Element("Tags")
    _add_tags(root, tags)
    return root


def terms_of(where: str) -> dict[str, str]:
    """What a search wants: terms joined by AND.

    Raises:
        Refusal: it says something else.
    """
    terms: dict[str, str] = {}
    rest = where
    while True:
        term = _TERM.match(rest)
        if term is None:
            raise Refusal(400, "InvalidQueryParameterValue", "Error parsing query.")
        quoted, plain, value = term.groups()
        terms[(quoted or plain).replace('""', '"')] = value.replace("''", "'")
        rest = rest[term.end() :]
        if not rest:
            return terms
        joined = _AND.match(rest)
        if joined is None:
            raise Refusal(400, "InvalidQueryParameterValue", "Error parsing query.")
        rest = rest[joined.end() :]


def ranges_document(ranges: Iterable[Range], marker: str) -> ET.Element:
    """The ranges of a page blob; ``marker`` of the next page."""
    root = ET.Element("PageList")
    for start, end in ranges:
        entry = ET.SubElement(root, "PageRange")
        ET.SubElement(entry, "Start").text = str(start)
        ET.SubElement(entry, "End").text = str(end - 1)
    ET.SubElement(root, "NextMarker").text = marker
    return root


def list_document(container: str, blobs: Iterable[tuple[str, StoredBlob]], marker: str, include: frozenset[str]) -> ET.Element:
    """Blobs of a container."""
    root = ET.Element("EnumerationResults", ContainerName=container)
    listed = ET.SubElement(root, "Blobs")
    for name, blob in blobs:
        entry = ET.SubElement(listed, "Blob")
        ET.SubElement(entry, "Name").text = name
        told = ET.SubElement(entry, "Properties")
        for key, value in (("Etag", blob.etag.strip('"')), ("Content-Length", str(blob.size_bytes)), ("BlobType", blob.kind)):
            ET.SubElement(told, key).text = value
        if blob.copy is not None and "copy" in include:
            copy = blob.copy
            for key, value in (("CopyId", copy.id), ("CopySource", copy.source), ("CopyStatus", copy.status)):
                ET.SubElement(told, key).text = value
        if blob.metadata and "metadata" in include:
            metadata = ET.SubElement(entry, "Metadata")
            for key, value in blob.metadata.items():
                ET.SubElement(metadata, key).text = value
        if blob.tags and "tags" in include:
            _add_tags(ET.SubElement(entry, "Tags"), blob.tags)
    ET.SubElement(root, "NextMarker").text = marker
    return root


def containers_document(names: Iterable[str]) -> ET.Element:
    """The containers of an account."""
    root = ET.Element("EnumerationResults")
    listed = ET.SubElement(root, "Containers")
    for name in names:
        ET.SubElement(ET.SubElement(listed, "Container"), "Name").text = name
    return root


def found_document(where: str, names: Iterable[tuple[str, str]]) -> ET.Element:
    """What a search found."""
    root = ET.Element("EnumerationResults")
    ET.SubElement(root, "Where").text = where
    listed = ET.SubElement(root, "Blobs")
    for container, name in names:
        entry = ET.SubElement(listed, "Blob")
        ET.SubElement(entry, "Name").text = name
        ET.SubElement(entry, "ContainerName").text = container
    ET.SubElement(root, "NextMarker")
    return root


def byte_range(request: web.Request, size_bytes: int) -> Range:
    """The range that a request is about, cut at the end of the blob; all of it where none is said.

    Raises:
        Refusal: it begins behind the end, or says nonsense.
    """
    text = request.headers.get("x-ms-range") or request.headers.get("Range")
    if text is None:
        return 0, size_bytes
    found = re.fullmatch(r"bytes=([0-9]+)-([0-9]*)", text)
    start = int(found[1]) if found else size_bytes
    end = min(int(found[2]) + 1 if found and found[2] else size_bytes, size_bytes)
    if start >= end:
        raise Refusal(416, "InvalidRange", "The range specified is invalid for the current size of the resource.")
    return start, end


def _add_tags(parent: ET.Element, tags: Mapping[str, str]) -> None:
    listed = ET.SubElement(parent, "TagSet")
    for key, value in tags.items():
        entry = ET.SubElement(listed, "Tag")
        ET.SubElement(entry, "Key").text = key
        ET.SubElement(entry, "Value").text = value
