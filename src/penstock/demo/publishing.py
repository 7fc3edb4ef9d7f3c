"""The demo's disk images: published to AWS, from where the stream has its AMIs.

AWS and RHSM are simulators.  The disks, the staging area and the mapping are files of the demo's folder, so that the commands beside each
step can be typed.
"""

import asyncio
import json
import lzma
import os
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from penstock.adapters.files.atomic import write_atomic
from penstock.demo.clouds import EmbeddedClouds
from penstock.demo.components import ARCHES, OS_VERSIONS, root_squashfs
from penstock.demo.small_disk import make_small_disk
from penstock.demo.stage import ARCH, Stage
from penstock.formats.codec import encode_json
from penstock.formats.stream import write_stream_document
from penstock.lineage.lookup import find_artifacts
from penstock.lineage.trace import trace
from penstock.model.digest import Digest
from penstock.model.errors import OperationError, PenstockError
from penstock.model.lineage import Direction
from penstock.model.push.accounts import AccountAlias, AwsCredential
from penstock.model.push.journal import EventKind, RunRecord
from penstock.model.push.results import PushResult
from penstock.model.push.rhsm import RhsmProduct
from penstock.model.push.states import ItemState
from penstock.model.starmap import StarmapWorkflow
from penstock.model.stream import Stream
from penstock.publish.aws.performing import Pace
from penstock.publish.community.push import CommunityAsk
from penstock.publish.execution import Limits
from penstock.publish.fragments import fragment_of_push
from penstock.publish.needs import NeededPlace, PushNeeds
from penstock.publish.plan import Step
from penstock.publish.pushing import carry_out, prepare_push
from penstock.publish.receipts import lineage_of_push
from penstock.streams.document_lineage import Source, lineage_of_merge, stream_artifact
from penstock.streams.parts import OtherBuilds, merge_part, parse_part
from penstock.wiring.publish import RhsmSettings, RunSettings, StarmapSettings, open_results, open_runs, read_local_mappings
from penstock.wiring.pushes import OpenPush, WorkflowAsks, open_push

_STREAM: Final = "rhel-9"
_ACCOUNT: Final = "aws-us-storage"
_REGIONS: Final = ("us-east-1", "eu-west-1")
_DATE: Final = "20260428"
_PADDING_BYTES: Final = 64 << 10
_PRODUCT: Final = "rhcos"
_WORDS: Final = "--repo-file mappings.yaml --offline --credentials aws.json"
_NEEDS: Final = PushNeeds(
    frozenset(NeededPlace(AccountAlias(_ACCOUNT), StarmapWorkflow.COMMUNITY, f"{region}-hourly") for region in _REGIONS),
    frozenset({RhsmProduct(_PRODUCT, "AWS"), RhsmProduct(f"{_PRODUCT}_HOURLY", "AWS")}),
)
_PUSHED: Final = "pushed.json"
_PUBLISHED: Final = "published.json"
"""The part of the stream that the push gave, and the stream with it, in the folder ``streams``."""


@dataclass(frozen=True, slots=True)
class Published:
    """What came of it.

    Attributes:
        streams: with the AMIs in one of them.
        file: where that one stands, in the folder ``streams``.
        ami: of the demo's architecture, or ``""`` where nothing was published.
    """

    streams: Mapping[str, Stream]
    file: str
    ami: str


async def publish_images(stage: Stage, streams: Mapping[str, Stream]) -> Published:
    """Publish the disks of one of the streams, and put the AMIs into it.

    Without the packages that the simulator of AWS stands on, which are an extra, the streams stay as they are.
    """
    clouds = EmbeddedClouds(_NEEDS)
    await asyncio.to_thread(_write_staging, stage.folder, clouds.credentials.aws(AccountAlias(_ACCOUNT)))
    folder = stage.folder / "streams"
    await asyncio.to_thread(folder.mkdir)
    content = encode_json(streams[_STREAM])
    write_atomic(folder / f"{_STREAM}.json", content)
    stage.narrator.step(f"Publish the disk images of {_STREAM} to AWS, and tell RHSM of them: both are simulators")
    try:
        async with clouds:
            pushed = await _push(stage, clouds)
            await _push_again(stage, clouds)
    except OperationError as error:
        if not error.message.endswith("is not installed"):
            raise
        stage.narrator.result([f"left out: {error.message}", f"hint: {error.hint}"])
        return Published(streams, f"{_STREAM}.json", "")
    merged = await _merge(stage, streams[_STREAM], content)
    ami = next(receipt.key for result in pushed if result.item.release.arch == ARCH for receipt in result.receipts)
    return Published({**streams, _STREAM: merged}, _PUBLISHED, ami)


async def trace_image(stage: Stage, ami: str) -> None:
    """Show the road from the disk over the AMI to the stream that the payload holds."""
    stage.narrator.step("Trace an AMI to the disk that it was made of, and to the streams that name it")
    stage.narrator.command(f"penstock trace {ami}")
    found = await find_artifacts(stage.ledger, ami)
    stage.narrator.trace([await trace(stage.ledger, artifact, tuple(Direction)) for artifact in found])


# --- what is published


def _write_staging(folder: Path, credential: AwsCredential) -> None:
    """The staging area of the build, the mapping and the credentials."""
    version, _, respin = OS_VERSIONS[_STREAM].rpartition("-")
    build = folder / "stage/starmap/CLOUD_IMAGES" / f"rhcos-{version}-{respin}"
    build.mkdir(parents=True)
    images = []
    for arch in ARCHES:
        disk = make_small_disk(f"rhcos-{OS_VERSIONS[_STREAM]} {arch}", root_squashfs(_STREAM, arch, _PADDING_BYTES))
        packed = lzma.compress(disk, preset=0)
        name = f"rhcos-{OS_VERSIONS[_STREAM]}-aws.{arch}.raw.xz"
        (build / name).write_bytes(packed)
        images.append({"path": name, "architecture": arch.value, "sha256sum": Digest.of(packed).hex})
    resources = {
        "api": "v1",
        "resource": "CloudImage",
        "type": "AMI",
        "description": "Red Hat Enterprise Linux CoreOS",
        "boot_mode": "hybrid",
        "build": {"name": "rhcos", "version": version, "respin": respin},
        "release": {"date": _DATE, "version": version},
        "images": images,
    }
    (build / "resources.yaml").write_text(json.dumps(resources, indent=2), encoding="utf-8")
    (folder / "mappings.yaml").write_text(json.dumps([_mapping()], indent=2), encoding="utf-8")
    (folder / "aws.json").write_text(json.dumps(_credentials_document(credential), indent=2), encoding="utf-8")


def _mapping() -> dict[str, object]:
    """JSON is YAML."""
    destinations = [{"destination": f"{region}-hourly", "overwrite": False, "restrict_version": False} for region in _REGIONS]
    meta = {"release": {"product": _PRODUCT, "type": "ga"}, "virtualization": "hvm", "volume": "gp3", "root_device": "/dev/xvda"}
    codes = {"hourly": {"codes": ["bp-00000001"], "image_name": "rhcos", "image_types": ["hourly"], "name": None}}
    mappings = {_ACCOUNT: {"provider": "AWS", "destinations": destinations}}
    return {"name": "rhcos", "cloud": "aws", "workflow": "community", "meta": meta, "billing-code-config": codes, "mappings": mappings}


def _credentials_document(credential: AwsCredential) -> dict[str, object]:
    """Of an account that is nowhere but in the simulator."""
    auth = {
        "AWS_IMAGE_ACCESS_KEY": credential.images.access_key,
        "AWS_IMAGE_SECRET_ACCESS": credential.images.secret_key,
        "AWS_MARKETPLACE_ACCESS_KEY": credential.marketplace.access_key,
        "AWS_MARKETPLACE_SECRET_ACCESS": credential.marketplace.secret_key,
        "AWS_ACCESS_ROLE_ARN": credential.access_role,
    }
    return {"marketplace_account": _ACCOUNT, "auth": auth}


# --- publishing


async def _push(stage: Stage, clouds: EmbeddedClouds) -> list[PushResult]:
    """Do it, and tell the ledger."""
    part = f"streams/{_PUSHED}"
    stage.narrator.command(f"penstock publish community-push {_WORDS} --rhsm-url {clouds.rhsm_url} --emit-stream {part} staged:stage")
    results: list[PushResult] = []
    async with _opened(stage, clouds) as opened:
        book = open_runs(stage.folder / "state")
        begun_s = float(opened.around.clock.now_s())
        record = RunRecord(id="", command="community-push", sources=("staged:stage",), started_at_s=begun_s, process=os.getpid())
        async with book.begin(record) as journal:
            prepared = await prepare_push(opened.sources, opened.workflows, (), keep_files=True)
            sink = open_results(stage.folder / "artifacts")
            async with aclosing(carry_out(prepared, opened.around, journal)) as ends:
                async for result in ends:
                    results.append(result)
                    await sink.put(result)
            await sink.close()
    results.sort(key=lambda each: each.order)
    failed = next((each for each in results if each.state is not ItemState.PUSHED), None)
    if failed is not None:
        raise PenstockError(f"was not published: {failed.reason}", subject=failed.item.label)
    await stage.ledger.record(*lineage_of_push(results, tuple(prepared.contents.values())))
    fragment = fragment_of_push(results, stream=_STREAM)
    content = encode_json(fragment.stream)
    write_atomic(stage.folder / part, content)
    made = stream_artifact(content, fragment.stream, {_PUSHED})
    await stage.ledger.record([made], fragment.edges(made.id))
    stage.narrator.result([f"{each.state:8} {each.item.dest[0]:18} {each.filename:58} {each.receipts[0].key}" for each in results])
    for each in clouds.standing():
        size = f"{each.size_bytes} bytes" if each.size_bytes is not None else ""
        stage.narrator.result([f"{each.cloud:5}{each.where:25} {each.count} {each.what}  {each.detail}{size}".rstrip()])
    return results


async def _push_again(stage: Stage, clouds: EmbeddedClouds) -> None:
    """Plan the same push once more."""
    stage.narrator.step("See what the same push would do now: nothing is made twice")
    stage.narrator.command(f"penstock publish community-push {_WORDS} --rhsm-url {clouds.rhsm_url} --dry-run staged:stage")
    async with _opened(stage, clouds) as opened:
        earlier = await open_runs(stage.folder / "state").earlier()
        plan = (await prepare_push(opened.sources, opened.workflows, earlier, keep_files=False)).plan
    if not plan.idle:
        raise PenstockError("a second push would make something again", subject="the demo's push")
    verdicts = Counter(each.verdict.value for each in plan.steps)
    stage.narrator.result([", ".join(f"{count} steps {verdict}" for verdict, count in verdicts.items()), "nothing would be made"])


@asynccontextmanager
async def _opened(stage: Stage, clouds: EmbeddedClouds) -> AsyncIterator[OpenPush]:
    folder = stage.folder
    settings = RunSettings(
        sources=(f"staged:{folder / 'stage'}",),
        credentials=str(folder / "aws.json"),
        starmap=StarmapSettings(local=read_local_mappings(None, folder / "mappings.yaml", offline=True), offline=True),
        rhsm=RhsmSettings(clouds.rhsm_url),
        state=folder / "state",
        endpoints=clouds.endpoints,
    )
    asks = WorkflowAsks(community=lambda: CommunityAsk(pace=Pace(first_poll_s=0.05, poll_s=0.25)))  # simulators are quick
    async with open_push(settings, asks, Limits(), progress=stage.progress, watcher=_nobody_watches) as opened:
        yield opened


def _nobody_watches(step: Step, kind: EventKind, detail: str) -> None:
    """The results tell it."""


async def _merge(stage: Stage, stream: Stream, content: bytes) -> Stream:
    """The stream with what was published."""
    names = f"{_STREAM}.json", _PUSHED
    stage.narrator.step("Put the AMIs into the stream")
    stage.narrator.command(f"penstock streams merge streams/{names[0]} streams/{names[1]} > streams/{_PUBLISHED}")
    pushed = await asyncio.to_thread((stage.folder / "streams" / _PUSHED).read_bytes)
    part = parse_part(pushed, subject=_PUSHED)
    merged = merge_part(stream, part, OtherBuilds.REFUSE).stream
    made = write_stream_document(merged, like=content)
    write_atomic(stage.folder / "streams" / _PUBLISHED, made)
    await stage.ledger.record(*lineage_of_merge((Source(content, names[0], stream), Source(pushed, names[1], part=part)), made, merged))
    stage.narrator.result([f"streams/{_PUBLISHED}  {len(made)} bytes, AMIs in {', '.join(_REGIONS)}"])
    return merged
