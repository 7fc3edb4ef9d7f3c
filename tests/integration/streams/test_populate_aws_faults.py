"""The search of the AWS Marketplace over a server that fails now and then."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from penstock.adapters.aws import AwsOptions, Ec2Catalogue
from penstock.adapters.http.options import Retries
from penstock.formats.stream import parse_stream
from penstock.model.arch import Arch
from penstock.model.errors import TransientError
from penstock.model.marketplace import PurchasePlan
from penstock.simulators.aws import AwsThread
from penstock.simulators.cloud import Ami, Catalogue, Fault
from penstock.streams.populate.aws import find_aws_marketplace
from penstock.streams.populate.aws_products import PRODUCTS
from penstock.streams.populate.entries import Finding, Rule
from penstock.streams.populate.request import PopulateRequest

_BUILD = "9.6.20260214-0"
_REGIONS = ("eu-west-1", "us-east-1", "us-west-2")
_SEEDS = 40


@pytest.fixture
def marketplace() -> Catalogue:
    """Each paid image of x86_64 in three builds and three regions."""
    products = [uuid for (arch, _), uuid in PRODUCTS.items() if arch is Arch.X86_64]
    wares = [(region, uuid, build) for region in _REGIONS for uuid in products for build in ("9.6.20260101-0", _BUILD, "9.8.20260201-0")]
    return Catalogue(
        aws=tuple(
            Ami(
                region=region,
                id=f"ami-{number:017x}",
                name=f"RHEL-9.4-RHCOS-{build[:3]}_HVM_GA-{build[4:12]}-x86_64-0-{uuid}",
                description=f"RHEL CoreOS {build[:3]} {build} x86_64",
                owner="679593333241",
                owner_alias="aws-marketplace",
            )
            for number, (region, uuid, build) in enumerate(wares)
        )
    )


@pytest.fixture
def populate_request() -> PopulateRequest:
    regions = {region: {"release": _BUILD, "image": f"ami-{region}"} for region in _REGIONS}
    arch = {"artifacts": {"aws": {"release": _BUILD, "formats": {}}}, "images": {"aws": {"regions": regions}}}
    stream = parse_stream(json.dumps({"stream": "rhcos-4.20", "architectures": {"x86_64": arch}}).encode(), subject="stream")
    plans = (PurchasePlan.OCP, PurchasePlan.OKE_EMEA)
    return PopulateRequest(stream=stream, now=datetime(2026, 3, 1, tzinfo=UTC), plans=plans)


def test_a_fifth_of_refusals_changes_no_answer_and_at_worst_fails_a_slot(
    marketplace: Catalogue, populate_request: PopulateRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_PROFILE", raising=False)

    async def search() -> tuple[list[Finding], list[list[Finding]], int]:
        with AwsThread(marketplace) as aws:
            retries = Retries(attempts=3, first_wait_s=0.001, longest_wait_s=0.002, total_s=20)
            async with Ec2Catalogue(AwsOptions(endpoint=aws.url, retries=retries)) as catalogue:
                undisturbed = await find_aws_marketplace(catalogue, populate_request)
                runs, ended = [], 0
                for seed in range(_SEEDS):
                    aws.faults.clear()
                    aws.faults.add(Fault.parse(f"status=429,retry_after=0,probability=0.2,seed={seed}"))
                    aws.faults.add(Fault.parse(f"status=500,probability=0.2,seed={seed + _SEEDS}"))
                    try:
                        runs.append(await find_aws_marketplace(catalogue, populate_request))
                    except TransientError:
                        ended += 1
                return undisturbed, runs, ended

    undisturbed, runs, ended = asyncio.run(search())
    assert [finding.rule for finding in undisturbed] == [Rule.EXACT] * 6
    failed = 0
    for findings in runs:
        for expected, found in zip(undisturbed, findings, strict=True):
            assert found == expected or (found.rule, found.slot, found.image) == (Rule.FAILED, expected.slot, None)
            failed += found.rule is Rule.FAILED
    assert len(runs) + ended == _SEEDS
    assert any(all(finding.rule is Rule.EXACT for finding in findings) for findings in runs)
    assert failed + ended > 0, "the faults were too few to show anything"
