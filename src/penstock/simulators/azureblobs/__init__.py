"""A storage account of Azure, on loopback: as much of it as page blobs need on their way to become images.

::

    with AzureBlobsThread() as storage:
        ...  # storage.connection_string is for clients; storage.blobs says what stands there, storage.requests what was asked

Containers; page blobs with their ranges, sequence numbers and conditions; index tags and searches by them; metadata; copies, that take
their time by the simulator's clock; deletion; signatures of requests and of addresses, both checked.  Blobs are sparse files.

Left out on purpose: blobs that are written in blocks or appended to, leases, snapshots and versions, tiers, and everything of the service
that is not about blobs.
"""

from penstock.simulators.azureblobs.server import AzureBlobsSimulator, AzureBlobsThread
from penstock.simulators.azureblobs.store import StoredBlob

__all__ = ["AzureBlobsSimulator", "AzureBlobsThread", "StoredBlob"]
