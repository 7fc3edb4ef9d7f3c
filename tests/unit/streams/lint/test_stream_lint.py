"""The lint of streams: each rule says its sentence about its own fault, and nothing else is said."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

Tree = dict[str, Any]
Said = Callable[..., list[str]]
SHA256 = "ab" * 32
OTHER_SHA256 = "cd" * 32


def _disk(stream: Tree, arch: str, platform: str, format_name: str) -> Tree:
    found: Tree = stream["architectures"][arch]["artifacts"][platform]["formats"][format_name]["disk"]
    return found


def _replaced(tree: Tree, old: str, new: str) -> Tree:
    made: Tree = json.loads(json.dumps(tree).replace(old, new))
    return made


def test_a_sound_stream_has_no_findings(said: Said, stream: Tree) -> None:
    assert said(stream) == []


# --- the name and the builds


@pytest.mark.parametrize(
    ("name", "release", "level", "message"),
    [
        ("rhcos-4.16", "418.94.202410090804-0", "warning", "has builds of OpenShift 4.18"),
        ("rhcos-4.21", "9.8.20260428-0", "warning", "has builds of RHEL 9.8, which OpenShift 4.22 and 5.0 boot"),
        ("rhcos-4.22", "10.2.20260423-0", "warning", "has builds of RHEL 10.2, which OpenShift 5.0 boots"),
        ("rhel-9.8", "9.6.20250826-1", "warning", "has builds of RHEL 9.6"),
        ("rhel-9", "10.2.20260423-0", "error", "has builds of RHEL 10.2"),
        ("rhel-10.2", "418.94.202410090804-0", "error", "has builds of RHEL 9.4"),
        ("c10s", "9.0.20250510-0", "error", "has builds of RHEL 9.0"),
    ],
)
def test_a_name_that_promises_other_builds_is_told(said: Said, name: str, release: str, level: str, message: str) -> None:
    tree = {"stream": name, "metadata": {"last-modified": "2026-01-01T00:00:00Z"}, "architectures": {"s390x": _qemu(release)}}
    assert f"{level} name-content $.stream: the stream is called {name}, and {message}" in said(tree)


@pytest.mark.parametrize(
    ("name", "release"),
    [
        ("rhcos-4.18", "418.94.202410090804-0"),
        ("rhcos-4.20", "9.6.20250826-1"),
        ("rhcos-5.0", "10.2.20260423-0"),
        ("rhel-10", "10.2.20260423-0"),
        ("c9s", "9.0.20250510-0"),
        ("rhcos-4.99", "9.6.20250826-1"),
        ("my-own", "9.6.20250826-1"),
        ("stable", "44.20260707.3.1"),
    ],
)
def test_a_name_that_fits_or_tells_nothing_is_not_told(said: Said, name: str, release: str) -> None:
    tree = {"stream": name, "architectures": {"s390x": _qemu(release)}}
    assert not [line for line in said(tree) if "name-content" in line]


def test_a_stable_stream_with_testing_builds_is_an_error(said: Said) -> None:
    lines = said({"stream": "stable", "architectures": {"s390x": _qemu("44.20260707.2.0")}})
    assert "error name-content $.stream: the stream is called stable, and 44.20260707.2.0 is of testing" in lines


def _qemu(release: str, generator: str = "fedora-coreos") -> Tree:
    location = f"https://example.com/{generator}-{release}-qemu.s390x.qcow2.xz"
    disk = {"location": location, "sha256": SHA256, "uncompressed-sha256": OTHER_SHA256}
    return {"artifacts": {"qemu": {"release": release, "formats": {"qcow2.xz": {"disk": disk}}}}, "images": {}}


def test_several_releases_in_one_architecture_are_told_with_who_has_them(said: Said, stream: Tree) -> None:
    stream["architectures"]["x86_64"]["images"]["aws"]["regions"]["us-east-1"]["release"] = "9.6.20250901-0"
    assert said(stream) == [
        (
            "warning mixed-releases $.architectures.x86_64: the architecture has 2 releases: "
            "9.6.20250826-1 (aws, azure, azure-disk, 5 more, aws in eu-west-1); 9.6.20250901-0 (aws in us-east-1)"
        ),
        (
            "warning mixed-architectures $.architectures: the architectures have different releases: "
            "aarch64 and ppc64le 9.6.20250826-1; x86_64 9.6.20250826-1, 9.6.20250901-0"
        ),
    ]


def test_different_releases_of_the_architectures_are_told(said: Said, stream: Tree) -> None:
    arm = _replaced(_replaced(stream["architectures"]["aarch64"], "20250826-1", "20250827-0"), "20250826", "20250827")
    stream["architectures"]["aarch64"] = arm
    assert said(stream) == [
        (
            "warning mixed-architectures $.architectures: the architectures have different releases: "
            "aarch64 9.6.20250827-0; ppc64le and x86_64 9.6.20250826-1"
        )
    ]


def test_a_release_that_is_no_version_is_told_once(said: Said, stream: Tree) -> None:
    lines = said(_replaced(stream, "9.6.20250826-1", "9.6.20251399-1"))
    assert [line for line in lines if "release-version" in line] == [
        "warning release-version $.architectures.aarch64.artifacts.aws.release: '9.6.20251399-1' is no version of CoreOS"
    ]


@pytest.mark.parametrize("release", [None, ""])
def test_a_platform_without_a_release_is_an_error_because_readers_do_not_find_it(said: Said, stream: Tree, release: str | None) -> None:
    stream["architectures"]["x86_64"]["artifacts"]["vmware"]["release"] = release
    assert said(stream) == [
        "error release-missing $.architectures.x86_64.artifacts.vmware: the platform has files and no release; readers do not find it"
    ]


@pytest.mark.parametrize(
    ("release", "finding"),
    [
        ("44.20260707.3.1", "error generator-dirty $.metadata.generator: the generator had changes that were not committed; Fedora"),
        ("9.6.20250826-1", "warning generator-dirty $.metadata.generator: the generator had changes that were not committed"),
    ],
)
def test_a_dirty_generator_is_an_error_for_fedora_alone(said: Said, release: str, finding: str) -> None:
    metadata = {"last-modified": "2026-01-01T00:00:00Z", "generator": "stream-generator v0.2.19-dirty"}
    lines = said({"stream": "x", "metadata": metadata, "architectures": {"s390x": _qemu(release)}})
    assert [line for line in lines if line.startswith(finding)]


@pytest.mark.parametrize(
    ("moment", "level"), [(None, "warning"), ("", "warning"), ("2025-08-27T14:08:04+02:00", "warning"), ("yesterday", "error")]
)
def test_the_moment_of_the_document_is_looked_at(said: Said, stream: Tree, moment: str | None, level: str) -> None:
    stream["metadata"]["last-modified"] = moment
    (line,) = said(stream)
    assert line.startswith(f"{level} last-modified $.metadata.last-modified: ")


def test_gos_names_of_architectures_are_an_error_and_new_ones_a_warning(said: Said, stream: Tree) -> None:
    stream["architectures"]["amd64"] = {"images": {}}
    stream["architectures"]["riscv64"] = {"images": {}}
    assert said(stream) == [
        "error architecture-name $.architectures.amd64: amd64 is Go's name; readers look for RPM's, x86_64",
        "warning architecture-name $.architectures.riscv64: riscv64 is no architecture that CoreOS is built for",
    ]


# --- files


def _file_fault(said: Said, stream: Tree, disk: Tree, old: str, new: str) -> list[str]:
    disk["location"] = disk["location"].replace(old, new)
    return [line.partition(": ")[0].partition(" $")[0] for line in said(stream)]


@pytest.mark.parametrize(
    ("platform", "format_name", "old", "new", "rules"),
    [
        ("aws", "vmdk.gz", ".x86_64.", ".aarch64.", ["error file-arch"]),
        ("aws", "vmdk.gz", "rhcos-9.6.20250826-1", "rhcos-9.6.20250827-0", ["error file-release"]),
        ("aws", "vmdk.gz", "20250826-1-aws", "20250826-10-aws", ["error file-release"]),
        ("aws", "vmdk.gz", "-aws.", "-azure.", ["error file-platform"]),
        ("aws", "vmdk.gz", "vmdk.gz", "vhd.gz", ["error file-format"]),
        ("metal", "raw.gz", "-metal.", "-metal4k.", ["error file-platform"]),
        ("metal", "4k.raw.gz", "-metal4k.", "-metal.", ["error file-platform"]),
        ("metal", "iso", "-live-iso.", "-live.", []),
        ("aws", "vmdk.gz", "rhcos-9.6.20250826-1-aws.x86_64.vmdk.gz", "disk.vmdk.gz", []),
        ("aws", "vmdk.gz", "https://example.com", "ftp://example.com", ["error location"]),
        ("aws", "vmdk.gz", "https://example.com/9.6.20250826-1/x86_64/", "", ["error location"]),
    ],
)
def test_a_file_whose_name_tells_of_another_file_is_an_error(  # noqa: PLR0917  # the columns of a table
    said: Said, stream: Tree, platform: str, format_name: str, old: str, new: str, rules: list[str]
) -> None:
    assert _file_fault(said, stream, _disk(stream, "x86_64", platform, format_name), old, new) == rules


def test_the_secure_execution_image_of_413_stood_under_qemu(said: Said) -> None:
    entry = _qemu("413.86.202301191042-0", "rhcos")
    disk = entry["artifacts"]["qemu"]["formats"].pop("qcow2.xz")["disk"]
    disk["location"] = "https://example.com/rhcos-413.86.202301191042-0-qemu-secex.s390x.qcow2.gz"
    entry["artifacts"]["qemu"]["formats"]["secex.qcow2.gz"] = {"disk": disk}
    assert not [line for line in said({"stream": "s", "architectures": {"s390x": entry}}) if "file-" in line]


def test_the_vhd_of_azure_is_looked_at_like_a_file(said: Said, stream: Tree) -> None:
    disk = stream["architectures"]["x86_64"]["rhel-coreos-extensions"]["azure-disk"]
    disk["url"] = disk["url"].replace("x86_64", "aarch64")
    (line,) = said(stream)
    assert line.startswith("error file-arch $.architectures.x86_64.rhel-coreos-extensions.azure-disk.url: ")


@pytest.mark.parametrize("wrong", ["", "abc", "AB" * 32, "g" * 64, SHA256 + "0"])
def test_a_checksum_of_another_form_is_an_error(said: Said, stream: Tree, wrong: str) -> None:
    _disk(stream, "x86_64", "vmware", "ova")["sha256"] = wrong
    (line,) = said(stream)
    assert line.startswith("error sha256-form $.architectures.x86_64.artifacts.vmware.formats.ova.disk.sha256: ")


def test_one_checksum_for_two_files_is_an_error(said: Said, stream: Tree) -> None:
    ova, raw = _disk(stream, "x86_64", "vmware", "ova"), _disk(stream, "aarch64", "metal", "raw.gz")
    ova["sha256"] = raw["sha256"]
    assert said(stream) == [
        (
            "error sha256-shared $.architectures.x86_64.artifacts.vmware.formats.ova.disk.sha256: "
            "the checksum is that of another file too, rhcos-9.6.20250826-1-metal.aarch64.raw.gz"
        )
    ]


def test_the_kernels_of_installer_and_live_system_may_be_one(said: Said, stream: Tree) -> None:
    formats = stream["architectures"]["x86_64"]["artifacts"]["metal"]["formats"]
    kernel = copy.deepcopy(formats["pxe"]["kernel"])
    kernel["location"] = kernel["location"].replace("live-kernel", "installer-kernel")
    formats["installer-pxe"] = {"kernel": kernel}
    assert said(stream) == []


def test_a_compressed_file_without_the_checksum_of_its_content_is_an_error(said: Said, stream: Tree) -> None:
    del _disk(stream, "x86_64", "aws", "vmdk.gz")["uncompressed-sha256"]
    assert said(stream) == [
        (
            'error uncompressed-sha256 $.architectures.x86_64.artifacts.aws.formats["vmdk.gz"].disk.uncompressed-sha256: '
            "vmdk.gz is compressed, and the checksum of its content is missing"
        )
    ]


def test_a_file_and_its_content_cannot_have_one_checksum(said: Said, stream: Tree) -> None:
    disk = _disk(stream, "x86_64", "aws", "vmdk.gz")
    disk["uncompressed-sha256"] = disk["sha256"]
    (line,) = said(stream)
    assert line.endswith("the file and its content cannot have one checksum")


def test_a_checksum_of_the_content_of_an_uncompressed_file_is_told(said: Said, stream: Tree) -> None:
    disk = _disk(stream, "x86_64", "vmware", "ova")
    disk["uncompressed-sha256"] = disk["sha256"]
    assert [line.split(" $")[0] for line in said(stream)] == ["warning uncompressed-sha256"]
    disk["uncompressed-sha256"] = SHA256
    assert [line.split(" $")[0] for line in said(stream)] == ["error uncompressed-sha256"]


def test_archives_may_have_the_checksum_of_their_content_or_not(said: Said, stream: Tree) -> None:
    _disk(stream, "x86_64", "gcp", "tar.gz")["uncompressed-sha256"] = SHA256
    assert said(stream) == []


def test_a_file_without_a_signature_among_signed_ones_is_told(said: Said, stream: Tree) -> None:
    signed = _disk(stream, "x86_64", "vmware", "ova")
    signed["signature"] = signed["location"] + ".sig"
    lines = said(stream)
    assert len(lines) > 10
    assert all(line.startswith("warning signature-missing $.architectures.") for line in lines)
    assert not [line for line in lines if "vmware" in line]
