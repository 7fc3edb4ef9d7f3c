"""AMIs as ``DescribeImages`` tells of them."""

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from penstock.model.arch import Arch
from penstock.simulators.aws.query import Xml, filters_of, keep_filtered, listed, xml_answer
from penstock.simulators.cloud.catalogue import Ami
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.faults import without_some
from penstock.simulators.cloud.operations import Call, Refusal

_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_AMI_ID = re.compile(r"ami-(?:[0-9a-f]{8}|[0-9a-f]{17})")
_MOST_RESULTS = 1000
_ARCHITECTURES = {Arch.X86_64: "x86_64", Arch.AARCH64: "arm64"}


_FILTERS: Final[Mapping[str, Callable[[Ami], str]]] = {
    "architecture": lambda ami: _ARCHITECTURES.get(ami.arch, ami.arch.value),
    "creation-date": lambda ami: _time(ami.published_at or _LONG_AGO),
    "description": lambda ami: ami.description,
    "image-id": lambda ami: ami.id,
    "image-type": lambda _: "machine",
    "is-public": lambda ami: str(ami.public).lower(),
    "name": lambda ami: ami.name,
    "owner-alias": lambda ami: ami.owner_alias,
    "owner-id": lambda ami: ami.owner,
    "product-code": lambda ami: ami.product_code,
    "product-code.type": lambda ami: "marketplace" if ami.product_code else "",
    "root-device-type": lambda _: "ebs",
    "state": lambda ami: ami.state,
    "virtualization-type": lambda _: "hvm",
}


class Images:
    """The AMIs of all regions.

    Args:
        clock: by which they appear, are deprecated and go.
        account: the number of the account that asks; it sees its own private and deprecated images.
    """

    def __init__(self, clock: SimulatorClock, account: str) -> None:
        self._clock = clock
        self._account = account
        self._regions: dict[str, list[Ami]] = {}

    def stock(self, images: Iterable[Ami]) -> None:
        """Serve ``images`` from now on."""
        regions: dict[str, list[Ami]] = {}
        for ami in images:
            regions.setdefault(ami.region, []).append(ami)
        self._regions = regions

    def describe(self, call: Call, form: Mapping[str, str], region: str) -> web.Response:
        """Answer ``DescribeImages``."""
        now = self._clock.now
        seen = [ami for ami in self._regions.get(region, []) if ami.is_listed(now) and (ami.public or ami.owner == self._account)]
        ids, owners = listed(form, "ImageId"), listed(form, "Owner")
        if ids:
            if "MaxResults" in form:
                message = "The parameter imageIds cannot be used with the parameter maxResults"
                raise Refusal(400, "InvalidParameterCombination", message)
            seen = _by_id(seen, ids)
        elif form.get("IncludeDeprecated", "").lower() != "true":
            # Whoever names an image by its id sees it in any case, and so does its owner.
            seen = [ami for ami in seen if ami.owner == self._account or not ami.is_deprecated(now)]
        if owners:
            wanted = {self._account if owner == "self" else owner for owner in owners}
            seen = [ami for ami in seen if ami.owner in wanted or ami.owner_alias in wanted]
        found = keep_filtered(seen, filters_of(form), _FILTERS)
        page, token = _page(sorted(without_some(found, call.strikes), key=lambda ami: ami.id), form)
        items: list[Xml] = [_item(ami) for ami in page]
        return xml_answer("DescribeImages", {"imagesSet": items, "nextToken": token})


def _by_id(seen: list[Ami], ids: list[str]) -> list[Ami]:
    for one in ids:
        if _AMI_ID.fullmatch(one) is None:
            raise Refusal(400, "InvalidAMIID.Malformed", f'Invalid id: "{one}" (expecting "ami-...")')
    there = {ami.id: ami for ami in seen}
    missing = [one for one in ids if one not in there]
    if missing:
        what = "id" if len(missing) == 1 else "ids"
        does = "does" if len(missing) == 1 else "do"
        raise Refusal(400, "InvalidAMIID.NotFound", f"The image {what} '[{', '.join(missing)}]' {does} not exist")
    return [there[one] for one in dict.fromkeys(ids)]


def _page(found: list[Ami], form: Mapping[str, str]) -> tuple[list[Ami], str | None]:
    """The images behind ``NextToken``, ``MaxResults`` of them, and the next token; a token holds the last id, so that pages stay true."""
    if "NextToken" in form:
        try:
            last = base64.b64decode(form["NextToken"], validate=True).decode()
        except ValueError:
            raise Refusal(400, "InvalidParameterValue", "Unable to parse pagination token") from None
        found = [ami for ami in found if ami.id > last]
    if "MaxResults" not in form:
        return found, None
    text = form["MaxResults"]
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST_RESULTS):
        raise Refusal(
            400, "InvalidParameterValue", f"Value ( {text} ) for parameter maxResults is invalid. Expecting 1 to {_MOST_RESULTS}."
        )
    page = found[: int(text)]
    return page, base64.b64encode(page[-1].id.encode()).decode() if len(found) > len(page) else None


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _item(ami: Ami) -> Xml:
    device = "/dev/xvda"
    codes: list[Xml] = [{"productCode": ami.product_code, "type": "marketplace"}] if ami.product_code else []
    disk: Xml = {"deviceName": device, "ebs": {"volumeSize": "16", "volumeType": "gp3", "deleteOnTermination": True, "encrypted": False}}
    return {
        "imageId": ami.id,
        "imageLocation": f"{ami.owner_alias or ami.owner}/{ami.name}",
        "imageState": ami.state,
        "imageOwnerId": ami.owner,
        "imageOwnerAlias": ami.owner_alias or None,
        "isPublic": ami.public,
        "productCodes": codes or None,
        "architecture": _FILTERS["architecture"](ami),
        "imageType": "machine",
        "name": ami.name,
        "description": ami.description or None,
        "rootDeviceType": "ebs",
        "rootDeviceName": device,
        "blockDeviceMapping": [disk],
        "virtualizationType": "hvm",
        "hypervisor": "xen",
        "enaSupport": True,
        "bootMode": "uefi" if ami.arch is Arch.AARCH64 else "uefi-preferred",
        "platformDetails": "Linux/UNIX",
        "usageOperation": "RunInstances",
        "creationDate": _FILTERS["creation-date"](ami),
        "deprecationTime": _time(ami.deprecated_at) if ami.deprecated_at else None,
    }
