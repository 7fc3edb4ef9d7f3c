"""Read and write ``image-references`` and ``release-metadata``, the two documents of a release payload.

openshift/oc ``pkg/cli/admin/release`` (``new.go``, ``image_mapper.go``).  Inside a payload both are JSON, two spaces deep, without a
newline at the end.  In a component's ``/manifests`` an ``image-references`` of the same shape, mostly YAML, says which names its
manifests use for images.
"""

from typing import Any

from penstock.formats.codec import decode_json, decode_yaml, encode_json, looks_like_json
from penstock.formats.jsontext import Layout
from penstock.model.errors import InputError
from penstock.model.record import given
from penstock.model.release import ImageReferences, ReleaseMetadata

IMAGE_REFERENCES = "image-references"
"""The name of the document, in a payload and in a component's ``/manifests``."""

RELEASE_METADATA = "release-metadata"

IMAGE_STREAM_KIND = ("ImageStream", "image.openshift.io/v1")
METADATA_KIND = "cincinnati-metadata-v0"

_LAYOUT = Layout(ends_with_newline=False)


def decode_image_references(content: bytes, *, subject: str) -> ImageReferences:
    """Read an ``image-references`` document, JSON or YAML.

    Raises:
        InputError: it is broken, or of another kind or version than an ImageStream of ``image.openshift.io/v1``.
    """
    read: Any = decode_json if looks_like_json(content) else decode_yaml
    stream: ImageReferences = read(content, ImageReferences, subject=subject)
    kind, api_version = given(stream.kind), given(stream.api_version)
    if (kind, api_version) != IMAGE_STREAM_KIND:
        raise InputError(
            f"it is a {kind or 'document without kind'} of {api_version or 'no apiVersion'}, not an ImageStream of {IMAGE_STREAM_KIND[1]}",
            subject=subject,
        )
    return stream


def encode_image_references(stream: ImageReferences) -> bytes:
    """The document as ``oc`` lays it out."""
    return encode_json(stream, _LAYOUT)


def decode_release_metadata(content: bytes, *, subject: str) -> ReleaseMetadata:
    """Read a ``release-metadata`` document.

    Raises:
        InputError: it is broken, or of another kind.
    """
    metadata = decode_json(content, ReleaseMetadata, subject=subject)
    if metadata.kind != METADATA_KIND:
        raise InputError(f"its kind is {metadata.kind!r}, not {METADATA_KIND!r}", subject=subject)
    return metadata


def encode_release_metadata(metadata: ReleaseMetadata) -> bytes:
    """The document as ``oc`` lays it out."""
    return encode_json(metadata, _LAYOUT)
