"""Pub's logs of tasks, on loopback: which images earlier pushes made.

::

    with PubThread({42: {"clouds.json": Path("artifacts/latest/clouds.json").read_bytes()}}) as pub:
        ...  # pub:{pub.url}?task_id=42

pushsource reaches the real one by HTTPS alone, whatever its address says, and wants ``tls`` here too.
"""

from penstock.simulators.pub.server import PubSimulator, PubThread

__all__ = ["PubSimulator", "PubThread"]
