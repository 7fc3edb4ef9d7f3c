"""The questions that installers ask of a stream, and upstream's words for what is not there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.codec import decode
from penstock.model.errors import InputError, NotFoundError
from penstock.model.record import Tree
from penstock.model.stream import Artifact, PlatformArtifacts, Stream
from penstock.streams.queries import (
    aliyun_image,
    ami,
    architecture,
    aws_image,
    message_prefix,
    only_disk,
    query_disk,
    url_with_compressed_sha256,
    url_with_served_sha256,
    url_with_sha256,
)

SERVED = "a" * 64
PLAIN = "b" * 64
DISK: Tree = {"location": "https://example.com/os.qcow2.gz", "sha256": SERVED, "uncompressed-sha256": PLAIN}
TREE: Tree = {
    "stream": "stable",
    "architectures": {
        "x86_64": {
            "artifacts": {
                "qemu": {"release": "44.20260707.3.1", "formats": {"qcow2.gz": {"disk": DISK}}},
                "metal": {
                    "release": "44.20260707.3.1",
                    "formats": {"pxe": {"kernel": DISK}, "iso": {"disk": DISK}, "raw.gz": {"disk": DISK}},
                },
                "nameless": {"release": "", "formats": {"qcow2.gz": {"disk": DISK}}},
                "unreleased": {"formats": {"qcow2.gz": {"disk": DISK}}},
            },
            "images": {
                "aws": {"regions": {"us-east-1": {"release": "44.20260707.3.1", "image": "ami-0123456789abcdef0"}, "empty": {"image": ""}}},
                "aliyun": {"regions": {"cn-beijing": {"release": "44.20260707.3.1", "image": "m-1"}}},
            },
        },
        "s390x": {"artifacts": {}, "images": {"aws": {}, "aliyun": None}},
    },
}
STREAM = decode(TREE, Stream, subject="stream")


def _platform(name: str) -> PlatformArtifacts:
    artifacts = STREAM.architectures["x86_64"].artifacts
    assert isinstance(artifacts, dict)
    found = artifacts[name]
    assert isinstance(found, PlatformArtifacts)
    return found


def _message(call: object) -> str:
    assert callable(call)
    with pytest.raises(NotFoundError) as caught:
        call()
    return str(caught.value)


def test_messages_start_with_stream_and_architecture() -> None:
    assert message_prefix(STREAM, "x86_64") == "stable/x86_64"


def test_an_architecture_that_is_missing_is_told_in_upstreams_words() -> None:
    assert architecture(STREAM, "x86_64") is STREAM.architectures["x86_64"]
    assert _message(lambda: architecture(STREAM, "amd64")) == "stream:stable does not have architecture 'amd64'"


def test_an_image_is_found_by_its_region() -> None:
    assert ami(STREAM, "x86_64", "us-east-1") == "ami-0123456789abcdef0"
    assert aws_image(STREAM, "x86_64", "us-east-1").release == "44.20260707.3.1"
    assert aliyun_image(STREAM, "x86_64", "cn-beijing").image == "m-1"


@pytest.mark.parametrize(
    ("arch", "region", "message"),
    [
        ("x86_64", "mars-1", "stable/x86_64: No AWS images in region mars-1"),
        ("x86_64", "empty", "stable/x86_64: No AWS images in region empty"),
        ("s390x", "us-east-1", "stable/s390x: No AWS images in region us-east-1"),
        ("riscv64", "us-east-1", "stream:stable does not have architecture 'riscv64'"),
    ],
)
def test_an_ami_that_is_missing_is_told_in_upstreams_words(arch: str, region: str, message: str) -> None:
    assert _message(lambda: ami(STREAM, arch, region)) == message


def test_a_cloud_that_is_missing_is_told_in_upstreams_words() -> None:
    assert _message(lambda: aliyun_image(STREAM, "s390x", "cn-beijing")) == "stable/s390x: No Aliyun images"
    assert _message(lambda: aliyun_image(STREAM, "x86_64", "cn-mars")) == "stable/x86_64: No Aliyun images in region cn-mars"
    bare = decode({"stream": "s", "architectures": {"x86_64": {}}}, Stream, subject="bare")
    assert _message(lambda: ami(bare, "x86_64", "us-east-1")) == "s/x86_64: No AWS images"


def test_a_disk_is_found_by_platform_and_format() -> None:
    assert query_disk(STREAM, "x86_64", "qemu", "qcow2.gz").sha256 == SERVED


@pytest.mark.parametrize("platform", ["hoverboard", "nameless", "unreleased"])
def test_a_platform_that_is_missing_or_has_no_release_is_not_found(platform: str) -> None:
    message = f"stable/x86_64: artifact '{platform}' not found"
    assert _message(lambda: query_disk(STREAM, "x86_64", platform, "qcow2.gz")) == message


@pytest.mark.parametrize(("platform", "format_name"), [("qemu", "qcow2.xz"), ("metal", "pxe")])
def test_a_format_that_is_missing_or_has_no_disk_is_not_found(platform: str, format_name: str) -> None:
    message = f"stable/x86_64: artifact '{platform}' format '{format_name}' disk not found"
    assert _message(lambda: query_disk(STREAM, "x86_64", platform, format_name)) == message


def test_the_hint_names_what_is_there() -> None:
    with pytest.raises(NotFoundError) as caught:
        query_disk(STREAM, "x86_64", "metal", "pxe")
    assert caught.value.hint == "there are: iso, pxe, raw.gz"


def test_the_only_disk_of_a_platform_is_found_whatever_its_format() -> None:
    assert only_disk(_platform("qemu")).sha256 == SERVED


def test_several_disks_and_none_are_told_in_upstreams_words() -> None:
    with pytest.raises(InputError, match=r'^multiple "disk" artifacts found$') as caught:
        only_disk(_platform("metal"))
    assert caught.value.hint == "name the format: iso, raw.gz"
    assert _message(lambda: only_disk(PlatformArtifacts())) == 'no "disk" artifact found'


def _artifact(location: str, *, served: str = SERVED, plain: str | None = PLAIN) -> Artifact:
    return Artifact(location=location, sha256=served, uncompressed_sha256=plain)


def test_addresses_carry_the_checksum_that_their_reader_checks() -> None:
    artifact = _artifact("https://example.com/os.gz")
    assert url_with_sha256(artifact) == f"https://example.com/os.gz?sha256={PLAIN}"
    assert url_with_served_sha256(artifact) == f"https://example.com/os.gz?sha256={SERVED}"
    assert url_with_compressed_sha256(artifact) == f"https://example.com/os.gz?compressed-sha256={SERVED}"


def test_without_a_checksum_of_the_content_the_parameter_is_empty_as_upstreams() -> None:
    assert url_with_sha256(_artifact("https://example.com/os.ova", plain=None)) == "https://example.com/os.ova?sha256="


def test_what_cannot_be_checked_gets_no_compressed_checksum() -> None:
    with pytest.raises(InputError, match=r"^artifact https://example\.com/os has no sha256 checksum$"):
        url_with_compressed_sha256(_artifact("https://example.com/os", served=""))


def test_a_query_that_is_there_stays_sorted_as_go_writes_it() -> None:
    artifact = _artifact("https://example.com/os?z=1&sha256=old&a=x%20y")
    assert url_with_sha256(artifact) == f"https://example.com/os?a=x+y&sha256={PLAIN}&z=1"


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="failed to parse artifact URL"):
        url_with_sha256(_artifact("https://[::1/os"))


@given(st.dictionaries(st.sampled_from(["qcow2.gz", "iso", "pxe"]), st.booleans()))
def test_only_disk_answers_exactly_where_there_is_one(formats: dict[str, bool]) -> None:
    tree: Tree = {"formats": {name: {"disk" if has else "kernel": DISK} for name, has in formats.items()}}
    platform = decode(tree, PlatformArtifacts, subject="platform")
    if sum(formats.values()) == 1:
        assert only_disk(platform).sha256 == SERVED
    else:
        with pytest.raises((NotFoundError, InputError), match=r"artifacts? found"):
            only_disk(platform)
