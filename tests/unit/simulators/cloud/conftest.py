"""Catalogues and documents that the simulators of clouds are filled with."""

from datetime import UTC, datetime

import pytest

from penstock.model.marketplace import Generation
from penstock.simulators.cloud import Ami, AzureImage, AzureSize, Catalogue, GalleryImage, GcpImage


@pytest.fixture
def catalogue() -> Catalogue:
    """A little of everything, with what documents can say."""
    return Catalogue(
        azure=(
            AzureImage(
                publisher="azureopenshift",
                offer="aro4",
                sku="420-v2",
                version="9.6.20251015",
                published_at=datetime(2025, 10, 20, tzinfo=UTC),
                locations=frozenset({"centralus", "westus"}),
                features={"SecurityType": "TrustedLaunchSupported"},
            ),
            AzureImage(publisher="redhat", offer="rh-ocp-worker", sku="rh-ocp-worker-gen1", version="4.18.2025031114", plan=True),
        ),
        galleries=(GalleryImage(gallery="fcos-1", image="fcos-x64", version="42.20250526.1", tags={"real_version": "42.20250526.2.1"}),),
        azure_sizes=(AzureSize(name="Standard_A2_v2", generations=(Generation.GEN1,)),),
        aws=(Ami(region="us-east-1", id="ami-0123456789abcdef0", name="rhcos-9.6.20251015-1-x86_64", owner="531415883065", public=False),),
        gcp=(GcpImage(project="rhcos-cloud", name="rhcos-9-6-20251015-1-gcp-x86-64", licenses=("https://licence.example/1",)),),
    )
