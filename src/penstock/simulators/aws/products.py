"""Products of AWS Marketplace as a seller's Catalog has them, and what change sets make of them."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from penstock.simulators.aws.shown import ShownImage
from penstock.simulators.cloud.catalogue import AwsProduct, AwsVersion
from penstock.simulators.cloud.clock import moment_text

REGION: Final = "us-east-1"
"""Where the marketplace takes images from."""
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_NAMES = uuid.UUID("7b0c6a0e-8f0a-4a38-9a67-0d6d4f3d2b11")


class NotApplied(Exception):
    """A change that its check refuses; ``code`` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldVersion:
    """A version of a product, of one delivery option.

    Attributes:
        id: of the version.
        option: the id of the delivery option.
        title: of it.
        created: when it was added.
        image: the AMI.
        visibility: ``Public``, ``Limited``, ``Restricted``.
        notes: of the release.
        details: ``AmiDeliveryOptionDetails`` as they were asked for, ``{}`` for those of the catalogue.
    """

    id: str
    option: str
    title: str
    created: datetime
    image: str
    visibility: str = "Public"
    notes: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As DescribeEntity tells of it."""
        source, details = f"{self.option}-source", self.details
        asked = details.get("AmiSource", {})
        groups = [
            {"Protocol": one["IpProtocol"], "FromPort": one["FromPort"], "ToPort": one["ToPort"], "CidrIps": one["IpRanges"]}
            for one in details.get("SecurityGroups", ())
        ]
        access = details.get("AccessEndpointUrl")
        instructions = {"Usage": details.get("UsageInstructions", "")} | (
            {"Access": {"Type": "Url", "Port": access["Port"], "Protocol": access["Protocol"]}} if access else {}
        )
        return {
            "Id": self.id,
            "ReleaseNotes": self.notes,
            "VersionTitle": self.title,
            "CreationDate": moment_text(self.created),
            "Sources": [
                {
                    "Type": "AmazonMachineImage",
                    "Id": source,
                    "Image": self.image,
                    "Architecture": "x86_64",
                    "VirtualizationType": "hvm",
                    "OperatingSystem": {
                        "Name": asked.get("OperatingSystemName", "OTHERLINUX"),
                        "Version": asked.get("OperatingSystemVersion", ""),
                        "Username": asked.get("UserName", "ec2-user"),
                        "ScanningPort": asked.get("ScanningPort", 22),
                    },
                    "Compatibility": {"AvailableInstanceTypes": [], "RestrictedInstanceTypes": []},
                }
            ],
            "DeliveryOptions": [
                {
                    "Id": self.option,
                    "Type": "AmazonMachineImage",
                    "SourceId": source,
                    "Title": "64-bit AMI",
                    "ShortDescription": "",
                    "Instructions": instructions,
                    "Recommendations": {"InstanceType": details.get("RecommendedInstanceType", ""), "SecurityGroups": groups},
                    "Visibility": self.visibility,
                }
            ],
        }


@dataclass(slots=True)
class SoldProduct:
    """A product with its versions; ``owner`` is the number of the seller's account, ``""`` for every account."""

    id: str
    type: str
    title: str
    owner: str
    versions: list[SoldVersion] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """``DetailsDocument``, with every part that readers of it ask for (cloudpub: ``cloudpub/models/aws.py``)."""
        return {
            "Description": {
                "ProductTitle": self.title,
                "ProductCode": self.id,
                "ShortDescription": self.title,
                "LongDescription": self.title,
                "Manufacturer": "",
                "Highlights": [],
                "SearchKeywords": [],
                "Categories": ["Operating Systems"],
                "Visibility": "Public",
                "ProductState": "Available",
            },
            "PromotionalResources": {"LogoUrl": "", "PromotionalMedia": [], "Videos": [], "AdditionalResources": []},
            "SupportInformation": {"Description": "", "Resources": []},
            "RegionAvailability": {"Restrict": [], "Regions": [REGION], "FutureRegionSupport": "All"},
            "Targeting": {"PositiveTargeting": {"BuyerAccounts": []}},
            "Dimensions": [],
            "Versions": [each.document() for each in self.versions],
        }


class Products:
    """All products.

    Args:
        image: an AMI of a region by its id, or None.
    """

    def __init__(self, image: Callable[[str, str], ShownImage | None]) -> None:
        self._image = image
        self._products: dict[str, SoldProduct] = {}

    def stock(self, products: tuple[AwsProduct, ...], versions: tuple[AwsVersion, ...]) -> None:
        """Have these; what was changed in a product that is there already stays."""
        for each in products:
            self._products.setdefault(each.id, SoldProduct(each.id, each.type, each.title, each.owner))
        for one in versions:
            sold = self._products.setdefault(one.product, SoldProduct(one.product, "AmiProduct", one.product, ""))
            made = _stocked(one)
            if made.id not in {each.id for each in sold.versions}:
                sold.versions.append(made)

    def of(self, product_id: str, account: str) -> SoldProduct | None:
        """A product that the account sells, or None."""
        found = self._products.get(product_id)
        return found if found is not None and found.owner in ("", account) else None

    def check(self, kind: str, product: SoldProduct, details: Mapping[str, Any], account: str) -> None:
        """See whether a change can be applied.

        Raises:
            NotApplied: it cannot.
        """
        if kind == "RestrictDeliveryOptions":
            missing = set(details["DeliveryOptionIds"]) - {each.option for each in product.versions}
            if missing:
                raise NotApplied("INVALID_INPUT", f"There is no delivery option {min(missing)}")
            return
        option = _option(details)
        if kind == "UpdateDeliveryOptions" and option.get("Id") not in {each.option for each in product.versions}:
            raise NotApplied("INVALID_INPUT", f"There is no delivery option {option.get('Id')}")
        wanted = _asked(details)["AmiSource"]["AmiId"]
        image = self._image(REGION, wanted)
        if image is None or image.owner != account:
            raise NotApplied("INVALID_INPUT", f"The account has no image {wanted} in {REGION}")
        if image.state != "available":
            raise NotApplied("INVALID_INPUT", f"The image {wanted} is {image.state}")

    def apply(self, kind: str, product: SoldProduct, details: Mapping[str, Any], now: datetime) -> None:
        """Change it."""
        if kind == "RestrictDeliveryOptions":
            ids = set(details["DeliveryOptionIds"])
            product.versions = [replace(each, visibility="Restricted") if each.option in ids else each for each in product.versions]
            return
        version, asked = details["Version"], _asked(details)
        told: dict[str, Any] = {
            "title": version["VersionTitle"],
            "notes": version["ReleaseNotes"],
            "image": asked["AmiSource"]["AmiId"],
            "details": asked,
        }
        if kind == "UpdateDeliveryOptions":
            option = _option(details)["Id"]
            product.versions = [replace(each, **told) if each.option == option else each for each in product.versions]
        else:
            product.versions.append(SoldVersion(id=str(uuid.uuid4()), option=f"do-{uuid.uuid4().hex[:13]}", created=now, **told))


def _stocked(one: AwsVersion) -> SoldVersion:
    name = uuid.uuid5(_NAMES, f"{one.product} {one.title} {one.image}")
    return SoldVersion(
        id=str(name),
        option=f"do-{name.hex[:13]}",
        title=one.title,
        created=one.created_at or _LONG_AGO,
        image=one.image,
        visibility=one.visibility,
        notes="of the catalogue",
    )


def _option(details: Mapping[str, Any]) -> Mapping[str, Any]:
    first: Mapping[str, Any] = details["DeliveryOptions"][0]
    return first


def _asked(details: Mapping[str, Any]) -> Mapping[str, Any]:
    asked: Mapping[str, Any] = _option(details)["Details"]["AmiDeliveryOptionDetails"]
    return asked
