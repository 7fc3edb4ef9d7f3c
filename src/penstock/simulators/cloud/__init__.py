"""What the simulators of the clouds' catalogues share: values, documents, a clock, faults, the request log, the server.

::

    catalogue = implied_catalogue(marketplace=parse_marketplace(content, subject="marketplace.json"))
    with AzureThread(catalogue, now=datetime(2026, 5, 20, tzinfo=UTC), faults=[Fault.parse("status=429,times=2")]) as azure:
        ...  # ask azure.url
        azure.clock.advance(86_400)  # a day later more is published
        [request.api for request in azure.requests]
"""

from penstock.simulators.cloud.catalogue import (
    AZURE_SIZES,
    Ami,
    AzureCloud,
    AzureImage,
    AzureSize,
    Catalogue,
    GalleryImage,
    GcpImage,
    Published,
)
from penstock.simulators.cloud.clock import SimulatorClock, moment_text, parse_moment
from penstock.simulators.cloud.document import parse_catalogue, write_catalogue
from penstock.simulators.cloud.faults import Fault, FaultKind, FaultPlan
from penstock.simulators.cloud.implied import crowded, implied_catalogue
from penstock.simulators.cloud.journal import Request

__all__ = [
    "AZURE_SIZES",
    "Ami",
    "AzureCloud",
    "AzureImage",
    "AzureSize",
    "Catalogue",
    "Fault",
    "FaultKind",
    "FaultPlan",
    "GalleryImage",
    "GcpImage",
    "Published",
    "Request",
    "SimulatorClock",
    "crowded",
    "implied_catalogue",
    "moment_text",
    "parse_catalogue",
    "parse_moment",
    "write_catalogue",
]
