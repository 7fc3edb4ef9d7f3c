"""The outside world as the stages see it.

Ports are async where they wait for a network or a database.  What a worker thread reads or writes (``BlobReader``, ``Staging``) is
blocking, and says so.
"""

from penstock.ports.clouds import AwsCatalogue, AzureCatalogue, GcpCatalogue
from penstock.ports.downloads import FileHistory, FileSource, FileVersion, MirrorFolder, PartialFile, SignatureCheck
from penstock.ports.folders import Outlet, Staging
from penstock.ports.images import BringImages, HeldRange, HostBackend, ImageFile, ImageOrigins, ImageStore
from penstock.ports.progress import ProgressSink
from penstock.ports.records import Clock, Ledger, PreciseClock
from penstock.ports.registries import BlobReader, Registry

__all__ = [
    "AwsCatalogue",
    "AzureCatalogue",
    "BlobReader",
    "BringImages",
    "Clock",
    "FileHistory",
    "FileSource",
    "FileVersion",
    "GcpCatalogue",
    "HeldRange",
    "HostBackend",
    "ImageFile",
    "ImageOrigins",
    "ImageStore",
    "Ledger",
    "MirrorFolder",
    "Outlet",
    "PartialFile",
    "PreciseClock",
    "ProgressSink",
    "Registry",
    "SignatureCheck",
    "Staging",
]
