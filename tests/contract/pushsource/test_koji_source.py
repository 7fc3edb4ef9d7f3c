"""Builds of a simulated hub through the real library and koji's real client."""

import asyncio
import hashlib
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.adapters.files.imagecontent import LocalImageFiles
from penstock.adapters.pushsource import HubPatience, UpstreamSource, parse_upstream
from penstock.model.errors import DigestMismatch, InputError, NotFoundError, OperationError, TransientError
from penstock.model.push.items import AmiAttributes, BootMode, ItemKind, PushItem, VhdAttributes
from penstock.ports.retries import hearing_retries
from penstock.simulators.cloud import Fault
from penstock.simulators.koji import KojiArchive, KojiBuild, KojiSimulator, KojiThread
from penstock.simulators.koji.builds import ChecksumType

if TYPE_CHECKING:
    from tests.contract.pushsource.conftest import Load

pytestmark = pytest.mark.koji


def source(koji: KojiSimulator, *builds: str) -> str:
    return f"koji:{koji.hub}?vmi_build={','.join(builds)}&basedir={koji.basedir}"


def test_the_images_of_a_build_come_with_their_build_release_and_boot_mode(koji: KojiSimulator, load: "Load") -> None:
    listing = load(source(koji, "rhel-ec2-9.4-1"))
    assert [(each.name, each.release.arch) for each in listing.items] == [("rhel.raw.xz", "x86_64"), ("rhel-arm.raw.xz", "aarch64")]
    item = listing.items[0]
    assert (item.build.name, item.build.version, item.build.release, item.build.id) == ("rhel-ec2", "9.4", "1", 2_000_001)
    assert (item.release.product, item.release.version, item.release.respin) == ("RHEL", "9.4", 1)
    assert item.release.date.isoformat() == "2026-05-11"
    assert (item.kind, item.boot_mode, item.dest) == (ItemKind.AMI, BootMode.HYBRID, ())


def test_builds_come_in_the_order_in_which_they_were_asked_for(koji: KojiSimulator, load: "Load") -> None:
    wanted = ("rhel-sap-ec2-9.4-3", "rhel-azure-9.4-2.el9", "rhel-ec2-9.4-1")
    assert list(dict.fromkeys(each.build.nvr for each in load(source(koji, *wanted)).items)) == list(wanted)


def test_images_for_azure_are_disks_and_a_release_that_is_no_number_is_the_first_spin(koji: KojiSimulator, load: "Load") -> None:
    items = load(source(koji, "rhel-azure-9.4-2.el9")).items
    assert [(each.name, each.kind, each.release.respin) for each in items] == [
        ("rhel.vhd.xz", ItemKind.VHD, 0),
        ("rhel.vhd", ItemKind.VHD, 0),
    ]
    assert all(isinstance(each.attributes, VhdAttributes) for each in items)


def test_files_lie_where_koji_puts_them_also_on_another_volume(koji: KojiSimulator, load: "Load") -> None:
    (item,) = load(source(koji, "rhel-sap-ec2-9.4-3")).items
    assert item.src == f"{koji.basedir}/vol/fast/packages/rhel-sap-ec2/9.4/3/images/rhel.raw"
    assert Path(item.src).is_file()


def test_the_destinations_of_the_source_are_kept(koji: KojiSimulator, load: "Load") -> None:
    (item,) = load(source(koji, "rhel-sap-ec2-9.4-3") + "&dest=a,b").items
    assert item.dest == ("a", "b")


def test_a_build_may_be_asked_for_by_its_number(koji: KojiSimulator, load: "Load") -> None:
    """Upstream's library takes the number for the build's name, and fails."""
    (item,) = load(source(koji, "2000003")).items
    assert item.build_nvr == "rhel-sap-ec2-9.4-3"


def test_a_sha256_of_the_hub_is_declared_and_does_not_pass_for_md5(koji: KojiSimulator, load: "Load", images: Path) -> None:
    """Upstream's library takes every checksum for MD5, and fails for the whole build."""
    compressed, other = load(source(koji, "rhel-azure-9.4-2.el9")).items
    assert compressed.sha256 is not None
    assert (compressed.sha256.hex, compressed.md5) == (hashlib.sha256((images / "rhel.vhd.xz").read_bytes()).hexdigest(), None)
    assert (other.sha256, other.md5) == (None, None)  # SHA-1 is not compared with anything


def test_an_md5_of_the_hub_is_declared(koji: KojiSimulator, load: "Load", images: Path) -> None:
    assert load(source(koji, "rhel-ec2-9.4-1")).items[0].md5 == hashlib.md5((images / "rhel.raw.xz").read_bytes()).hexdigest()


@pytest.mark.parametrize(("kind", "lie"), [(ChecksumType.MD5, "0" * 32), (ChecksumType.SHA256, "0" * 64)])
def test_a_file_that_is_not_the_declared_one_is_found_when_it_is_measured(
    images: Path, tmp_path: Path, load: "Load", kind: ChecksumType, lie: str
) -> None:
    archive = KojiArchive(str(images / "rhel.raw"), "x86_64", checksum_type=kind, checksum=lie)
    with KojiThread([KojiBuild("rhel-ec2", "9.4", "1", (archive,))]) as koji:
        (item,) = load(source(koji, "rhel-ec2-9.4-1")).items

        async def measure(item: PushItem) -> None:
            await LocalImageFiles(tmp_path / "state").measure(item, keep=False, progress=lambda _: None)

        with pytest.raises(DigestMismatch):
            asyncio.run(measure(item))


def test_a_build_of_coreos_gives_the_images_that_its_pipeline_made(koji: KojiSimulator, load: "Load") -> None:
    east, west, azure = load(source(koji, "rhcos-x86_64-9.6.20250523-0")).items
    assert [(each.source_image, each.marketplace_name) for each in (east, west)] == [("ami-0123456789abcdef0", "aws"), ("ami-1", "aws")]
    assert isinstance(east.attributes, AmiAttributes)
    assert (east.attributes.region, east.boot_mode, east.description) == ("us-east-1", BootMode.UEFI, "OpenShift 4")
    assert (azure.kind, azure.src, azure.marketplace_name) == (
        ItemKind.VHD,
        "https://example.blob.core.windows.net/imagebucket/rhcos.vhd",
        "azure",
    )
    assert (azure.release.product, azure.release.version) == ("RHCOS", "4.19")
    assert {each.build_nvr for each in (east, west, azure)} == {"rhcos-x86_64-9.6.20250523-0"}


def test_a_build_without_an_image_that_can_be_pushed_is_told(koji: KojiSimulator, load: "Load") -> None:
    listing = load(source(koji, "only-qcow2-1-1"))
    assert [(each.subject, "no image" in each.reason) for each in listing.dropped] == [("only-qcow2-1-1", True)]


def test_a_build_that_the_hub_does_not_have_is_named(koji: KojiSimulator, load: "Load") -> None:
    with pytest.raises(NotFoundError, match="the hub has no build missing-1-1"):
        load(source(koji, "rhel-ec2-9.4-1", "missing-1-1"))


@pytest.mark.parametrize(
    ("build", "problem"),
    [
        ("jar-1-1", "the build jar-1-1 is none of images"),
        ("container-1-1", "the build container-1-1 is none of images"),
        ("no-arch-1-1", "no-arch-1-1 cannot be read: 'arch'"),
        ("no-date-1-1", "no-date-1-1 cannot be read: can't parse '' as a date"),
    ],
)
def test_a_build_that_is_none_of_images_or_says_too_little_is_named(koji: KojiSimulator, load: "Load", build: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        load(source(koji, build))


def test_a_file_of_metadata_that_is_not_below_basedir_is_named_with_the_next_step(
    koji: KojiSimulator, load: "Load", tmp_path: Path
) -> None:
    with pytest.raises(NotFoundError) as caught:
        load(f"koji:{koji.hub}?vmi_build=rhcos-x86_64-9.6.20250523-0&basedir={tmp_path}")
    assert caught.value.subject == f"{tmp_path}/packages/rhcos-x86_64/9.6.20250523/0/images/meta.json"
    assert "basedir" in caught.value.hint


def test_a_hub_that_cannot_be_reached_may_be_asked_again_later(load: "Load") -> None:
    with KojiThread() as gone:
        text = source(gone, "rhel-ec2-9.4-1")
    with pytest.raises(TransientError, match="the hub cannot be reached"):
        load(text)


def test_a_hub_that_is_overloaded_is_asked_again_and_that_is_told(koji: KojiSimulator, load: "Load") -> None:
    koji.faults.add(Fault.parse("status=503,times=2"))
    told: list[str] = []
    with hearing_retries(told.append):
        assert load(source(koji, "rhel-sap-ec2-9.4-3")).items
    assert told == ["the hub of koji did not answer: HTTPError"] * 2


def test_a_hub_that_stays_overloaded_is_given_up_soon(koji: KojiSimulator, load: "Load") -> None:
    koji.faults.add(Fault.parse("status=503"))
    with pytest.raises(TransientError, match="HTTP 503"):
        load(source(koji, "rhel-sap-ec2-9.4-3"))
    assert len(koji.requests) == 3


@pytest.mark.parametrize("fault", ["cut=40,times=1", "status=503,times=1,after=1", "cut=40,times=1,after=2"])
def test_an_answer_that_breaks_off_anywhere_is_asked_for_again(koji: KojiSimulator, load: "Load", fault: str) -> None:
    koji.faults.add(Fault.parse(fault))
    assert load(source(koji, "rhel-sap-ec2-9.4-3")).items


def test_an_address_that_is_no_hub_is_refused(koji: KojiSimulator, load: "Load") -> None:
    with pytest.raises(NotFoundError, match="HTTP 404"):
        load(f"koji:{koji.url}/elsewhere?vmi_build=rhel-ec2-9.4-1")


@pytest.mark.parametrize("fault", ["status=403", "status=403,after=1", "status=403,after=2"])
def test_neither_errors_nor_logs_nor_threads_show_a_password(
    koji: KojiSimulator, load: "Load", caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], fault: str
) -> None:
    caplog.set_level(logging.DEBUG)
    koji.faults.add(Fault.parse(fault))
    with pytest.raises(OperationError, match="HTTP 403") as caught:
        load(f"koji:http://me:sesame@{koji.host}/kojihub?vmi_build=rhel-ec2-9.4-1")
    assert "sesame" not in f"{caught.value!r} {caught.value.hint} {caught.value.__cause__!r}"
    assert "sesame" not in caplog.text
    told = capfd.readouterr()
    assert "Exception in thread" not in told.err
    assert "sesame" not in told.out + told.err


@pytest.mark.parametrize("fault", ["stall", "stall,after=1"])
def test_a_hub_that_says_nothing_is_not_waited_for_once_nobody_wants_the_source(koji: KojiSimulator, fault: str) -> None:
    koji.faults.add(Fault.parse(fault))
    patience = HubPatience(timeout_s=0.5, retries=1000, interval_s=0.0)

    async def scenario() -> None:
        async with asyncio.timeout(0.7):
            await UpstreamSource(parse_upstream(source(koji, "rhel-ec2-9.4-1")), patience=patience).load()

    begun_s = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(scenario())
    assert time.monotonic() - begun_s < 20


@pytest.mark.parametrize("fault", ["slow=3,after=1", "slow=3,after=2"])
def test_a_hub_that_is_slower_than_the_sources_timeout_may_be_asked_again_later(koji: KojiSimulator, load: "Load", fault: str) -> None:
    koji.faults.add(Fault.parse(fault))
    with pytest.raises(TransientError, match="did not answer within the source's timeout"):
        load(source(koji, "rhel-ec2-9.4-1") + "&timeout=1&threads=1")
