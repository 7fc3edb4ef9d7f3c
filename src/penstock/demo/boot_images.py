"""The demo's boot images in Azure: filled into the streams before the release is made, chosen and checked afterwards.

Azure is a simulator whose clock runs ahead: the paid images of the build are published two weeks after it, as in life.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from penstock.adapters.files.atomic import write_atomic
from penstock.demo.components import ARCHES, OS_VERSIONS
from penstock.demo.stage import ARCH, Stage
from penstock.flow.stream_sources import read_payload_streams
from penstock.formats.codec import encode_json
from penstock.formats.jsontext import Layout
from penstock.formats.stream import parse_marketplace
from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud
from penstock.model.imageref import Reference
from penstock.model.marketplace import Generation, MarketplaceFile, PurchasePlan
from penstock.model.record import given
from penstock.model.stream import Images, Stream
from penstock.simulators.azure import AzureSimulator
from penstock.simulators.cloud import AzureImage, Catalogue
from penstock.streams.choice.choosing import choose_image
from penstock.streams.choice.request import ImageRequest
from penstock.streams.document_lineage import Source, lineage_of_merge
from penstock.streams.drift.check import DriftQuestion, find_drift
from penstock.streams.merging import merge_marketplace
from penstock.streams.populate.azure import find_azure
from penstock.streams.populate.override import ReleaseOverride
from penstock.streams.populate.plan import PopulatePlan, plan_populate
from penstock.streams.populate.provenance import WrittenDocument, populate_lineage
from penstock.streams.populate.report import last_line, told_changes
from penstock.streams.populate.request import PopulateRequest
from penstock.streams.printing import choose_stream
from penstock.wiring import AzureSettings, open_azure_catalogue

_STREAM: Final = "rhel-9"
_REGION: Final = "us-east-1"
_OPENSHIFT: Final = "4.22"
_PLANS: Final = (PurchasePlan.NO_PURCHASE_PLAN, PurchasePlan.OCP)
_BUILT: Final = datetime(2026, 4, 28, tzinfo=UTC)
_PAID_AFTER: Final = timedelta(days=14)
_LAYOUT: Final = Layout(indent="    ")


def demo_catalogue() -> Catalogue:
    """What Azure has: the unpaid images of the build, and the paid ones of the last build and, later, of this one."""
    day = OS_VERSIONS[_STREAM].rpartition("-")[0]
    unpaid = [
        AzureImage(publisher="azureopenshift", offer="aro4", sku=sku, version=day, arch=arch, generation=generation)
        for sku, arch, generation in (
            ("aro_422", Arch.X86_64, Generation.GEN1),
            ("aro_422-v2", Arch.X86_64, Generation.GEN2),
            ("aro_422-arm", Arch.AARCH64, Generation.GEN2),
        )
    ]
    offer = "rh-ocp-worker"
    paid = [
        AzureImage(publisher="redhat", offer=offer, sku=sku, version=version, generation=generation, plan=True, published_at=published)
        for sku, generation in ((f"{offer}-gen1", Generation.GEN1), (offer, Generation.GEN2))
        for version, published in (("9.6.2026030314", None), (f"{day}10", _BUILT + _PAID_AFTER))
    ]
    return Catalogue(azure=(*unpaid, *paid))


async def fill_streams(stage: Stage, streams: Mapping[str, Stream], file: str) -> dict[str, Stream]:
    """Fill one of the streams from the simulated catalogue, twice, and merge what was found into it.

    Args:
        stage: see there.
        streams: by their names.
        file: where the one that is filled stands, in the folder ``streams``.
    """
    stream = streams[_STREAM]
    content = await asyncio.to_thread((stage.folder / "streams" / file).read_bytes)
    source = WrittenDocument(file, content)
    async with AzureSimulator(demo_catalogue(), now=_BUILT + timedelta(days=1)) as azure:
        token = stage.folder / "azure-token"
        token.write_text(azure.issue_token())
        settings = AzureSettings(subscription=azure.account.subscription, endpoint=azure.url, authority=azure.url, token_file=token)
        stage.narrator.step(f"Fill the marketplace images of {_STREAM} from the catalogue of Azure, a simulator on {azure.url}")
        found = await _populate(stage, stream, source, {}, settings)
        stage.narrator.step("Two weeks later the paid images of the build are for sale: fill again")
        azure.clock.advance(_PAID_AFTER.total_seconds())
        token.write_text(azure.issue_token())
        found = await _populate(stage, stream, source, found, settings)
        token.unlink()
    return {**streams, _STREAM: await _merge(stage, stream, source, found)}


async def _populate(
    stage: Stage, stream: Stream, source: WrittenDocument, previous: MarketplaceFile, settings: AzureSettings
) -> MarketplaceFile:
    options = [*(f"--plan {plan}" for plan in _PLANS), f"--release {_OPENSHIFT}", f"--azure-endpoint {settings.endpoint} …"]
    names = f"streams/{source.name}", f"streams/marketplace-{_STREAM}.json"
    stage.narrator.command(f"penstock streams populate {' '.join(names)} {' '.join(options)}")
    release = ReleaseOverride.parse(_OPENSHIFT, subject="--release")
    request = PopulateRequest(stream=stream, previous=previous, now=datetime.now(UTC), plans=_PLANS, release=release)
    async with open_azure_catalogue(settings) as catalogue:
        request = replace(request, sources={Cloud.AZURE: catalogue.source})
        plan = plan_populate(request, await find_azure(catalogue, request))
    marketplace = encode_json(plan.marketplace, _LAYOUT)
    write_atomic(stage.folder / names[1], marketplace)
    written = WrittenDocument(Path(names[1]).name, marketplace), source
    await stage.ledger.record(*populate_lineage(plan, *written))
    stage.narrator.result([*_told(plan), last_line(plan)])
    return plan.marketplace


def _told(plan: PopulatePlan) -> Iterator[str]:
    for change in told_changes(plan):
        finding = change.finding
        image = (change.after or "no image").removeprefix("azureopenshift:").removeprefix("redhat:")
        yield f"{finding.slot!s:47} {image:34} {finding.rule}{'' if change.after else f': {finding.reason}'}"


async def _merge(stage: Stage, stream: Stream, source: WrittenDocument, marketplace: MarketplaceFile) -> Stream:
    names = source.name, f"marketplace-{_STREAM}.json"
    stage.narrator.step("Merge them into the stream, which then goes into the payload")
    stage.narrator.command(f"penstock streams merge streams/{names[0]} streams/{names[1]} > streams/merged.json")
    merged = merge_marketplace(stream, parse_marketplace(encode_json(marketplace, _LAYOUT), subject=names[1])).stream
    made = encode_json(merged)
    write_atomic(stage.folder / "streams/merged.json", made)
    sources = Source(source.content, source.name, stream), Source(encode_json(marketplace, _LAYOUT), names[1])
    await stage.ledger.record(*lineage_of_merge(sources, made, merged))
    stage.narrator.result([f"streams/merged.json  {len(made)} bytes, {', '.join(ARCHES)}"])
    return merged


async def choose_and_check(stage: Stage, payload: Reference) -> str:
    """What an installer takes from the payload's streams on Azure, and how old it is; the URN of the unpaid image."""
    found = await read_payload_streams(stage.images, payload)
    name, stream = choose_stream(found.boot_images, _STREAM, found.version)
    stage.narrator.step("Ask the payload which image an installer uses: in AWS, and in Azure an unpaid and a paid one")
    asked = f"penstock streams image --release {payload} --stream {name} --arch {ARCH}"
    if given(stream.architectures[ARCH].images) != Images():  # nothing was published without the simulator of AWS
        stage.narrator.command(f"{asked} --platform aws --region {_REGION}")
        stage.narrator.result([choose_image(stream, ImageRequest(platform="aws", arch=ARCH, region=_REGION)).image])
    images = {plan: choose_image(stream, ImageRequest(platform="azure", arch=ARCH, plan=plan)).image for plan in _PLANS}
    for plan, image in images.items():
        wish = "--marketplace" if not plan.paid else f"--marketplace={plan}"
        stage.narrator.command(f"{asked} --platform azure {wish}")
        stage.narrator.result([image])
    stage.narrator.step("Check how far the images that the payload names are behind its builds")
    stage.narrator.command(f"penstock streams drift --release {payload} --stream {name}")
    report = await find_drift(DriftQuestion(stream, name, str(payload), found.version))
    shown = [finding for finding in report.findings if finding.seen.slot.plan in _PLANS or finding.seen.slot.cloud is Cloud.AWS]
    stage.narrator.result([f"{finding.seen.slot!s:47} {finding.seen.version:18} {finding.seen.status}" for finding in shown])
    return images[PurchasePlan.NO_PURCHASE_PLAN]
