"""A release to a stream: the rules of upstream's translation, one by one."""

from typing import Any

import pytest

from penstock.formats.codec import decode, to_tree
from penstock.formats.coreos_release import parse_coreos_release, parse_release_index, write_release_document
from penstock.model.coreos_release import CoreosRelease
from penstock.model.stream import StreamMetadata
from penstock.streams.generate.release_to_stream import stream_arch, stream_of_releases

DISK = {"location": "https://e.example/d", "signature": "", "sha256": "a" * 64}


def translated(media: dict[str, Any], **arch: object) -> Any:  # noqa: ANN401  # plain JSON
    tree: Any = {"release": "R", "stream": "s", "architectures": {"x86_64": {"media": media, **arch}}}
    return to_tree(stream_arch(decode(tree, CoreosRelease, subject="r"), "x86_64"))


def test_every_platform_gets_the_release_and_an_empty_signature_is_dropped() -> None:
    tree = translated({"qemu": {"artifacts": {"qcow2.xz": {"disk": DISK | {"uncompressed-sha256": None}}}}, "aws": None})

    assert tree == {
        "artifacts": {
            "qemu": {
                "release": "R",
                "formats": {"qcow2.xz": {"disk": {"location": "https://e.example/d", "sha256": "a" * 64}}},
            }
        },
        "images": {},
    }


def test_images_of_clouds_get_the_release() -> None:
    tree = translated(
        {
            "aliyun": {"images": {"r": {"image": "m-1"}}},
            "aws": {"images": {"r": {"image": "ami-1"}}},
            "gcp": {"image": {"project": "p", "family": "f", "name": "n"}},
            "ibmcloud": {"images": {"r": {"object": "o", "bucket": "b", "url": "u"}}},
            "kubevirt": {"image": {"image": "i:t", "digest-ref": "i@d"}},
            "powervs": {"images": {"r": {"object": "o", "bucket": "b", "url": "u"}}},
        }
    )

    assert tree["images"] == {
        "aliyun": {"regions": {"r": {"release": "R", "image": "m-1"}}},
        "aws": {"regions": {"r": {"release": "R", "image": "ami-1"}}},
        "gcp": {"release": "R", "project": "p", "family": "f", "name": "n"},
        "ibmcloud": {"regions": {"r": {"release": "R", "object": "o", "bucket": "b", "url": "u"}}},
        "kubevirt": {"release": "R", "image": "i:t", "digest-ref": "i@d"},
        "powervs": {"regions": {"r": {"release": "R", "object": "o", "bucket": "b", "url": "u"}}},
    }


def test_regions_that_are_empty_are_left_out() -> None:
    assert translated({"aws": {"images": {}}, "powervs": {"images": {}}})["images"] == {"aws": {}, "powervs": {}}


def test_a_cloud_without_images_is_in_no_images() -> None:
    assert translated({"aws": {"artifacts": {}}, "gcp": {"image": None}})["images"] == {}


EXTENSIONS = {"azure-disk": {"url": "https://b.example/1.vhd"}, "aws-winli": {"images": {"r": {"image": "ami-2"}}}}


@pytest.mark.parametrize(
    ("media", "kept"),
    [
        ({}, {}),
        ({"azure": {}}, {"azure-disk": {"release": "R", "url": "https://b.example/1.vhd"}}),
        ({"aws": {}}, {"aws-winli": {"regions": {"r": {"release": "R", "image": "ami-2"}}}}),
    ],
)
def test_extensions_are_carried_where_their_cloud_has_media(media: dict[str, Any], kept: dict[str, Any]) -> None:
    assert translated(media, **{"rhel-coreos-extensions": EXTENSIONS})["rhel-coreos-extensions"] == kept


def test_a_release_without_extensions_makes_none() -> None:
    assert "rhel-coreos-extensions" not in translated({"azure": {}})


def test_a_platform_that_upstream_does_not_know_is_carried_too() -> None:
    assert list(translated({"newcloud": {"artifacts": {"raw.zst": {"disk": DISK}}}})["artifacts"]) == ["newcloud"]


def test_a_stream_has_each_architecture_of_its_own_release() -> None:
    def one(release: str, arch: str) -> CoreosRelease:
        return decode({"release": release, "stream": "s", "architectures": {arch: {"media": {"metal": {}}}}}, CoreosRelease, subject="r")

    made = stream_of_releases({"x86_64": one("R1", "x86_64"), "aarch64": one("R2", "aarch64")}, name="n", metadata=StreamMetadata())
    tree: Any = to_tree(made)
    assert {arch: found["artifacts"]["metal"]["release"] for arch, found in tree["architectures"].items()} == {
        "x86_64": "R1",
        "aarch64": "R2",
    }


RELEASE = b"""{
  "release": "44.20260707.3.1",
  "stream": "stable",
  "metadata": {
    "last-modified": "2026-07-21T14:07:12Z"
  },
  "architectures": {
    "x86_64": {
      "commit": "00",
      "media": {
        "aliyun": null,
        "metal": {
          "artifacts": {},
          "note": 1
        }
      },
      "more": []
    }
  },
  "unknown": {
    "z": 1,
    "a": 2
  }
}
"""
INDEX = b"""{
    "note": "for people",
    "releases": [
        {
            "commits": [
                {
                    "architecture": "x86_64",
                    "checksum": "00"
                }
            ],
            "version": "44.20260707.3.1",
            "metadata": "https://e.example/release.json",
            "unknown": 1
        }
    ],
    "metadata": {
        "last-modified": "2026-07-21T14:07:12Z"
    },
    "stream": "stable"
}
"""


def test_a_release_is_written_as_it_was_read() -> None:
    assert write_release_document(parse_coreos_release(RELEASE, subject="r"), like=RELEASE) == RELEASE


def test_an_index_is_written_as_it_was_read() -> None:
    assert write_release_document(parse_release_index(INDEX, subject="i"), like=INDEX) == INDEX
