"""Stream and marketplace files: byte for byte through, tolerant where real files are odd, exact about what is wrong."""

from pathlib import Path

import pytest

from penstock.formats.stream import iso_sha256, parse_marketplace, parse_stream, parse_stream_document, write_stream_document
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.record import given
from penstock.model.stream import Stream

SHA256 = "4a" * 32
STREAM = f"""{{
    "stream": "rhel-9",
    "metadata": {{
        "last-modified": "2026-01-02T03:04:05Z"
    }},
    "architectures": {{
        "aarch64": {{
            "images": {{}}
        }},
        "x86_64": {{
            "artifacts": {{
                "metal": {{
                    "release": "9.8.20260428-0",
                    "formats": {{
                        "4k.raw.gz": {{}},
                        "iso": {{
                            "disk": {{
                                "location": "https://mirror.example/a/rhcos-9.8.20260428-0-live-iso.x86_64.iso?x=1",
                                "sha256": "{SHA256}"
                            }}
                        }},
                        "pxe": {{
                            "kernel": null
                        }}
                    }}
                }}
            }},
            "images": {{
                "gcp": {{
                    "project": "rhcos-cloud",
                    "name": "rhcos-9"
                }},
                "newcloud": {{
                    "z": 1,
                    "a": 2
                }}
            }},
            "rhel-coreos-extensions": {{
                "azure-disk": {{}},
                "marketplace": {{
                    "azure": {{
                        "no-purchase-plan": {{}}
                    }}
                }}
            }}
        }}
    }},
    "updates": {{
        "release": "1.0"
    }}
}}
""".encode()
MARKETPLACE = b"""{
    "x86_64": {
        "azure": {
            "no-purchase-plan": {
                "hyperVGen2": {
                    "publisher": "azureopenshift",
                    "offer": "aro4",
                    "sku": "417-v2",
                    "version": "417.94.20240701",
                    "thirdParty": false
                }
            }
        }
    }
}
"""


def refused(content: bytes) -> InputError:
    with pytest.raises(InputError) as caught:
        parse_stream_document(content, subject="a.json")
    return caught.value


@pytest.mark.parametrize("content", [STREAM, MARKETPLACE], ids=["stream", "marketplace"])
def test_a_canonical_file_comes_out_as_it_went_in(content: bytes) -> None:
    assert write_stream_document(parse_stream_document(content, subject="a.json"), like=content) == content


@pytest.mark.real_data
@pytest.mark.parametrize("pattern", ["installer/*.json", "marketplace/*.json", "fcos/stream-*.json"])
def test_every_published_file_comes_out_as_it_went_in(real_data: Path, pattern: str) -> None:
    files = sorted((real_data / "streams").glob(pattern))
    assert files
    for file in files:
        content = file.read_bytes()
        assert write_stream_document(parse_stream_document(content, subject=file.name), like=content) == content, file.name


def test_keys_out_of_order_are_put_into_the_order_of_the_library() -> None:
    content = b'{"architectures":{"s390x":{"images":{}},"aarch64":{"images":{},"artifacts":{}}},"note":1,"metadata":{},"stream":"a"}'
    assert write_stream_document(parse_stream(content, subject="a"), like=content) == (
        b'{"stream":"a","metadata":{},"architectures":{"aarch64":{"artifacts":{},"images":{}},"s390x":{"images":{}}},"note":1}'
    )


def test_plans_and_clouds_have_the_order_of_the_library_and_not_of_the_alphabet() -> None:
    image = b'{"publisher":"p","offer":"o","sku":"s","version":"1.2.3","purchasePlan":true}'
    both = b'{"hyperVGen2":%s,"hyperVGen1":%s}' % (image, image)
    content = b'{"x86_64":{"azure":{"oke":{},"ocp-emea":{},"ocp":%s,"no-purchase-plan":{}}}}' % both
    in_order = b'{"hyperVGen1":%s,"hyperVGen2":%s}' % (image, image)
    assert write_stream_document(parse_marketplace(content, subject="a"), like=content) == (
        b'{"x86_64":{"azure":{"no-purchase-plan":{},"ocp":%s,"oke":{},"ocp-emea":{}}}}' % in_order
    )


def test_a_marketplace_image_has_a_urn() -> None:
    azure = given(parse_marketplace(MARKETPLACE, subject="a")["x86_64"].azure)
    plan = given(azure.no_purchase_plan) if azure else None
    image = given(plan.hyper_v_gen2) if plan else None
    assert image is not None
    assert image.urn == "azureopenshift:aro4:417-v2:417.94.20240701"


@pytest.mark.parametrize(
    ("old", "new", "place", "problem"),
    [
        (b'"9.8.20260428-0"', b"9.8", "line 13, column 32, at $.architectures.x86_64.artifacts.metal.release", "a number stands here"),
        (b'"sha256"', b'"sha265"', "line 17, column 37, at $.architectures.x86_64.artifacts.metal.formats.iso.disk", "'sha256' is missing"),
        (b'"stream": "rhel-9",', b'"stream": "rhel-9", "stream": "rhel-9",', "line 2, column 25, at $.stream", "repeated"),
        (b'"architectures"', b'"architecture"', "line 1, column 1", "the key 'architectures' is missing"),
        (b'"rhcos-cloud",', b'"rhcos-cloud"', "line 31, column 21", "',' or '}'"),
    ],
    ids=["type", "missing", "repeated", "top", "syntax"],
)
def test_a_broken_stream_is_refused_with_line_and_path(old: bytes, new: bytes, place: str, problem: str) -> None:
    error = refused(STREAM.replace(old, new, 1))
    assert error.subject == "a.json"
    assert place in error.message
    assert problem in error.message


@pytest.mark.parametrize("content", [b"[]", b"{}", b"1", b'{"name": "rhcos", "images": {}}'])
def test_another_document_is_refused_by_name(content: bytes) -> None:
    assert "no stream document, no marketplace file" in refused(content).message


def test_a_stream_is_no_marketplace_file() -> None:
    with pytest.raises(InputError, match="not a marketplace file"):
        parse_marketplace(STREAM, subject="a")


RELEASE = b'{"release": "44.1", "stream": "stable", "metadata": {}, "architectures": {"x86_64": {"media": {}}}}'
INDEX = b'{"releases": [{"version": "44.1", "metadata": "https://builds.example/release.json"}], "metadata": {}, "stream": "stable"}'


def test_a_release_does_not_pass_for_a_stream_without_files() -> None:
    error = refused(RELEASE)
    assert "this is a release (release.json), no stream" in error.message
    assert "--release-json" in error.hint
    with pytest.raises(InputError, match=r"release\.json"):
        parse_stream(RELEASE, subject="a")


def test_an_index_of_releases_does_not_pass_for_update_metadata() -> None:
    error = refused(INDEX)
    assert "this is an index of releases (releases.json)" in error.message
    assert "--index" in error.hint


def test_a_truncated_stream_is_refused_at_every_byte() -> None:
    for length in range(len(STREAM.rstrip())):
        refused(STREAM[:length])


def test_the_iso_of_an_architecture_is_found_with_its_name() -> None:
    stream = parse_stream(STREAM, subject="a")
    assert iso_sha256(stream, Arch.X86_64) == (Digest("sha256", SHA256), "rhcos-9.8.20260428-0-live-iso.x86_64.iso")
    assert iso_sha256(stream, Arch.AARCH64) is None
    assert iso_sha256(stream, Arch.S390X) is None


@pytest.mark.real_data
def test_a_published_stream_knows_its_isos(real_data: Path) -> None:
    content = (real_data / "streams/installer/rhcos-28ce2c4d65.json").read_bytes()
    found = iso_sha256(parse_stream(content, subject="a"), Arch.PPC64LE)
    assert found is not None
    assert found[1] == "rhcos-9.6.20250826-1-live-iso.ppc64le.iso"
    assert found[0].hex.encode() in content


def test_streams_that_say_the_same_are_equal() -> None:
    assert parse_stream(STREAM, subject="a") == parse_stream(b" " + STREAM, subject="b")
    assert isinstance(parse_stream_document(STREAM, subject="a"), Stream)
