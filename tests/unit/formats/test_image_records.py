"""The records of a store, written and read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.imagerecord import FileState, KeptImage, KeyRecord, decode_record, encode_record
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.osimage import ImageRecord, ImageType, PayloadSteps, StoredImage

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
digests = st.binary(min_size=32, max_size=32).map(lambda content: Digest("sha256", content.hex()))
numbers = st.integers(0, 2**62)
steps = st.builds(PayloadSteps, release=texts, release_digest=digests, image=texts, image_digest=digests, layer_digest=digests, path=texts)


@st.composite
def records(draw: st.DrawFn) -> KeyRecord:
    key, kept = draw(texts), []
    for _ in range(draw(st.integers(0, 3))):
        record = ImageRecord(
            openshift_version=draw(texts),
            version=draw(texts),
            arch=draw(st.sampled_from(Arch)),
            type=draw(st.sampled_from(ImageType)),
            key=key,
            names=tuple(draw(st.lists(texts, max_size=2))),
            url=draw(texts),
            steps=draw(st.none() | steps),
            checked=tuple(draw(st.lists(texts, max_size=2))),
        )
        image = StoredImage(record, draw(digests), draw(numbers), draw(numbers))
        state = draw(st.none() | st.builds(FileState, st.just(image.size_bytes), numbers, numbers))
        kept.append(KeptImage(image, state, draw(texts)))
    return KeyRecord(key, tuple(kept))


@given(records())
def test_a_record_is_read_as_it_was_written(record: KeyRecord) -> None:
    assert decode_record(encode_record(record), subject="record.json") == record


@given(
    st.binary(max_size=60) | st.builds(lambda tree: json.dumps(tree).encode(), st.dictionaries(st.sampled_from(["key", "images"]), texts))
)
def test_what_is_no_record_is_an_error_of_input(content: bytes) -> None:
    with pytest.raises(InputError):
        decode_record(content, subject="record.json")


def test_a_record_of_a_later_version_is_refused() -> None:
    with pytest.raises(InputError, match="version 2 of the document is not known"):
        decode_record(b'{"document_version": 2, "key": "k", "images": []}', subject="record.json")


def test_a_record_of_an_unknown_architecture_is_broken() -> None:
    image = {"openshift_version": "", "version": "1", "arch": "vax", "type": "full-iso", "digest": "", "size_bytes": 1, "mtime_s": 1}
    content = json.dumps({"document_version": 1, "key": "k", "images": [image]}).encode()
    with pytest.raises(InputError, match="the record is broken"):
        decode_record(content, subject="record.json")
