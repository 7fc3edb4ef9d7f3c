"""``resources.yaml`` and ``staged.yaml`` of staging areas."""

import json
from datetime import date

import pytest

from penstock.formats.everyfault import DocumentFaults
from penstock.formats.staged import derive_build, parse_metadata, parse_resources
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.push.items import (
    AccessEndpointUrl,
    AmiAttributes,
    BillingCodes,
    BootMode,
    BuildInfo,
    GceAttributes,
    ItemKind,
    PushItem,
    ReleaseInfo,
    SecurityGroup,
    SourceListing,
)

RESOURCES = """\
api: v1
resource: CloudImage
type: AMI
description: RHEL for the cloud
boot_mode: hybrid
build: {name: rhel-ec2, version: "9.4", respin: "1"}
release: {date: "20260511", version: "9.4", base_product: null, variant: BaseOS, type: ga}
images:
  - {path: rhel-x86_64.raw.xz, architecture: x86_64, sha256sum: 9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08}
  - {path: rhel-aarch64.raw.xz, architecture: aarch64}
"""

STAGED = """\
header: {version: "0.2"}
payload:
  files:
  - relative_path: starmap/AWS_IMAGES/sap-9.4-2.x86_64.raw
    sha256sum: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    attributes:
      type: hourly
      region: us-east-1
      virtualization: hvm
      volume: gp3
      root_device: /dev/sda1
      boot_mode: uefi
      ena_support: true
      description: null
      billing_codes: {name: Hourly2, codes: [bp-1, bp-2]}
      security_groups: [{from_port: 22, ip_protocol: tcp, ip_ranges: [0.0.0.0/0], to_port: 22}]
      access_endpoint_url: {port: 443, protocol: https}
      release: {product: SAP, date: "2026-05-11", arch: x86_64, respin: 2, version: "9.4", base_product: RHEL, type: ga}
  - relative_path: starmap/FILES/readme.txt
    attributes: {description: a file of another kind}
"""


def _resources(text: str) -> SourceListing:
    return parse_resources(text.encode(), subject="resources.yaml", folder="/stage/starmap/CLOUD_IMAGES/b", destination="starmap")


def _staged(text: str, subject: str = "staged.yaml") -> dict[str, PushItem]:
    return dict(parse_metadata(text.encode(), subject=subject, folder="/stage").items)


def test_every_image_of_a_build_is_an_item_with_what_is_said_of_all() -> None:
    first, second = _resources(RESOURCES).items
    assert first == PushItem(
        name="rhel-x86_64.raw.xz",
        src="/stage/starmap/CLOUD_IMAGES/b/rhel-x86_64.raw.xz",
        build=BuildInfo("rhel-ec2", "9.4", "1"),
        release=ReleaseInfo("rhel", date(2026, 5, 11), "x86_64", 1, "9.4", variant="BaseOS", type="ga"),
        attributes=AmiAttributes(type="AMI"),
        description="RHEL for the cloud",
        boot_mode=BootMode.HYBRID,
        sha256=Digest.of(b"test"),
        origin="/stage/starmap/CLOUD_IMAGES/b",
        dest=("starmap",),
    )
    assert (second.name, second.release.arch, second.sha256) == ("rhel-aarch64.raw.xz", "aarch64", None)


def test_the_version_of_the_build_counts_where_the_release_has_none() -> None:
    listing = _resources(RESOURCES.replace('version: "9.4", base_product', "base_product").replace('version: "9.4"', 'version: "9.5"'))
    assert listing.items[0].release.version == "9.5"


def test_a_name_of_a_build_without_a_dash_is_the_product() -> None:
    assert _resources(RESOURCES.replace("rhel-ec2", "rhcos")).items[0].release.product == "rhcos"


def test_respin_and_date_may_be_numbers() -> None:
    item = _resources(RESOURCES.replace('respin: "1"', "respin: 1").replace('"20260511"', "20260511")).items[0]
    assert (item.build.release, item.release.respin, item.release.date) == ("1", 1, date(2026, 5, 11))


def test_a_vhd_is_an_item_of_azure() -> None:
    item = _resources(RESOURCES.replace("type: AMI", "type: VHD")).items[0]
    assert (item.kind, item.release.type, item.boot_mode) == (ItemKind.VHD, None, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("# nothing\n", "is empty"),
        ("{}\n", "is empty"),
        (RESOURCES.replace("type: AMI", "type: OVA"), "'OVA'"),
        (RESOURCES.replace("rhel-x86_64.raw.xz", "../rhel.raw.xz"), "another folder"),
        (RESOURCES[: RESOURCES.index("images:")], "no image"),
    ],
)
def test_a_folder_that_gives_nothing_is_dropped_with_the_reason(text: str, reason: str) -> None:
    listing = _resources(text)
    assert listing.items == ()
    assert reason in listing.dropped[0].reason


def test_all_wrong_types_of_a_document_are_told_at_once_with_their_lines() -> None:
    wrong = (
        RESOURCES.replace('version: "9.4", respin', "version: 9.4, respin")
        .replace("hybrid", "bios")
        .replace("description: RHEL for", "ena_support: 1 #")
    )
    with pytest.raises(DocumentFaults) as caught:
        _resources(wrong)
    assert [each.path for each in caught.value.faults] == [("ena_support",), ("boot_mode",), ("build", "version")]
    assert "line 6, column" in str(caught.value)


def test_all_wrong_values_of_a_document_are_told_at_once() -> None:
    wrong = (
        RESOURCES.replace('"20260511"', '"20261311"')
        .replace('respin: "1"', "respin: 1.el9")
        .replace("9F86", "xyz")
        .replace("rhel-aarch64.raw.xz", '".."')
    )
    with pytest.raises(DocumentFaults) as caught:
        _resources(wrong)
    assert sorted(str(each.path) for each in caught.value.faults) == [
        "('build', 'respin')",
        "('images', 0, 'sha256sum')",
        "('images', 1, 'path')",
        "('release', 'date')",
    ]


def test_a_release_without_a_date_is_refused_as_upstream() -> None:
    with pytest.raises(DocumentFaults, match="'date' is missing"):
        _resources(RESOURCES.replace('date: "20260511", ', ""))


def test_a_described_file_is_an_item_with_a_build_of_its_name() -> None:
    assert _staged(STAGED) == {
        "starmap/AWS_IMAGES/sap-9.4-2.x86_64.raw": PushItem(
            name="sap-9.4-2.x86_64.raw",
            src="/stage/starmap/AWS_IMAGES/sap-9.4-2.x86_64.raw",
            build=BuildInfo("sap", "9.4", "2"),
            release=ReleaseInfo("SAP", date(2026, 5, 11), "x86_64", 2, "9.4", base_product="RHEL", type="ga"),
            attributes=AmiAttributes(
                type="hourly",
                region="us-east-1",
                virtualization="hvm",
                volume="gp3",
                root_device="/dev/sda1",
                ena_support=True,
                billing_codes=BillingCodes("Hourly2", ("bp-1", "bp-2")),
                security_groups=(SecurityGroup(22, "tcp", ("0.0.0.0/0",), 22),),
                access_endpoint_url=AccessEndpointUrl(443, "https"),
            ),
            boot_mode=BootMode.UEFI,
            sha256=Digest.of(b"test"),
            origin="/stage",
            dest=("starmap",),
        )
    }


def test_a_map_file_in_json_says_the_same() -> None:
    release = {"product": "SAP", "date": "20260511", "arch": "x86_64", "respin": 2, "version": "9.4"}
    file = {"relative_path": "starmap/AWS_IMAGES/sap-9.4-2.raw", "attributes": {"release": release}}
    document = json.dumps({"header": {"version": "0.2"}, "payload": {"files": [file]}})
    assert [item.build.nvr for item in _staged(document, "pub-mapfile.json").values()] == ["sap-9.4-2"]


def test_all_that_is_wrong_with_described_files_is_told_at_once() -> None:
    wrong = (
        STAGED.replace('"0.2"', '"0.3"')
        .replace("port: 443", "port: https")
        .replace("boot_mode:", "bootmode:")
        .replace("product: SAP, ", "")
    )
    with pytest.raises(DocumentFaults) as caught:
        _staged(wrong)
    inner = ("payload", "files", 0, "attributes")
    assert {each.path for each in caught.value.faults} == {
        ("header", "version"),
        (*inner, "bootmode"),
        (*inner, "access_endpoint_url", "port"),
        (*inner, "release"),
    }


def test_a_file_that_is_listed_twice_is_refused() -> None:
    entry = STAGED[STAGED.index("  - relative_path: starmap/FILES") :]
    with pytest.raises(DocumentFaults, match="listed twice"):
        _staged(STAGED + entry)


def test_a_name_that_tells_no_build_is_refused_and_not_a_crash_in_the_middle_of_a_push() -> None:
    with pytest.raises(DocumentFaults, match="no build can be told") as caught:
        _staged(STAGED.replace("sap-9.4-2.x86_64.raw", "image.raw"))
    assert caught.value.faults[0].path == ("payload", "files", 0, "relative_path")


@pytest.mark.parametrize(
    ("file_name", "version", "build"),
    [
        ("rhel-ec2-9.4-1.x86_64.raw.xz", "9.4", BuildInfo("rhel-ec2", "9.4", "1")),
        ("rhel-ec2-9.4-x86_64.raw", "9.4", BuildInfo("rhel-ec2", "9.4", "1")),
        ("rhel-ec2-9.4-20260511.0.aarch64.raw", "9.4", BuildInfo("rhel-ec2", "9.4", "20260511.0")),
        ("rhel-ha-ec2-10-1.raw", None, BuildInfo("rhel-ha-ec2", "10", "1")),
        ("rhcos-9.6.20250826-3.x86_64.raw", "4.20", BuildInfo("rhcos", "9.6.20250826", "3")),
    ],
)
def test_the_build_of_a_file_is_told_by_its_name_and_release(file_name: str, version: str | None, build: BuildInfo) -> None:
    assert derive_build(file_name, version, 1) == build


@pytest.mark.parametrize("file_name", ["image.raw", "-9.4.raw", "rhel-latest.raw.xz", "a-b-c.raw"])
def test_no_build_is_invented(file_name: str) -> None:
    with pytest.raises(InputError, match="no build"):
        derive_build(file_name, "9.4", 1)


def test_an_image_for_google_cloud_is_read_with_what_google_alone_knows() -> None:
    more = "family: rhel-9\nlicenses: [projects/p/global/licenses/l]\nguest_os_features: [GVNIC]\n"
    item = _resources(RESOURCES.replace("type: AMI", "type: GCE") + more).items[0]
    wanted = GceAttributes(family="rhel-9", licenses=("projects/p/global/licenses/l",), guest_os_features=("GVNIC",))
    assert (item.kind, item.attributes, item.boot_mode) == (ItemKind.GCE, wanted, BootMode.HYBRID)


def test_an_image_for_google_cloud_may_leave_it_to_the_mapping() -> None:
    assert _resources(RESOURCES.replace("type: AMI", "type: GCE")).items[0].attributes == GceAttributes()
