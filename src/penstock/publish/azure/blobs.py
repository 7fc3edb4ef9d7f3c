"""Blobs that are wanted, and whether what stands in an account already is one of them: name *and* content must agree.

The content is told by a tag and metadata (:mod:`penstock.model.push.blobs`).  What the peer tool made has neither; there the build's tags
and the size tell it.  A blob may be the disk of a live offer, so one that holds anything else is never written to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from penstock.model.push.blobs import CONTENT_MARK, SOURCE_METADATA, BlobKind, BlobName, BlobState, FoundBlob, metadata_text, without_query
from penstock.model.push.content import ImageContent
from penstock.publish.plan import Verdict

BUILD_TAGS = ("nvra", "name", "version", "release", "arch", "buildid")
"""By which upstream's program finds its blobs."""


class BlobConflict(Exception):
    """Something else has the name, or what is needed may not be made; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedBlob:
    """A disk that shall stand in a storage account.

    Attributes:
        account: the alias of the credentials.
        container: in the account.
        name: of the blob.
        content: the VHD, measured; None for one that is copied from ``source``.
        source: the ``http(s)`` address that is copied from, with its query, which may be secret; else ``""``.
        tags: those of the build, equal for all destinations of an image.
        extra_tags: those of a destination.
    """

    account: str
    container: str
    name: str
    content: ImageContent | None = None
    source: str = field(default="", repr=False)
    tags: Mapping[str, str] = field(default_factory=dict)
    extra_tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def at(self) -> BlobName:
        """Where in the account."""
        return BlobName(self.container, self.name)

    @property
    def origin(self) -> str:
        """The address of ``source`` without what may be secret."""
        return without_query(self.source)


@dataclass(frozen=True, slots=True)
class JudgedBlob:
    """What becomes of a wanted blob.

    Attributes:
        verdict: how it is had.
        reason: why.
        found: what is used again or gone on with; None where it is made.
    """

    verdict: Verdict
    reason: str
    found: FoundBlob | None = None


def judge_blob(wanted: WantedBlob, named: FoundBlob | None, tagged: Sequence[FoundBlob] = ()) -> JudgedBlob:
    """What becomes of a blob.

    Args:
        wanted: see there.
        named: the blob of its name.
        tagged: others of the account with the tag of its content, or with the tags of its build.

    Raises:
        BlobConflict: something else has the name.
    """
    if wanted.content is None:
        return _of_copy(wanted, named)
    if named is not None:
        return _of_named(wanted, wanted.content, named)
    for blob in sorted(tagged, key=lambda each: (each.content is None, each.at)):
        if _serves(wanted.content, blob):
            return JudgedBlob(Verdict.REUSE, f"{blob.at} has the same content", blob)
        # One build may have several disks of one size, with the same tags: of what has no mark the name must agree too.
        if blob.at.name == wanted.name and _passes_for(wanted, wanted.content, blob):
            return JudgedBlob(Verdict.REUSE, f"{blob.at} has the same name, build and size; it has no tag of its content", blob)
    return JudgedBlob(Verdict.CREATE, "no blob has this name")


def is_half(wanted: ImageContent, found: FoundBlob) -> bool:
    """Whether an upload of this content was begun there, and can be gone on with."""
    same = found.content == wanted.digest and found.size_bytes == wanted.size_bytes
    return found.state is BlobState.UPLOADING and found.copy is None and found.kind is BlobKind.PAGE and same


def is_replaceable(found: FoundBlob) -> bool:
    """Whether nobody can use what is there: an upload that never ended, or a copy that failed."""
    pending = found.copy is not None and found.copy.status == "pending"
    return not pending and found.state in (BlobState.UPLOADING, BlobState.LOST)


def is_copy_of(origin: str, found: FoundBlob) -> bool:
    """Whether it is, or is becoming, the copy of this address (without a query)."""
    told = found.metadata.get(SOURCE_METADATA)
    return told == metadata_text(origin) if told else found.copy is not None and found.copy.source == origin


def conflict_of(found: FoundBlob, wanted: ImageContent | None) -> str:
    """Why a blob that stands there is not the wanted one, in words that say what to do."""
    if found.copy is not None and found.copy.status == "pending":
        return f"{found.at} is being copied from somewhere else; wait for that, or delete it"
    if found.kind is not BlobKind.PAGE:
        return f"{found.at} has this name and is no page blob; delete it"
    if wanted is None or (found.content is not None and found.content != wanted.digest):
        other = f" (sha256 {found.content.short}{f', not {wanted.digest.short}' if wanted else ''})" if found.content else ""
        return f"{found.at} has this name and other content{other}; delete it, or give the file another name"
    if found.size_bytes != wanted.size_bytes:
        return f"{found.at} has this name and another size ({found.size_bytes} bytes, not {wanted.size_bytes}); delete it"
    return f"{found.at} has this name, and nothing tells what is in it; tag it {CONTENT_MARK}={wanted.digest.hex} or delete it"


def tags_agree(wanted: Mapping[str, str], found: Mapping[str, str]) -> bool:
    """Whether all tags of the build are there and as wanted."""
    return all(name in wanted and found.get(name) == wanted[name] for name in BUILD_TAGS)


def _of_named(wanted: WantedBlob, content: ImageContent, found: FoundBlob) -> JudgedBlob:
    if is_half(content, found):
        return JudgedBlob(Verdict.RESUME, "an upload of the same content was begun", found)
    if is_replaceable(found):
        return JudgedBlob(Verdict.CREATE, "what lies there was never completed, and is replaced")
    if _serves(content, found):
        return JudgedBlob(Verdict.REUSE, "same name and content", found)
    if _passes_for(wanted, content, found):
        return JudgedBlob(Verdict.REUSE, "same name, build and size; it has no tag of its content", found)
    raise BlobConflict(conflict_of(found, content))


def _of_copy(wanted: WantedBlob, found: FoundBlob | None) -> JudgedBlob:
    if found is None:
        return JudgedBlob(Verdict.CREATE, "no blob has this name")
    if is_copy_of(wanted.origin, found):
        if found.state is BlobState.UPLOADING:
            return JudgedBlob(Verdict.RESUME, "a copy from the same address was begun", found)
        if found.state is not BlobState.LOST and found.kind is BlobKind.PAGE:
            return JudgedBlob(Verdict.REUSE, "it was copied from the same address", found)
    if is_replaceable(found):
        return JudgedBlob(Verdict.CREATE, "what lies there was never completed, and is replaced")
    raise BlobConflict(conflict_of(found, None))


def _serves(content: ImageContent, found: FoundBlob) -> bool:
    whole = found.state in (BlobState.COMPLETE, BlobState.UNTOLD) and found.kind is BlobKind.PAGE
    return whole and found.content == content.digest and found.size_bytes == content.size_bytes


def _passes_for(wanted: WantedBlob, content: ImageContent, found: FoundBlob) -> bool:
    """Whether upstream's program made it of the same image; marks of ours that contradict each other count for nothing."""
    untold = found.state is BlobState.UNTOLD and CONTENT_MARK not in found.tags and found.kind is BlobKind.PAGE
    return untold and found.size_bytes == content.size_bytes and tags_agree(wanted.tags, found.tags)
