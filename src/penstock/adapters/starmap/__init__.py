"""StArMap: which build goes to which destinations.

::

    async with StarmapClient(StarmapOptions(url="https://starmap.example.com")) as starmap:
        await starmap.query("rhel-ec2", version="9.4", workflow=StarmapWorkflow.COMMUNITY, cloud=Cloud.AWS)
"""

from penstock.adapters.starmap.client import StarmapClient
from penstock.adapters.starmap.options import STARMAP_RETRIES, STARMAP_TIMEOUTS, StarmapOptions

__all__ = ["STARMAP_RETRIES", "STARMAP_TIMEOUTS", "StarmapClient", "StarmapOptions"]
