"""OpenShift Cluster Manager: the pull secret of an account.

::

    async with OcmClient(OcmOptions(client=ServiceAccount("id", "secret"))) as ocm:
        await ocm.pull_secret()
"""

from penstock.adapters.ocm.client import OcmClient
from penstock.adapters.ocm.options import OcmOptions, OfflineToken, ServiceAccount

__all__ = ["OcmClient", "OcmOptions", "OfflineToken", "ServiceAccount"]
