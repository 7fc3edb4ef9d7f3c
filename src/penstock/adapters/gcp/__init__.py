"""Google Cloud: the images of its projects, by plain REST; google-auth alone is asked for credentials."""

from penstock.adapters.gcp.catalogue import ComputeCatalogue
from penstock.adapters.gcp.options import GcpOptions

__all__ = ["ComputeCatalogue", "GcpOptions"]
