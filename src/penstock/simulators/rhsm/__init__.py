"""RHSM's catalogue of images in Amazon's cloud, on loopback.

::

    with RhsmThread(products=[RhsmProduct("RHEL_HOURLY", "AWS")]) as rhsm:
        ...  # rhsm.url; rhsm.images and rhsm.regions say what was entered

Left out on purpose: everything else that RHSM does.
"""

from penstock.simulators.rhsm.server import USUAL_PRODUCTS, RhsmSimulator, RhsmThread

__all__ = ["USUAL_PRODUCTS", "RhsmSimulator", "RhsmThread"]
