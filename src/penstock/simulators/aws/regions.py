"""The regions of AWS, by partition; accounts of one partition know nothing of the other."""

from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import web

from penstock.simulators.aws.query import Xml, filters_of, keep_filtered, listed, xml_answer
from penstock.simulators.cloud.operations import Refusal

_COMMERCIAL = """
af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1 ap-southeast-2
ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1 eu-central-1 eu-central-2 eu-north-1
eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2
us-west-1 us-west-2
"""
_ALWAYS_ON = """
ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1 eu-north-1 eu-west-1
eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2
"""
PARTITIONS: Final[tuple[frozenset[str], ...]] = (
    frozenset(_COMMERCIAL.split()),
    frozenset(("us-gov-east-1", "us-gov-west-1")),
    frozenset(("cn-north-1", "cn-northwest-1")),
    frozenset(("eusc-de-east-1",)),
)


def partition_of(region: str) -> frozenset[str]:
    """The regions that an account in ``region`` knows; empty for one that does not exist."""
    return next((partition for partition in PARTITIONS if region in partition), frozenset())


def describe_regions(form: Mapping[str, str], region: str, not_opted_in: frozenset[str]) -> web.Response:
    """Answer ``DescribeRegions``."""

    def status(name: str) -> str:
        if name in not_opted_in:
            return "not-opted-in"
        return "opt-in-not-required" if name in _ALWAYS_ON.split() else "opted-in"

    names = sorted(partition_of(region))
    wanted = listed(form, "RegionName")
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise Refusal(400, "InvalidParameterValue", f"Invalid region provided: {unknown[0]}")
    if wanted:
        names = [name for name in names if name in wanted]
    elif form.get("AllRegions", "").lower() != "true":
        names = [name for name in names if name not in not_opted_in]
    attributes: dict[str, Callable[[str], str]] = {"region-name": str, "opt-in-status": status, "endpoint": _endpoint}
    told: list[Xml] = [
        {"regionName": name, "regionEndpoint": _endpoint(name), "optInStatus": status(name)}
        for name in keep_filtered(names, filters_of(form), attributes)
    ]
    return xml_answer("DescribeRegions", {"regionInfo": told})


def _endpoint(name: str) -> str:
    return f"ec2.{name}.amazonaws.com"
