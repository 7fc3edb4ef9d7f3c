"""Azure on loopback: marketplace images, community galleries, sizes and terms, a publisher's products, and tokens.

::

    async with AzureSimulator(catalogue) as azure:
        ...  # azure.url is the management endpoint and the authority; azure.account says who may ask
        azure.issue_token()  # a bearer token without the endpoint

    with AzureThread(catalogue) as azure:
        ...  # the same, from synchronous code

A publisher's products (product ingestion) stand in three states, draft, preview and live; what changes them are jobs, which go on by the
clock: ``Durations`` says how long.  How the next previews of a product end is written in the catalogue (``AzureProduct.previews``).

Left out on purpose: certificates and federated assertions as a client's proof, managed identities, plans of other kinds than virtual
machines, and the resources of a product that nobody here reads.
"""

from penstock.simulators.azure.entra import AzureAccount
from penstock.simulators.azure.ingestionproducts import Durations
from penstock.simulators.azure.server import AzureSimulator, AzureThread

__all__ = ["AzureAccount", "AzureSimulator", "AzureThread", "Durations"]
