"""StArMap on loopback, API v2: queries by build name or NVR, and the policies, mappings and destinations behind them.

::

    with StarmapThread(parse_yaml(content, subject="mappings.yaml")) as starmap:
        ...  # ask starmap.url
        starmap.stock = StarmapStock.of([...], subject="others")  # from now on others are served

Left out on purpose: everything that changes mappings, and API v1.
"""

from penstock.simulators.starmap.server import StarmapSimulator, StarmapThread
from penstock.simulators.starmap.stock import StarmapStock

__all__ = ["StarmapSimulator", "StarmapStock", "StarmapThread"]
