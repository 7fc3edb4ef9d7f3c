"""``--choice upstream`` on published files: with the catalogue that a file implies, the file comes out again."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.formats.stream import parse_stream
from penstock.model.arch import Arch
from penstock.model.marketplace import MarketplaceFile
from penstock.model.stream import Stream
from penstock.streams.populate.entries import Rule
from penstock.streams.populate.request import Choice

if TYPE_CHECKING:
    from tests.unit.streams.populate.azure.conftest import Ask, MemoryAzure

MADE = [
    ("marketplace-rhcos-963ac1dd66.json", "rhcos-28ce2c4d65.json", "4.19"),
    ("marketplace-coreos-rhel-9-3ed9315bc6.json", "coreos-rhel-9-98c7275538.json", "4.22"),
]
DECOYS = ("10.2.20260423", "10.99.20301231", "499.99.20301231", "4.99.2030123123", "5.0.2030123123", "413.92.2023101700", "latest", "1.x")
"""Of another RHEL, of a later release, older, or not comparable: what the program's rules reject."""


@pytest.fixture(params=MADE, ids=[name for name, _, _ in MADE])
def made(request: pytest.FixtureRequest, real_data: Path) -> tuple[bytes, Stream, str]:
    """A published file, the stream it was made for, and the release it was made with."""
    marketplace, stream, release = request.param
    folder = real_data / "streams"
    content = (folder / "installer" / stream).read_bytes()
    return (folder / "marketplace" / marketplace).read_bytes(), parse_stream(content, subject=stream), release


@pytest.mark.real_data
@pytest.mark.parametrize("decoys", [(), DECOYS], ids=["alone", "among decoys"])
def test_a_published_file_is_written_again_byte_for_byte(
    made: tuple[bytes, Stream, str],
    azure: "MemoryAzure",
    ask: "Ask",
    read_file: Callable[[bytes], MarketplaceFile],
    decoys: tuple[str, ...],
) -> None:
    content, of, release = made
    azure.put_file(read_file(content))
    for sku, shelf in azure.shelves.items():
        details = next(iter(shelf.values()))
        azure.put(str(sku), *decoys, arch=details.arch, generation=details.generation, plan=details.plan)
    assert ask(azure, of, release=release, choice=Choice.UPSTREAM).written == content


@pytest.mark.real_data
def test_defect_10_the_file_of_rhel_10_was_that_of_rhel_9_and_now_it_is_said(
    azure: "MemoryAzure", ask: "Ask", stream: Callable[..., Stream], read_file: Callable[[bytes], MarketplaceFile], real_data: Path
) -> None:
    """In May 2026 nothing of RHEL 10 was published: all plans came from the other file, and nothing told so."""
    content = (real_data / "streams/marketplace/marketplace-coreos-rhel-9-3ed9315bc6.json").read_bytes()
    document = read_file(content)
    azure.put_file(document)
    of = stream("10.2.20260423-0", name="rhcos-4.22")
    found = ask(azure, of, choice=Choice.UPSTREAM, fallback=document, fallback_name="coreos-rhel-9.json")
    assert found.written == content
    with_image = [finding for finding in found.findings if finding.image is not None]
    assert len(with_image) == 15
    assert {(finding.rule, finding.fallback_of) for finding in with_image} == {(Rule.FALLBACK, "coreos-rhel-9.json")}


def test_the_whole_file_is_written_anew(
    azure: "MemoryAzure", ask: "Ask", stream: Callable[..., Stream], file_of: Callable[..., MarketplaceFile]
) -> None:
    azure.put("420-v2", "9.6.20251015")
    previous = file_of(
        ocp_gen2="redhat:rh-ocp-worker:rh-ocp-worker:4.18.2025031114", no_purchase_plan_gen2="azureopenshift:aro4:419-v2:9.6.20250101"
    )
    found = ask(azure, stream("9.6.20251023-0"), choice=Choice.UPSTREAM, previous=previous)
    assert found["ocp hyperVGen2 x86_64"].rule is Rule.PRUNED
    assert found.plan.marketplace == file_of(no_purchase_plan_gen2="azureopenshift:aro4:420-v2:9.6.20251015")


def test_the_arm_s_paid_images_are_looked_for_and_refused_by_their_architecture(
    azure: "MemoryAzure", ask: "Ask", stream: Callable[..., Stream]
) -> None:
    azure.put("redhat:rh-ocp-worker:rh-ocp-worker", "4.18.2025031114", arch=Arch.X86_64)
    found = ask(azure, stream("9.6.20251023-0"), choice=Choice.UPSTREAM)
    assert found["ocp hyperVGen2 aarch64"].rule is Rule.ABSENT
    assert found["ocp hyperVGen2 x86_64"].rule is Rule.UPSTREAM
    assert azure.asked.count("get redhat:rh-ocp-worker:rh-ocp-worker:4.18.2025031114") == 1
