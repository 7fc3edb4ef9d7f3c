"""Azure's catalogues on loopback: marketplace images, community galleries, sizes and terms, and the endpoint that gives out tokens.

::

    async with AzureSimulator(catalogue) as azure:
        ...  # azure.url is the management endpoint and the authority; azure.account says who may ask
        azure.issue_token()  # a bearer token without the endpoint

    with AzureThread(catalogue) as azure:
        ...  # the same, from synchronous code

Left out on purpose: certificates and federated assertions as a client's proof, managed identities, everything that writes but the
acceptance of terms.
"""

from penstock.simulators.azure.entra import AzureAccount
from penstock.simulators.azure.server import AzureSimulator, AzureThread

__all__ = ["AzureAccount", "AzureSimulator", "AzureThread"]
