"""Builds to a release: what goes where, and what cannot be of one release."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.codec import decode, to_tree
from penstock.model.build import Build
from penstock.model.coreos_release import CoreosRelease
from penstock.model.errors import InputError, VerificationError
from penstock.streams.generate.builds_to_release import united, unknown_files

MakeBuild = Callable[..., Build]
MakeRelease = Callable[..., CoreosRelease]
FOLDER = "https://builds.example/streams/rhel-9.6/builds/9.6.20250826-1/x86_64"


def image(path: str, content: str = "a", **more: str) -> dict[str, str]:
    return {"path": path, "sha256": content * 64, **more}


def arch_tree(release: CoreosRelease, arch: str = "x86_64") -> Any:  # noqa: ANN401  # plain JSON
    return to_tree(release.architectures[arch])


def test_a_disk_is_told_with_address_signature_and_both_hashes(build: MakeBuild, release: MakeRelease) -> None:
    made = build(images={"qemu": image("rhcos-9.6.20250826-1-qemu.x86_64.qcow2.gz", **{"uncompressed-sha256": "b" * 64})})

    assert arch_tree(release(made, signatures=True))["media"]["qemu"] == {
        "artifacts": {
            "qcow2.gz": {
                "disk": {
                    "location": f"{FOLDER}/rhcos-9.6.20250826-1-qemu.x86_64.qcow2.gz",
                    "signature": f"{FOLDER}/rhcos-9.6.20250826-1-qemu.x86_64.qcow2.gz.sig",
                    "sha256": "a" * 64,
                    "uncompressed-sha256": "b" * 64,
                }
            }
        }
    }


def test_without_signatures_the_key_stays_and_is_empty(build: MakeBuild, release: MakeRelease) -> None:
    made = release(build(images={"vmware": image("r-vmware.x86_64.ova")}))

    assert arch_tree(made)["media"]["vmware"]["artifacts"]["ova"]["disk"]["signature"] == ""


def test_bare_metal_has_its_formats_under_one_platform(build: MakeBuild, release: MakeRelease) -> None:
    files = {
        "metal": "r-metal.x86_64.raw.gz",
        "metal4k": "r-metal4k.x86_64.raw.gz",
        "live-iso": "r-live-iso.x86_64.iso",
        "live-kernel": "r-live-kernel.x86_64",
        "live-initramfs": "r-live-initramfs.x86_64.img",
        "live-rootfs": "r-live-rootfs.x86_64.img",
        "iso": "r-installer.x86_64.iso",
        "kernel": "r-installer-kernel-x86_64",
        "initramfs": "r-installer-initramfs.x86_64.img",
    }
    made = release(build(images={kind: image(path) for kind, path in files.items()}))

    formats = arch_tree(made)["media"]["metal"]["artifacts"]
    assert {name: list(parts) for name, parts in formats.items()} == {
        "4k.raw.gz": ["disk"],
        "installer-pxe": ["kernel", "initramfs"],
        "installer.iso": ["disk"],
        "iso": ["disk"],
        "pxe": ["kernel", "initramfs", "rootfs"],
        "raw.gz": ["disk"],
    }


def test_metal_is_told_also_where_a_build_has_none(build: MakeBuild, release: MakeRelease) -> None:
    assert arch_tree(release(build()))["media"] == {"metal": {"artifacts": {}}}


def test_clouds_are_told_by_region_with_what_each_needs(build: MakeBuild, release: MakeRelease) -> None:
    made = build(
        amis=[{"name": "us-east-1", "hvm": "ami-1", "snapshot": "snap-1"}],
        aliyun=[{"name": "us-west-1", "id": "m-1"}],
        powervs=[{"region": "lon", "object": "o", "bucket": "b", "url": "u"}],
        ibmcloud=[{"region": "us", "object": "o", "bucket": "b", "url": "u"}],
        gcp={"image": "rhcos-1", "url": "https://private.example/1", "project": "rhcos-cloud"},
        azure={"url": "https://blob.example/1.vhd", "image": "1.vhd"},
        more={"aws-winli": [{"name": "us-east-1", "hvm": "ami-2", "snapshot": "snap-2"}]},
    )

    tree = arch_tree(release(made))
    assert tree["media"] == {
        "aliyun": {"images": {"us-west-1": {"image": "m-1"}}},
        "aws": {"images": {"us-east-1": {"image": "ami-1"}}},
        "gcp": {"image": {"project": "rhcos-cloud", "name": "rhcos-1"}},
        "ibmcloud": {"images": {"us": {"object": "o", "bucket": "b", "url": "u"}}},
        "metal": {"artifacts": {}},
        "powervs": {"images": {"lon": {"object": "o", "bucket": "b", "url": "u"}}},
    }
    assert tree["rhel-coreos-extensions"] == {
        "aws-winli": {"images": {"us-east-1": {"image": "ami-2"}}},
        "azure-disk": {"url": "https://blob.example/1.vhd"},
    }


def test_a_container_image_is_told_by_its_moving_tag_and_pinned(build: MakeBuild, release: MakeRelease) -> None:
    container = {"image": "quay.example/os", "digest": "sha256:1", "tags": ["rhel-9.6", "9.6.20250826-1", "9.6.20250826-1-x86_64"]}
    tree = arch_tree(release(build(kubevirt=container, more={"base-oscontainer": container})))

    pullspecs = {"image": "quay.example/os:rhel-9.6", "digest-ref": "quay.example/os@sha256:1"}
    assert (tree["oci-image"], tree["media"]["kubevirt"]["image"]) == (pullspecs, pullspecs)


@pytest.mark.parametrize("tags", [["9.6.20250826-1"], ["a", "b"], []])
def test_no_moving_tag_or_several_are_an_error(build: MakeBuild, release: MakeRelease, tags: list[str]) -> None:
    with pytest.raises(InputError, match="one tag of the image must be without the build's id"):
        release(build(kubevirt={"image": "quay.example/os", "digest": "sha256:1", "tags": tags}))


def test_a_build_that_was_imported_has_no_commit(build: MakeBuild, release: MakeRelease) -> None:
    assert arch_tree(release(build()))["commit"] == "c" * 64
    assert "commit" not in arch_tree(release(build(more={"coreos-assembler.oci-imported": True})))


def test_a_file_whose_name_tells_no_format_is_an_error(build: MakeBuild, release: MakeRelease) -> None:
    with pytest.raises(InputError, match="which does not tell its format"):
        release(build(images={"qemu": image("disk.img")}))


def test_files_that_are_no_boot_images_are_left_out_and_unknown_ones_are_named(build: MakeBuild, release: MakeRelease) -> None:
    made = build(images={"ostree": image("r-ostree.x86_64.tar"), "newcloud": image("r-newcloud.x86_64.raw")})

    assert arch_tree(release(made))["media"] == {"metal": {"artifacts": {}}}
    assert unknown_files(made) == ["newcloud"]


def test_the_key_of_secure_execution_stands_beside_its_disk(build: MakeBuild, release: MakeRelease) -> None:
    files = {"qemu-secex": image("r-qemu-secex.s390x.qcow2.gz"), "ignition-gpg-key": image("r-ignition-secex-key.gpg.pub")}
    media = arch_tree(release(build(arch="s390x", images=files)), "s390x")["media"]

    assert list(media["qemu-secex"]) == ["artifacts", "ignition-gpg-key"]


def test_a_second_architecture_is_added_and_unknown_keys_stay(build: MakeBuild, release: MakeRelease) -> None:
    old: Any = to_tree(release(build()))
    old |= {"note": "kept"}
    old["architectures"]["x86_64"]["media"]["metal"]["mark"] = 1
    both = united([decode(old, CoreosRelease, subject="r"), release(build(arch="aarch64"))], subject="release.json")

    tree: Any = to_tree(both)
    assert list(tree["architectures"]) == ["aarch64", "x86_64"]
    assert tree["note"] == "kept"
    assert tree["architectures"]["x86_64"]["media"]["metal"] == {"artifacts": {}, "mark": 1}


def test_what_comes_later_for_an_architecture_is_added(build: MakeBuild, release: MakeRelease) -> None:
    """Upstream calls an AMI that was copied after the first run a difference."""
    first = release(build(amis=[{"name": "us-east-1", "hvm": "ami-1"}]))
    later = release(build(amis=[{"name": "us-west-1", "hvm": "ami-2"}], images={"metal": image("r-metal.x86_64.raw.gz")}))

    media = arch_tree(united([first, later], subject="release.json"))["media"]
    assert sorted(media["aws"]["images"]) == ["us-east-1", "us-west-1"]
    assert list(media["metal"]["artifacts"]) == ["raw.gz"]


def test_differing_content_for_the_same_media_is_an_error_that_names_the_place(build: MakeBuild, release: MakeRelease) -> None:
    one, other = (release(build(images={"qemu": image("r-qemu.x86_64.qcow2.gz", content)})) for content in "ab")

    with pytest.raises(VerificationError, match=r"differing content for \$\.architectures\.x86_64\.media\.qemu.*sha256") as found:
        united([one, other], subject="release.json")
    assert found.value.subject == "release.json"


@pytest.mark.parametrize(("change", "what"), [({"build": "9.6.20250827-0"}, "release"), ({"stream": "rhel-9.8"}, "stream")])
def test_another_release_or_stream_does_not_go_in(build: MakeBuild, release: MakeRelease, change: dict[str, str], what: str) -> None:
    other = release(build(change.get("build", "9.6.20250826-1")), stream=change.get("stream", "rhel-9.6"))
    with pytest.raises(InputError, match=f"the {what} is"):
        united([release(build()), other], subject="release.json")


PARTS = st.dictionaries(st.sampled_from(["qemu", "aws", "metal"]), st.sampled_from(["raw.gz", "qcow2.gz"]), max_size=3)


def small(parts: dict[str, str], arch: str) -> CoreosRelease:
    media = {platform: {"artifacts": {name: {"disk": {"location": "l", "sha256": name}}}} for platform, name in parts.items()}
    return decode({"release": "r", "stream": "s", "architectures": {arch: {"media": media}}}, CoreosRelease, subject="r")


@given(PARTS, PARTS, st.sampled_from(["x86_64", "aarch64"]))
def test_uniting_twice_is_uniting_once_and_order_does_not_matter(one: dict[str, str], two: dict[str, str], arch: str) -> None:
    first, second = small(one, "x86_64"), small(two, arch)
    both = united([first, second], subject="r")

    assert united([both, second, first], subject="r") == both
    assert to_tree(united([second, first], subject="r")) == to_tree(both)
