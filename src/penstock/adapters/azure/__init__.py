"""The Azure Resource Manager: images in the marketplace and in community galleries, by plain REST."""

from penstock.adapters.azure.catalogue import ArmCatalogue
from penstock.adapters.azure.options import AzureCloud, AzureOptions

__all__ = ["ArmCatalogue", "AzureCloud", "AzureOptions"]
