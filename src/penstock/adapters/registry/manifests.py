"""Whether an answer is the manifest that was asked for: its digest, its media type, its kind.

OCI image-spec, "manifest.md" and "image-index.md"; distribution-spec 1.1, "Pulling manifests".  A document that two readers could take for
two kinds (CVE-2021-41190: one header, another ``mediaType``, or layers and manifests side by side) is refused.
"""

from collections.abc import Mapping

from penstock.formats.jsontext import parse_json
from penstock.formats.oci.descriptor import ACCEPTED_TYPES, DOCKER_LIST, DOCKER_MANIFEST, INDEX_TYPES, OCI_INDEX, OCI_MANIFEST, RawManifest
from penstock.model.digest import Digest
from penstock.model.errors import DigestMismatch, InputError, OperationError, VerificationError

LONGEST_MANIFEST_BYTES = 4 << 20
"""What every registry takes (distribution-spec 1.1, "Pushing Manifests"); ours as well."""

_SCHEMA_1 = frozenset({"application/vnd.docker.distribution.manifest.v1+json", "application/vnd.docker.distribution.manifest.v1+prettyjws"})
_SAYS_NOTHING = frozenset({"", "application/json", "text/json", "text/plain", "application/octet-stream", "binary/octet-stream"})


def checked_manifest(content: bytes, *, content_type: str, told: str, wanted: Digest | None, subject: str, place: str) -> RawManifest:
    """The manifest in ``content``.

    Args:
        content: the exact bytes.
        content_type: the header, with parameters; or the descriptor's media type; or ``""``.
        told: the ``Docker-Content-Digest`` header, or ``""``.
        wanted: the digest that was asked for, or None for a tag.
        subject: the reference.
        place: who gave the bytes.

    Raises:
        DigestMismatch: the bytes are not those of ``wanted``, or not those that the registry itself names.
        VerificationError: they are no manifest, or one that could be read as two kinds.
        OperationError: a manifest of schema 1.
    """
    if _kind_of(content_type) in _SCHEMA_1:
        raise _schema_1(subject)  # before digests: that of a signed manifest does not cover the bytes that come
    digest = wanted or _told_digest(told) or Digest.of(content)
    hasher = digest.hasher()
    hasher.update(content)
    if not digest.matches(hasher):
        found = f"{digest.algorithm}:{hasher.hexdigest()}"
        raise DigestMismatch(subject, expected=str(digest), found=found, hint=f"{place} gave other bytes than it was asked for")
    media_type = media_type_of(content, content_type, subject)
    return RawManifest(content, media_type, digest)


def media_type_of(content: bytes, content_type: str, subject: str) -> str:
    """The media type on which header and document agree.

    Raises:
        VerificationError: they do not, or the document is none of the four kinds.
        OperationError: a manifest of schema 1.
    """
    try:
        tree = parse_json(content, subject=subject, limit_bytes=LONGEST_MANIFEST_BYTES)
    except InputError as error:
        raise VerificationError(f"the manifest cannot be read: {error.message}", subject=subject) from error
    document = tree if isinstance(tree, Mapping) else {}
    header = _kind_of(content_type)
    inner = document.get("mediaType") or ""
    if header in _SCHEMA_1 or document.get("schemaVersion") == 1:
        raise _schema_1(subject)
    if not isinstance(inner, str) or (header and inner and header != inner):
        raise VerificationError(f"the manifest comes as {header} and calls itself {inner!r}", subject=subject)
    is_index, is_manifest = "manifests" in document, "layers" in document or "config" in document
    if document.get("schemaVersion") != 2 or is_index == is_manifest:
        raise VerificationError("the document is neither a manifest nor an index", subject=subject)
    media_type = header or inner or _plain_kind(document, is_index=is_index)
    if media_type not in ACCEPTED_TYPES:
        raise VerificationError(f"{media_type} is no image", subject=subject)
    if (media_type in INDEX_TYPES) != is_index:
        raise VerificationError(f"the document comes as {media_type}, but its content is of another kind", subject=subject)
    return media_type


def _kind_of(content_type: str) -> str:
    """The media type of a header without its parameters; ``""`` where it says nothing of use."""
    header = content_type.partition(";")[0].strip().lower()
    return "" if header in _SAYS_NOTHING else header


def _schema_1(subject: str) -> OperationError:
    hint = "push the image again with a current tool"
    return OperationError("the manifest is of schema 1, which is no longer read", subject=subject, hint=hint)


def _plain_kind(document: Mapping[str, object], *, is_index: bool) -> str:
    """The kind of a document that nobody names: OCI, unless what it holds is Docker's."""
    held = document.get("manifests" if is_index else "layers")
    types = [str(entry.get("mediaType", "")) for entry in held if isinstance(entry, Mapping)] if isinstance(held, list) else []
    docker = bool(types) and all(name.startswith("application/vnd.docker.") for name in types)
    if is_index:
        return DOCKER_LIST if docker else OCI_INDEX
    return DOCKER_MANIFEST if docker else OCI_MANIFEST


def _told_digest(told: str) -> Digest | None:
    try:
        return Digest.parse(told.strip()) if told else None
    except InputError:
        return None  # an algorithm that we do not know proves nothing and disproves nothing
