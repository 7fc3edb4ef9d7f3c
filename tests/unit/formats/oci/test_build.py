"""What is built is the same every time, and what was meant."""

import io
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.oci.build import LayerEntry, build_config, build_index, build_manifest, config_descriptor, write_layer
from penstock.formats.oci.compression import Compression
from penstock.formats.oci.descriptor import OCI_CONFIG, OCI_LAYER_GZIP, Descriptor, Platform
from penstock.formats.oci.image import parse_config
from penstock.formats.oci.layer import EntryType
from penstock.model.arch import Arch
from penstock.model.digest import Digest

CREATED_AT = datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)
LINUX = Platform.linux(Arch.X86_64)
ENTRIES = [
    LayerEntry("d", type=EntryType.DIRECTORY, mode=0o755),
    LayerEntry("d/" + "long" * 50, b"content"),
    LayerEntry("soft", type=EntryType.SYMLINK, target="d"),
    LayerEntry("hard", type=EntryType.HARDLINK, target="soft"),
]


@pytest.mark.parametrize("compression", Compression)
def test_the_same_entries_give_the_same_bytes(compression: Compression) -> None:
    first, second = io.BytesIO(), io.BytesIO()

    assert write_layer(first, ENTRIES, mtime_s=7, compression=compression) == write_layer(
        second, ENTRIES, mtime_s=7, compression=compression
    )
    assert first.getvalue() == second.getvalue()


def test_the_time_is_in_the_entries_and_not_in_the_gzip_header() -> None:
    outs = [io.BytesIO(), io.BytesIO()]
    layers = [write_layer(out, ENTRIES, mtime_s=mtime_s) for out, mtime_s in zip(outs, (7, 8), strict=True)]

    assert layers[0].diff_id != layers[1].diff_id
    assert outs[0].getvalue()[:10] == outs[1].getvalue()[:10]
    assert outs[0].getvalue()[4:8] == bytes(4)


def test_a_streamed_entry_is_the_same_as_one_of_bytes() -> None:
    in_memory, streamed = io.BytesIO(), io.BytesIO()

    write_layer(in_memory, [LayerEntry("x", b"x" * 100_000)], mtime_s=0)
    write_layer(streamed, [LayerEntry("x", io.BytesIO(b"x" * 100_000), 100_000)], mtime_s=0)

    assert in_memory.getvalue() == streamed.getvalue()


def test_a_streamed_entry_must_say_its_size() -> None:
    with pytest.raises(ValueError, match="size"):
        write_layer(io.BytesIO(), [LayerEntry("x", io.BytesIO(b"x"))], mtime_s=0)


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=4))
def test_the_order_of_labels_does_not_count(labels: dict[str, str]) -> None:
    backwards = dict(reversed(labels.items()))

    built = [build_config(LINUX, created_at=CREATED_AT, labels=given, diff_ids=[]) for given in (labels, backwards)]

    assert built[0] == built[1]
    assert parse_config(built[0], subject="config").labels == labels


def test_times_are_written_in_utc() -> None:
    local = CREATED_AT.astimezone(timezone(timedelta(hours=2)))

    assert build_config(LINUX, created_at=local, labels={}, diff_ids=[]) == build_config(
        LINUX, created_at=CREATED_AT, labels={}, diff_ids=[]
    )


def test_a_config_upon_a_base_keeps_what_it_does_not_change() -> None:
    base = {
        "architecture": "amd64",
        "os": "linux",
        "author": "somebody",
        "config": {"Labels": {"kept": "1", "replaced": "1"}, "Cmd": ["sh"]},
        "history": [{"created_by": "first"}, {"created_by": "ENV", "empty_layer": True}],
        "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(b"0"))]},
    }
    before = json.dumps(base)
    diff_ids = [Digest.of(b"0"), Digest.of(b"1")]

    built = json.loads(
        build_config(LINUX, created_at=CREATED_AT, labels={"replaced": "2"}, diff_ids=diff_ids, base=base, created_by="penstock")
    )

    assert built["author"] == "somebody"
    assert built["config"] == {"Labels": {"kept": "1", "replaced": "2"}, "Cmd": ["sh"]}
    assert [entry["created_by"] for entry in built["history"]] == ["first", "ENV", "penstock"]
    assert built["rootfs"]["diff_ids"] == [str(diff_id) for diff_id in diff_ids]
    assert json.dumps(base) == before


def test_a_manifest_says_what_it_is_and_its_digest_is_that_of_its_bytes() -> None:
    layer = Descriptor(OCI_LAYER_GZIP, Digest.of(b"l"), 1)
    manifest = build_manifest(config_descriptor(b"{}"), [layer])

    assert json.loads(manifest.content)["mediaType"] == manifest.media_type
    assert manifest.digest == Digest.of(manifest.content)
    assert config_descriptor(b"{}") == Descriptor(OCI_CONFIG, Digest.of(b"{}"), 2)
    assert "annotations" not in json.loads(manifest.content)


def test_an_index_carries_platforms() -> None:
    member = Descriptor("m", Digest.of(b"m"), 1, Platform("linux", "arm64", "v8"))

    (entry,) = json.loads(build_index([member], annotations={"a": "b"}).content)["manifests"]

    assert entry["platform"] == {"architecture": "arm64", "os": "linux", "variant": "v8"}
