"""Sources that the library pushsource reads: builds of koji, advisories of the errata tool.

``koji:https://HUB?vmi_build=NVR,NVR&basedir=/mnt/koji``, ``errata:https://ET?errata=ID&koji_source=koji:…``; the grammar is that of
``pub:https://PUB?task_id=N`` too, which :mod:`penstock.adapters.pub` reads.

Nothing of the library is imported before a source is loaded.
"""

from penstock.adapters.pushsource.grammar import UPSTREAM_SCHEMES, UpstreamAddress, parse_upstream
from penstock.adapters.pushsource.options import PATIENCE, HubPatience
from penstock.adapters.pushsource.source import UpstreamSource

__all__ = ["PATIENCE", "UPSTREAM_SCHEMES", "HubPatience", "UpstreamAddress", "UpstreamSource", "parse_upstream"]
