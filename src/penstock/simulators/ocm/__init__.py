"""OpenShift Cluster Manager on loopback: the endpoint that gives pull secrets, and the token endpoint of single sign-on.

::

    async with OcmSimulator(account=OcmAccount()) as ocm:
        ...  # ocm.url is OCM, ocm.token_url the token endpoint; ocm.account says who may ask
        ocm.pull_secret = {"auths": {…}}  # from now on another one is given

    with OcmThread() as ocm:
        ...  # the same, from synchronous code

Left out on purpose: everything else that OCM does.
"""

from penstock.simulators.ocm.account import OcmAccount
from penstock.simulators.ocm.server import OcmSimulator, OcmThread, simulated_pull_secret

__all__ = ["OcmAccount", "OcmSimulator", "OcmThread", "simulated_pull_secret"]
