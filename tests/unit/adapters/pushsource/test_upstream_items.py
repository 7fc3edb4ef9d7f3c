"""Nothing of what pushsource says of an image is lost."""

import subprocess
import sys
from datetime import date

import attrs
import pytest

from penstock.adapters.pushsource.items import push_item
from penstock.model.errors import InputError
from penstock.model.push.items import (
    AccessEndpointUrl,
    AmiAttributes,
    BillingCodes,
    BootMode,
    BuildInfo,
    CloudInfo,
    Dropped,
    PushItem,
    ReleaseInfo,
    SecurityGroup,
    VhdAttributes,
)

pushsource = pytest.importorskip("pushsource", reason="the extra koji is not installed")

RELEASE = {
    "product": "RHEL",
    "date": date(2026, 5, 11),
    "arch": "x86_64",
    "respin": 3,
    "version": "9.4",
    "base_product": "RHEL_BASE",
    "base_version": "9",
    "variant": "Server",
    "type": "ga",
}
GENERAL = {
    "name": "rhel.raw.xz",
    "src": "/mnt/koji/rhel.raw.xz",
    "dest": ["somewhere"],
    "md5sum": "0" * 32,
    "sha256sum": "a" * 64,
    "origin": "RHBA-2026:1234",
    "build": "rhel-ec2-9.4-3",
    "signing_key": "F21541EB",
    "description": "RHEL",
    "boot_mode": pushsource.BootMode.uefi,
    "cloud_info": pushsource.VMICloudInfo(provider="aws", account="aws-na"),
    "marketplace_title_template": "{product}",
    "marketplace_name": "aws",
}
AMI = {
    "type": "hourly",
    "region": "us-east-1",
    "virtualization": "hvm",
    "volume": "gp3",
    "root_device": "/dev/sda1",
    "sriov_net_support": "simple",
    "ena_support": True,
    "uefi_support": False,
    "release_notes": "notes",
    "usage_instructions": "use it",
    "recommended_instance_type": "m5.large",
    "marketplace_entity_type": "AmiProduct",
    "image_id": "ami-1",
    "public_image": False,
    "scanning_port": 22,
    "user_name": "ec2-user",
    "version_title": "title",
}
VHD = {
    "generation": "V2",
    "sku_id": "plan",
    "support_legacy": True,
    "legacy_sku_id": "plan-gen1",
    "disk_version": "9.4.2026",
    "sas_uri": "https://x/y",
}


def mapped(found: object) -> PushItem:
    made = push_item(found, {})
    assert isinstance(made, PushItem)
    return made


def ami(**changes: object) -> object:
    more = {
        "billing_codes": pushsource.AmiBillingCodes(name="Hourly2", codes=["bp-1", "bp-2"]),
        "security_groups": [pushsource.AmiSecurityGroup(from_port=22, ip_protocol="tcp", ip_ranges=["0.0.0.0/0"], to_port=23)],
        "access_endpoint_url": pushsource.AmiAccessEndpointUrl(port=443, protocol="https"),
        "release": pushsource.AmiRelease(**RELEASE),
    }
    return pushsource.AmiPushItem(**{**GENERAL, **AMI, **more, **changes})


def vhd(**changes: object) -> object:
    more = {"recommended_sizes": ["b", "a"], "release": pushsource.VMIRelease(**RELEASE)}
    return pushsource.VHDPushItem(**{**GENERAL, **VHD, **more, **changes})


def test_an_image_for_aws_keeps_everything() -> None:
    item = mapped(ami())
    assert item.attributes == AmiAttributes(
        **AMI,  # type: ignore[arg-type]  # checked by the comparison
        billing_codes=BillingCodes("Hourly2", ("bp-1", "bp-2")),
        security_groups=(SecurityGroup(22, "tcp", ("0.0.0.0/0",), 23),),
        access_endpoint_url=AccessEndpointUrl(443, "https"),
    )
    assert item.release == ReleaseInfo(**RELEASE)  # type: ignore[arg-type]
    assert (item.name, item.src, item.dest) == ("rhel.raw.xz", "/mnt/koji/rhel.raw.xz", ("somewhere",))
    assert (item.md5, item.sha256 and item.sha256.hex) == ("0" * 32, "a" * 64)
    assert (item.origin, item.signing_key, item.description, item.boot_mode) == ("RHBA-2026:1234", "F21541EB", "RHEL", BootMode.UEFI)
    assert (item.marketplace_name, item.marketplace_title_template) == ("aws", "{product}")
    assert item.cloud_info == CloudInfo(provider="aws", account="aws-na")
    assert item.build == BuildInfo("rhel-ec2", "9.4", "3")


def test_an_image_for_azure_keeps_everything() -> None:
    item = mapped(vhd())
    assert item.attributes == VhdAttributes(**VHD, recommended_sizes=("a", "b"))  # type: ignore[arg-type]
    assert item.release == ReleaseInfo(**RELEASE)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [pushsource.AmiPushItem, pushsource.VHDPushItem, pushsource.AmiRelease, pushsource.VMIRelease])
def test_the_library_has_no_attribute_that_is_not_known_here(kind: type) -> None:
    known = {*GENERAL, *AMI, *VHD, *RELEASE, "state", "build_info", "opener", "release"}
    known |= {"billing_codes", "security_groups", "access_endpoint_url", "recommended_sizes"}
    assert {each.name for each in attrs.fields(kind)} <= known


def test_a_build_of_which_the_parts_say_another_name_keeps_both() -> None:
    info = pushsource.KojiBuildInfo(id=7, name="rhcos-x86_64", version="4.19", release="0")
    item = mapped(ami(build="rhcos-x86_64-9.6.20250523-0", build_info=info))
    assert (item.build.version, item.build.id, item.build_nvr) == ("4.19", 7, "rhcos-x86_64-9.6.20250523-0")


def test_the_digest_that_the_build_system_knows_is_declared() -> None:
    info = pushsource.KojiBuildInfo(id=7, name="rhel-ec2", version="9.4", release="3")
    made = push_item(ami(build_info=info, sha256sum=None), {(7, "rhel.raw.xz"): "b" * 64})
    assert isinstance(made, PushItem)
    assert made.sha256 is not None
    assert made.sha256.hex == "b" * 64


def test_other_items_are_dropped() -> None:
    made = push_item(pushsource.RpmPushItem(name="bash-1-1.x86_64.rpm"), {})
    assert made == Dropped("bash-1-1.x86_64.rpm", "what pushsource calls RpmPushItem is no image of a machine")


def test_an_item_that_the_source_holds_for_broken_is_dropped() -> None:
    assert push_item(ami(state="INVALIDFILE"), {}) == Dropped("rhel.raw.xz", "its state is INVALIDFILE")


def test_a_build_is_told_from_the_files_name_where_the_source_names_none() -> None:
    item = mapped(ami(build=None, build_info=None, src="/x/rhel-ec2-9.4-3.x86_64.raw.xz"))
    assert item.build == BuildInfo("rhel-ec2", "9.4", "3")


@pytest.mark.parametrize(("changes", "problem"), [({"build": None, "build_info": None}, "names no build"), ({"release": None}, "release")])
def test_an_image_of_which_too_little_is_said_is_refused(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        push_item(ami(**changes), {})


@pytest.mark.parametrize("package", ["pushsource", "koji"])
def test_without_the_extra_the_message_names_the_command_that_installs_it(package: str) -> None:
    script = f"""
import asyncio, sys
sys.modules[{package!r}] = None
from penstock.adapters.files.pushsources import parse_source
from penstock.model.errors import OperationError
source = parse_source("koji:https://127.0.0.1:1/kojihub?vmi_build=a-1-1")
try:
    asyncio.run(source.load())
except OperationError as error:
    print(error, error.hint)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == f"the Python package {package} is not installed install the extra: pip install 'penstock[koji]'\n"
