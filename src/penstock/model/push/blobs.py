"""What a storage account of Azure says of blobs on their way to become images, and how they are marked.

A blob has up to ten *index tags*, which can be searched for, of letters, digits and few signs; and *metadata*, names that are identifiers
and values of ASCII.  What an index tag cannot be stands in the metadata :data:`MORE_TAGS`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote, urlsplit, urlunsplit

from penstock.model.digest import Digest
from penstock.model.errors import OperationError
from penstock.model.push.aws import CONTENT_TAG, content_of

DEFAULT_CONTAINER = "pubupload"
"""Where ``UPLOAD_CONTAINER_NAME`` says nothing."""
RELEASE_DATE_TAG = "release_date"

CONTENT_MARK = "penstock_sha256"
"""The index tag, and the metadata, that say which bytes are, or will be, in a blob: the SHA-256 of the VHD, 64 hex digits.

Tags of AWS have a colon there.  Metadata takes none, and neither does a search by tags that has to work everywhere.
"""
STATE_METADATA = "penstock_state"
SOURCE_METADATA = "penstock_source"
"""The metadata that says of which address, without a query, a blob is the copy."""
MORE_TAGS = "penstock_tags"
"""The metadata with the tags that cannot be index tags: a JSON object."""

MOST_TAGS = 10
_ROOM_FOR_LATER = 1  # the date of the release
_LONGEST_KEY, _LONGEST_VALUE = 128, 256
_SIGNS = frozenset(" +-./:=_")
_ADDRESS_SIGNS = "%/:@!$&'()*+,;=~[]"


class BlobKind(StrEnum):
    """``x-ms-blob-type``; machines start from page blobs alone."""

    PAGE = "PageBlob"
    BLOCK = "BlockBlob"
    APPEND = "AppendBlob"


class BlobState(StrEnum):
    """How far a blob has come."""

    UPLOADING = "uploading"
    """Pages are missing, or a copy is under way or was not looked at; or whoever was at it died."""
    COMPLETE = "complete"
    UNTOLD = "untold"
    """No mark of ours: another program put it there."""
    LOST = "lost"
    """A copy that failed."""


@dataclass(frozen=True, slots=True, order=True)
class BlobName:
    """A blob in a storage account."""

    container: str
    name: str

    def __str__(self) -> str:
        """``pubupload/rhel.vhd``."""
        return f"{self.container}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyStatus:
    """What Azure says of a server-side copy.

    Attributes:
        id: of the copy.
        status: ``pending``, ``success``, ``aborted``, ``failed``.
        source: its address without a query.
        done_bytes: as far as it is told.
        total_bytes: the same.
        description: why it failed.
    """

    id: str
    status: str
    source: str
    done_bytes: int = 0
    total_bytes: int = 0
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundBlob:
    """A blob that stands in an account.

    Attributes:
        at: its name.
        kind: see :class:`BlobKind`.
        size_bytes: of it.
        etag: of this moment.
        tags: index tags, and those of :data:`MORE_TAGS`.
        metadata: all of it.
        copy: how a server-side copy stands; None where there never was one.
    """

    at: BlobName
    kind: BlobKind
    size_bytes: int
    etag: str
    tags: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    copy: CopyStatus | None = None

    @property
    def content(self) -> Digest | None:
        """What is, or will be, in it, as far as its marks tell; where tag and metadata say different things, nothing is told."""
        marks = {content_of({CONTENT_TAG: text}) for text in (self.metadata.get(CONTENT_MARK), self.tags.get(CONTENT_MARK)) if text}
        return marks.pop() if len(marks) == 1 else None

    @property
    def state(self) -> BlobState:
        """By its marks, and by the copy that made it."""
        if self.copy is not None and self.copy.status != "success":
            return BlobState.UPLOADING if self.copy.status == "pending" else BlobState.LOST
        told = self.metadata.get(STATE_METADATA)
        if told is None:
            return BlobState.UNTOLD
        return BlobState.COMPLETE if told == BlobState.COMPLETE else BlobState.UPLOADING


class BlobChanged(OperationError):
    """The blob is not as it was when it was looked at: another push made it, replaced it, or wrote to it (409, 412)."""


@dataclass(frozen=True, slots=True)
class BlobMarks:
    """Tags and metadata that are sent."""

    tags: Mapping[str, str]
    metadata: Mapping[str, str]

    def complete(self) -> "BlobMarks":
        """The same for a blob that is whole."""
        return BlobMarks(self.tags, {**self.metadata, STATE_METADATA: BlobState.COMPLETE.value})


def upload_marks(content: Digest, tags: Mapping[str, str]) -> BlobMarks:
    """The marks of a blob that is being uploaded, with as many of ``tags`` searchable as Azure takes, in their order."""
    index, more = index_tags({CONTENT_MARK: content.hex, **tags})
    metadata = {CONTENT_MARK: content.hex, STATE_METADATA: BlobState.UPLOADING.value}
    return BlobMarks(index, {**metadata, **more_metadata(more)})


def copy_marks(source: str, tags: Mapping[str, str]) -> BlobMarks:
    """The marks of a blob that is being copied by the server; ``source`` without its query."""
    index, more = index_tags(tags)
    metadata = {SOURCE_METADATA: metadata_text(source), STATE_METADATA: BlobState.UPLOADING.value}
    return BlobMarks(index, {**metadata, **more_metadata(more)})


def index_tags(tags: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Those that become index tags, with room left for the date of the release, and those that must stand in metadata."""
    index: dict[str, str] = {}
    more: dict[str, str] = {}
    for key, value in tags.items():
        room = MOST_TAGS - (_ROOM_FOR_LATER if key != RELEASE_DATE_TAG else 0)
        fits = len(index) < room and 0 < len(key) <= _LONGEST_KEY and len(value) <= _LONGEST_VALUE and _takes(key) and _takes(value)
        (index if fits else more)[key] = value
    return index, more


def more_metadata(more: Mapping[str, str]) -> dict[str, str]:
    """Metadata for tags that are no index tags; nothing for none."""
    return {MORE_TAGS: json.dumps(dict(more), sort_keys=True, separators=(",", ":"))} if more else {}


def all_tags(index: Mapping[str, str], metadata: Mapping[str, str]) -> dict[str, str]:
    """Index tags, and those of the metadata as far as they can be read."""
    try:
        more = json.loads(metadata.get(MORE_TAGS, "{}"))
    except ValueError:
        more = {}
    told = more.items() if isinstance(more, dict) else ()
    return {**{key: value for key, value in told if isinstance(value, str)}, **index}


def fence_of(content: Digest) -> int:
    """The sequence number of the page blob that is made for a content: 62 bits of its digest.

    Every page is sent on the condition that the blob has this number, so no page reaches a blob that was made for another content, however
    late it comes.
    """
    return int(content.hex[:16], 16) >> 2


def without_query(address: str) -> str:
    """An address without what may be secret in it: a signature in the query, a password before the host."""
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _takes(text: str) -> bool:
    return all((sign.isascii() and sign.isalnum()) or sign in _SIGNS for sign in text)


def metadata_text(text: str) -> str:
    """How an address stands in metadata, which is ASCII."""
    return quote(text, safe=_ADDRESS_SIGNS)
