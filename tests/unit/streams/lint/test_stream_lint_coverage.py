"""The lint of what is not there, of update metadata, and how a document is taken for what it is."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.formats.stream import StreamDocumentKind
from penstock.model.errors import InputError
from penstock.streams.lint.checking import CheckedKind, Report, check_document
from penstock.streams.lint.findings import LEVELS, Level, LintRule

Tree = dict[str, Any]
Said = Callable[..., list[str]]


def _heads(lines: list[str]) -> list[str]:
    return [line.split(": ")[0] for line in lines]


# --- holes


@pytest.mark.parametrize(
    ("arch", "platform"),
    [("x86_64", "vmware"), ("x86_64", "metal"), ("aarch64", "aws"), ("ppc64le", "qemu"), ("ppc64le", "powervs")],
)
def test_a_platform_that_published_streams_have_is_missed(said: Said, stream: Tree, arch: str, platform: str) -> None:
    del stream["architectures"][arch]["artifacts"][platform]
    finding = (
        f"warning architecture-hole $.architectures.{arch}.artifacts: {arch} has no files for {platform}, which published streams have"
    )
    assert said(stream) == [finding]


@pytest.mark.parametrize(
    ("format_name", "part", "missing"),
    [("iso", None, "disk for metal iso"), ("pxe", "rootfs", "rootfs for metal pxe"), ("4k.raw.gz", None, "disk for metal 4k.raw")],
)
def test_a_format_of_bare_metal_is_missed(said: Said, stream: Tree, format_name: str, part: str | None, missing: str) -> None:
    formats = stream["architectures"]["x86_64"]["artifacts"]["metal"]["formats"]
    if part is None:
        del formats[format_name]
    else:
        del formats[format_name][part]
    place = "$.architectures.x86_64.artifacts.metal.formats"
    assert said(stream) == [f"warning architecture-hole {place}: x86_64 has no {missing}, which published streams have"]


def test_an_architecture_without_the_vhd_of_azure_is_missed(said: Said, stream: Tree) -> None:
    del stream["architectures"]["aarch64"]["rhel-coreos-extensions"]["azure-disk"]
    assert _heads(said(stream)) == ["warning architecture-hole $.architectures.aarch64.rhel-coreos-extensions"]


def test_fedora_has_no_vhd_of_azure_and_none_is_missed(said: Said) -> None:
    tree = {"stream": "stable", "architectures": {"x86_64": {"artifacts": {"qemu": {"release": "44.20260707.3.1"}}, "images": {}}}}
    assert not [line for line in said(tree) if "azure-disk" in line]


@pytest.mark.parametrize(("arch", "cloud"), [("x86_64", "aws"), ("aarch64", "gcp"), ("ppc64le", "powervs")])
def test_a_file_for_a_cloud_without_an_image_in_it_is_told(said: Said, stream: Tree, arch: str, cloud: str) -> None:
    del stream["architectures"][arch]["images"][cloud]
    finding = f"warning image-hole $.architectures.{arch}.images: {arch} has a file for {cloud}, and no image in it"
    assert said(stream) == [finding]


def test_images_of_aws_without_the_region_that_is_copied_from_are_told(said: Said, stream: Tree) -> None:
    del stream["architectures"]["x86_64"]["images"]["aws"]["regions"]["us-east-1"]
    assert _heads(said(stream)) == ["warning image-hole $.architectures.x86_64.images.aws.regions"]


# --- losses


def test_a_document_loses_nothing_against_itself(said: Said, stream: Tree, marketplace: Tree) -> None:
    assert said(stream, previous=stream) == []
    assert said(marketplace, previous=marketplace) == []


def test_gains_are_no_losses(said: Said, stream: Tree) -> None:
    previous = copy.deepcopy(stream)
    del previous["architectures"]["ppc64le"]
    del previous["architectures"]["x86_64"]["images"]["aws"]["regions"]["eu-west-1"]
    assert said(stream, previous=previous) == []


def test_regions_that_got_lost_are_named(said: Said, stream: Tree) -> None:
    """Machines in a region that got lost are never updated again."""
    previous = copy.deepcopy(stream)
    x86_64 = previous["architectures"]["x86_64"]
    regions = x86_64["images"]["aws"]["regions"]
    regions["us-gov-east-1"] = regions["ap-east-1"] = regions["us-east-1"]
    winli = {"regions": {"us-east-1": {"release": "9.6.20250826-1", "image": "ami-0123456789abcdef0"}}}
    x86_64["rhel-coreos-extensions"]["aws-winli"] = winli
    stream["architectures"]["x86_64"]["rhel-coreos-extensions"]["aws-winli"] = {"regions": {"us-east-2": winli["regions"]["us-east-1"]}}
    assert said(stream, previous=previous) == [
        (
            "error region-lost $.architectures.x86_64.images.aws.regions: 2 regions of the previous document are missing: "
            "ap-east-1, us-gov-east-1"
        ),
        (
            "error region-lost $.architectures.x86_64.rhel-coreos-extensions.aws-winli.regions: "
            "a region of the previous document is missing: us-east-1"
        ),
    ]


@pytest.mark.parametrize(
    ("path", "heads"),
    [
        (("ppc64le",), ["error architecture-lost $.architectures"]),
        (("ppc64le", "artifacts", "powervs"), ["error platform-lost $.architectures.ppc64le.artifacts"]),
        (("x86_64", "artifacts", "vmware", "formats", "ova"), ["error format-lost $.architectures.x86_64.artifacts.vmware.formats"]),
        (("x86_64", "images", "gcp"), ["error image-lost $.architectures.x86_64.images"]),
        (("x86_64", "rhel-coreos-extensions", "azure-disk"), ["error image-lost $.architectures.x86_64.rhel-coreos-extensions"]),
        (
            ("aarch64", "rhel-coreos-extensions", "marketplace"),
            ["error marketplace-lost $.architectures.aarch64.rhel-coreos-extensions.marketplace"],
        ),
    ],
)
def test_what_got_lost_is_an_error(said: Said, stream: Tree, path: tuple[str, ...], heads: list[str]) -> None:
    previous = copy.deepcopy(stream)
    holder = stream["architectures"]
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    assert [head for head in _heads(said(stream, previous=previous)) if "-lost" in head] == heads


def test_another_compression_is_a_change_and_no_loss(said: Said, stream: Tree) -> None:
    previous = copy.deepcopy(stream)
    formats = previous["architectures"]["x86_64"]["artifacts"]["qemu"]["formats"]
    formats["qcow2.xz"] = formats.pop("qcow2.gz")
    assert said(stream, previous=previous) == [
        (
            "warning format-changed $.architectures.x86_64.artifacts.qemu.formats: qemu was qcow2.xz, and is qcow2.gz; "
            "readers ask for a format by name"
        )
    ]


def test_marketplace_images_that_got_lost_are_told_one_by_one(said: Said, marketplace: Tree) -> None:
    previous = copy.deepcopy(marketplace)
    previous["x86_64"]["gcp"] = {"ocp": {"project": "redhat-marketplace-public", "name": "redhat-coreos-ocp-413-x86-64-202305021736"}}
    del marketplace["x86_64"]["azure"]["opp-emea"]["hyperVGen2"]
    del marketplace["aarch64"]
    assert said(marketplace, previous=previous) == [
        "error marketplace-lost $.aarch64: the previous document has azure no-purchase-plan hyperVGen2, and this one has not",
        "error marketplace-lost $.x86_64: the previous document has azure opp-emea hyperVGen2, and this one has not",
        "error marketplace-lost $.x86_64: the previous document has gcp ocp, and this one has not",
    ]


def test_since_openshift_5_there_is_no_first_generation_and_that_is_no_loss(said: Said, marketplace: Tree) -> None:
    previous = copy.deepcopy(marketplace)
    plan = marketplace["x86_64"]["azure"]["no-purchase-plan"]
    del plan["hyperVGen1"]
    assert [head for head in _heads(said(marketplace, previous=previous)) if "lost" in head] == ["error marketplace-lost $.x86_64"]
    plan["hyperVGen2"]["sku"] = "aro_5-0_x64_gen2"
    assert said(marketplace, previous=previous) == []


# --- update metadata


def _updates(*releases: Tree) -> Tree:
    return {"stream": "stable", "metadata": {"last-modified": "2026-07-21T14:07:12Z"}, "releases": list(releases)}


def _rollout(version: str, **fields: object) -> Tree:
    return {"version": version, "metadata": {"rollout": fields}}


def test_sound_updates_have_no_findings(said: Said) -> None:
    barrier = {"version": "30.20190716.1", "metadata": {"barrier": {"reason": "https://example.com"}}}
    rollout = _rollout("44.20260707.3.1", duration_minutes=2880, start_epoch=1784728800, start_percentage=0.5)
    assert said(_updates(barrier, rollout)) == []


def test_releases_out_of_order_and_twice_are_told(said: Said) -> None:
    releases = [_rollout(version, start_percentage=1.0) for version in ("38.20230310.1.0", "37.20230303.1.1", "38.20230310.1.0")]
    assert _heads(said(_updates(*releases))) == [
        "error update-order $.releases[2].version",
        "warning update-order $.releases[1].version",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [("start_percentage", 100), ("start_percentage", -0.1), ("duration_minutes", "2880"), ("start_epoch", -1), ("start_epoch", True)],
)
def test_a_rollout_that_cannot_happen_is_an_error(said: Said, name: str, value: object) -> None:
    assert _heads(said(_updates(_rollout("44.20260707.3.1", **{name: value})))) == [f"error rollout $.releases[0].metadata.rollout.{name}"]


def test_a_version_that_is_none_is_told(said: Said) -> None:
    assert _heads(said(_updates({"version": "latest", "metadata": {"deadend": {"reason": "x"}}}))) == [
        "warning release-version $.releases[0].version"
    ]


def test_a_barrier_that_got_lost_is_told(said: Said) -> None:
    barrier = {"version": "43.20260217.3.1", "metadata": {"barrier": {"reason": "https://example.com"}}}
    rollout = _rollout("44.20260707.3.1", start_percentage=1.0)
    assert said(_updates(rollout), previous=_updates(barrier, rollout)) == [
        "warning update-lost $.releases: the previous document has the barrier 43.20260217.3.1, and this one has not"
    ]


# --- which document it is


def _check(tree: object, kind: CheckedKind | None = None) -> Report:
    return check_document(json.dumps(tree, indent=1).encode(), subject="d", kind=kind)


def test_a_document_of_the_wrong_shape_is_a_finding_with_path_and_line() -> None:
    report = _check({"stream": "s", "architectures": {"x86_64": {"artifacts": []}}})
    (placed,) = report.findings
    assert (report.kind, placed.finding.rule, placed.finding.place, placed.line) == (
        CheckedKind.STREAM,
        LintRule.SHAPE,
        "$.architectures.x86_64.artifacts",
        5,
    )
    assert placed.finding.message == "an object or null is wanted, and a list stands here"
    assert not report.passes(strict=False)


def test_what_is_no_json_and_what_is_none_of_the_documents_is_refused() -> None:
    for content in (b"{", b"", b"[]", b'{"a": 1}'):
        with pytest.raises(InputError):
            check_document(content, subject="d")


def test_a_kind_that_is_asked_for_is_not_guessed() -> None:
    report = _check({"release": "44.20260707.3.1"}, kind=CheckedKind.STREAM)
    assert [placed.finding.message for placed in report.findings] == ["the key 'stream' is missing"]


def test_every_kind_that_the_reader_tells_can_be_checked() -> None:
    assert {kind.value for kind in StreamDocumentKind} <= {kind.value for kind in CheckedKind}


def test_a_value_that_is_missing_is_told_at_the_line_of_what_should_hold_it(stream: Tree) -> None:
    del stream["architectures"]["aarch64"]["rhel-coreos-extensions"]
    text = json.dumps(stream, indent=1)
    report = check_document(text.encode(), subject="d")
    (placed,) = report.findings
    assert placed.line is not None
    assert '"aarch64"' in text.splitlines()[placed.line - 1]


def test_strict_counts_warnings() -> None:
    report = _check({"s390x": {}})
    assert report.passes(strict=False)
    assert not report.passes(strict=True)
    assert (report.count(Level.WARNING), report.count(Level.ERROR)) == (2, 0)


def _config_map(stream: Tree, named: dict[str, Tree] | None = None) -> bytes:
    data = {"releaseVersion": "5.0.0", "stream": json.dumps(stream)}
    if named is not None:
        data["streams"] = json.dumps(named)
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "coreos-bootimages"}, "data": data}, indent=1).encode()


def test_the_streams_of_a_config_map_are_checked_each_at_its_place(stream: Tree) -> None:
    odd = {**stream, "note": 1}
    assert check_document(_config_map(stream), subject="c").findings == ()
    report = check_document(_config_map(stream, {"rhel-9": stream, "rhel-10": odd}), subject="c")
    assert report.kind is CheckedKind.CONFIG_MAP
    assert [placed.finding.place for placed in report.findings] == ["$.data.streams.rhel-10.note"]


def test_a_default_stream_that_is_none_of_the_streams_is_told(stream: Tree) -> None:
    report = check_document(_config_map({**stream, "stream": "rhcos-4.21"}, {"rhel-9": stream}), subject="c")
    assert [placed.finding.rule for placed in report.findings] == [LintRule.DEFAULT_STREAM]


def test_the_default_of_a_config_map_of_one_stream_is_what_the_same_stream_among_several_is_compared_with(stream: Tree) -> None:
    more = copy.deepcopy(stream)
    more["architectures"]["x86_64"]["images"]["aws"]["regions"]["mx-central-1"] = {"image": "ami-0123456789abcdef9"}
    report = check_document(_config_map(stream, {"rhel-9": stream}), subject="c", previous=_config_map(more), previous_subject="p")
    assert [(each.finding.rule.value, each.finding.place) for each in report.findings] == [
        ("region-lost", "$.data.streams.rhel-9.architectures.x86_64.images.aws.regions")
    ]


def test_what_is_no_earlier_state_of_the_document_is_refused(stream: Tree, marketplace: Tree) -> None:
    documents = {"stream": json.dumps(stream).encode(), "marketplace": json.dumps(marketplace).encode(), "configmap": _config_map(stream)}
    for kind, content in documents.items():
        for earlier_kind, earlier in documents.items():
            if kind == earlier_kind:
                continue
            with pytest.raises(InputError, match=f"p: this is a document of the kind {earlier_kind}, and .* one of the kind {kind}"):
                check_document(content, subject="c", previous=earlier, previous_subject="p")


def test_a_stream_that_a_config_map_lost_is_an_error(stream: Tree) -> None:
    previous = _config_map(stream, {"rhel-9": stream, "rhel-10": stream})
    report = check_document(_config_map(stream, {"rhel-9": stream}), subject="c", previous=previous, previous_subject="p")
    assert [placed.finding.message for placed in report.findings] == [
        "the previous document has the stream 'rhel-10', and this one has not"
    ]


def test_every_rule_has_a_level() -> None:
    assert set(LEVELS) == set(LintRule)


# --- published files

REAL_WARNINGS = {
    "streams/installer/coreos-rhel-9-98c7275538.json": ["name-content"],
    "streams/installer/rhcos-28ce2c4d65.json": [],
    "streams/installer/rhcos-3d75b33f8b.json": ["name-content"],
    "streams/installer/rhcos-604a5a16e7.json": ["mixed-architectures", "architecture-hole", "architecture-hole", "architecture-hole"],
    "streams/fcos/stream-stable.json": [],
    "streams/fcos/updates-stable.json": [],
    "streams/marketplace/marketplace-coreos-rhel-9-3ed9315bc6.json": [],
    "streams/marketplace/marketplace-rhcos-963ac1dd66.json": [],
    "streams/configmap/4.10-installer-coreos-bootimages.yaml": [
        "name-content",
        "mixed-releases",
        "mixed-architectures",
        "architecture-hole",
        "architecture-hole",
        "architecture-hole",
    ],
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL_WARNINGS)
def test_published_files_have_no_errors_and_these_warnings(real_data: Path, name: str) -> None:
    report = check_document((real_data / name).read_bytes(), subject=name)
    assert report.count(Level.ERROR) == 0
    assert [placed.finding.rule for placed in report.findings] == REAL_WARNINGS[name]


@pytest.mark.real_data
def test_the_regions_that_a_published_stream_lost_are_found(real_data: Path) -> None:
    folder = real_data / "streams/installer"
    now, before = (folder / name for name in ("coreos-rhel-9-98c7275538.json", "rhcos-28ce2c4d65.json"))
    report = check_document(now.read_bytes(), subject="now", previous=before.read_bytes(), previous_subject="before")
    lost = [placed.finding.message for placed in report.findings if placed.finding.rule is LintRule.REGION_LOST]
    assert lost == ["2 regions of the previous document are missing: me-central-1, me-south-1"] * 2
