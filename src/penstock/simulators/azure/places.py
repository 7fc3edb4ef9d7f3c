"""Where Azure's catalogues are asked for: the regions of each cloud, and what every question to the Resource Manager must hold."""

import re
from collections.abc import Mapping
from typing import Final

from penstock.simulators.cloud.catalogue import AzureCloud
from penstock.simulators.cloud.operations import Call, Refusal

_PUBLIC = """
australiacentral australiaeast australiasoutheast austriaeast belgiumcentral brazilsouth canadacentral canadaeast centralindia centralus
chilecentral eastasia eastus eastus2 francecentral germanywestcentral indonesiacentral israelcentral italynorth japaneast japanwest
koreacentral koreasouth malaysiawest mexicocentral newzealandnorth northcentralus northeurope norwayeast polandcentral qatarcentral
southafricanorth southcentralus southeastasia southindia spaincentral swedencentral switzerlandnorth uaenorth uksouth ukwest
westcentralus westeurope westindia westus westus2 westus3
"""
LOCATIONS: Final[Mapping[AzureCloud, frozenset[str]]] = {
    AzureCloud.PUBLIC: frozenset(_PUBLIC.split()),
    AzureCloud.US_GOVERNMENT: frozenset(("usgovarizona", "usgovtexas", "usgovvirginia", "usdodcentral", "usdodeast")),
    AzureCloud.CHINA: frozenset(("chinaeast", "chinaeast2", "chinaeast3", "chinanorth", "chinanorth2", "chinanorth3")),
}
"""Regions by cloud, by the names that paths have."""

_API_VERSION = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}(-preview)?")


def api_version_of(call: Call) -> str:
    """The ``api-version`` of a question, a day; later ones know more.

    Raises:
        Refusal: 400, it is missing or none.
    """
    given = next((value for key, value in call.query.items() if key.lower() == "api-version"), "")
    if not given:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise Refusal(400, "MissingApiVersionParameter", message)
    if _API_VERSION.fullmatch(given) is None:
        raise Refusal(400, "InvalidApiVersionParameter", f"The api-version '{given}' is invalid.")
    return given


def location_of(call: Call, cloud: AzureCloud) -> str:
    """The region that the path names, in lower case.

    Raises:
        Refusal: 400, this cloud has no such region.
    """
    location = call.path["location"].lower()
    if location not in LOCATIONS[cloud]:
        known = ", ".join(sorted(LOCATIONS[cloud]))
        message = f"No registered resource provider found for location '{call.path['location']}'. The supported locations are '{known}'."
        raise Refusal(400, "NoRegisteredProviderFound", message)
    return location
