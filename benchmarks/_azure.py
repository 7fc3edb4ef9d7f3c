"""A catalogue of Azure with many versions, in a process of its own: the scene of the populate measurement.

    python benchmarks/_azure.py VERSIONS LATENCY_S

Prints the address, a token and the subscription on one line each, and serves until it is terminated.
"""

import asyncio
import sys

from penstock.formats.stream import parse_marketplace
from penstock.simulators.azure import AzureSimulator
from penstock.simulators.cloud import Fault, crowded, implied_catalogue


async def serve(versions: int, latency_s: float) -> None:
    """Serve what the marketplace file on stdin implies, with older versions in each SKU up to that many."""
    marketplace = parse_marketplace(sys.stdin.buffer.read(), subject="standard input")
    catalogue = crowded(implied_catalogue(marketplace=marketplace), versions)
    faults = [Fault.parse(f"slow={latency_s}")] if latency_s else []
    async with AzureSimulator(catalogue, faults=faults) as azure:
        print(azure.url, azure.issue_token(), azure.account.subscription, sep="\n", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
