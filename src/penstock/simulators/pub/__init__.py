"""Pub's logs of tasks, on loopback: which images earlier pushes made.

::

    with PubThread({42: {"clouds.json": Path("artifacts/latest/clouds.json").read_bytes()}}, tls=context) as pub:
        ...  # pub:{pub.url}?task_id=42

Clients reach the real one by HTTPS alone, whatever their address says, so this one wants ``tls`` too.
"""

from penstock.simulators.pub.server import PubSimulator, PubThread

__all__ = ["PubSimulator", "PubThread"]
