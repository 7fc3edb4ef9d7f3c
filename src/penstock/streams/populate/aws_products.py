"""What Red Hat sells in the AWS Marketplace, and how its images tell their build.

The products are those that the machine-config operator knows (openshift/machine-config-operator,
``pkg/controller/bootimage/marketplace``): a product's id is the end of the names of its images, in every region.
"""

import re
from collections.abc import Mapping
from typing import Final

from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.model.marketplace import PurchasePlan
from penstock.model.versions.coreos import LegacyVersion, RhelVersion, parse_version

MARKETPLACE_OWNER: Final = "aws-marketplace"

PRODUCTS: Final[Mapping[tuple[Arch, PurchasePlan], str]] = {
    (Arch.AARCH64, PurchasePlan.OCP): "abc249f8-7440-45f7-a4b1-c026baff64c1",
    (Arch.AARCH64, PurchasePlan.OPP): "be6d3e94-c8dc-4a3e-9218-4b449b11f06f",
    (Arch.AARCH64, PurchasePlan.OKE): "d2d3ebcd-c1ca-43d8-bf0a-530433200f35",
    (Arch.X86_64, PurchasePlan.OCP): "59ead7de-2540-4653-a8b0-fa7926d5c845",
    (Arch.X86_64, PurchasePlan.OPP): "f5da01a6-d046-487c-9072-42fe53b1cad4",
    (Arch.X86_64, PurchasePlan.OKE): "963b36c3-de6f-48ed-b802-2b38b2a2cdeb",
    (Arch.X86_64, PurchasePlan.OCP_EMEA): "962791c7-3ae5-46d1-ba62-c7a5ebac54fd",
    (Arch.X86_64, PurchasePlan.OPP_EMEA): "628c9df3-0254-4f91-bc1f-8619d1b8eaa8",
    (Arch.X86_64, PurchasePlan.OKE_EMEA): "7026c8d7-392c-4010-b93c-f93f7bc5495f",
}
"""Architecture and plan to the product's id.  Those of EMEA are there for x86_64 alone."""

ROSA_PRODUCT: Final = "34850061-abaf-402d-92df-94325c9e947f"
"""Red Hat OpenShift Service on AWS: a managed service, and no plan of a stream; its descriptions are the shortest."""

_BUILD = re.compile(r"(?<![0-9.])[0-9]+\.[0-9]+\.(?:[0-9]{12}|[0-9]{8})-[0-9]+(?![0-9])")


def build_in(description: str) -> LegacyVersion | RhelVersion | None:
    """The build that a description tells of, wherever it stands in it; None where it tells of none.

    >>> [str(build_in(text)) for text in ("RHEL CoreOS 9.6 9.6.20260210-0 x86_64", "rhcos-9.6.20250701-0-x86_64", "RHEL 9.6")]
    ['9.6.20260210-0', '9.6.20250701-0', 'None']
    """
    for found in _BUILD.finditer(description):
        try:
            build = parse_version(found[0])
        except InputError:
            continue
        if isinstance(build, LegacyVersion | RhelVersion):
            return build
    return None


def pattern_of(product: str) -> str:
    """What the names of a product's images look like, as DescribeImages takes it."""
    return f"*{product}*"
