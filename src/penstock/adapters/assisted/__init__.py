"""What hosts get, asked of assisted-service over its REST API, as OpenShift's image service asks it."""

from penstock.adapters.assisted.client import AssistedBackend
from penstock.adapters.assisted.options import AssistedOptions

__all__ = ["AssistedBackend", "AssistedOptions"]
