"""The machine API of a cluster, read once: MachineSets and what tells of the cluster around them."""

import asyncio
import os
from collections.abc import Mapping
from typing import Final

from yarl import URL

from penstock.adapters.http.options import HttpOptions
from penstock.adapters.http.rest import RestClient
from penstock.adapters.kube.connection import KubeConnection
from penstock.formats.jsontext import parse_json
from penstock.formats.machines import MachineDump, read_machine_objects
from penstock.model.errors import InputError, OperationError
from penstock.model.record import Tree

_LISTS: Final[Mapping[str, str]] = {
    "MachineSet": "apis/machine.openshift.io/v1beta1/machinesets",
    "ControlPlaneMachineSet": "apis/machine.openshift.io/v1/controlplanemachinesets",
    "Infrastructure": "apis/config.openshift.io/v1/infrastructures",
    "ClusterVersion": "apis/config.openshift.io/v1/clusterversions",
    "MachineConfiguration": "apis/operator.openshift.io/v1/machineconfigurations",
}
_PAGE: Final = 500
_LONGEST_PAGE_BYTES: Final = 256 << 20
_OK: Final = 200
_NOT_FOUND: Final = 404
_REFUSED: Final = frozenset({401, 403})


async def read_machines(connection: KubeConnection) -> MachineDump:
    """What the boot-image rules look at, from a running cluster; only reads.

    Raises:
        OperationError: the server refuses.
        TransientError: it does not answer.
        InputError: what it gives is no such object.
    """
    client = RestClient(HttpOptions(tls=connection.tls, environment=dict(os.environ)))
    try:
        lists = await asyncio.gather(*(_list(client, connection, kind, path) for kind, path in _LISTS.items()))
    finally:
        await client.close()
    return read_machine_objects([item for items in lists for item in items], subject=str(connection.server.origin()))


async def _list(client: RestClient, connection: KubeConnection, kind: str, path: str) -> list[Mapping[str, Tree]]:
    """All objects of a kind; none where the cluster does not know the kind."""
    found: list[Mapping[str, Tree]] = []
    query = {"limit": str(_PAGE)}
    while True:
        url = connection.server.joinpath(path).with_query(query)
        answer = await client.get(url, subject=f"{kind}s of {_place(url)}", tokens=connection.tokens)
        if answer.status == _NOT_FOUND:
            return []
        if answer.status != _OK:
            hint = "check the rights of the account" if answer.status in _REFUSED else ""
            raise OperationError(f"the API server answered {answer.status}", subject=f"{kind}s of {_place(url)}", hint=hint)
        page = parse_json(answer.body, subject=f"{kind}s of {_place(url)}", limit_bytes=_LONGEST_PAGE_BYTES)
        items = page.get("items") if isinstance(page, Mapping) else None
        if not isinstance(page, Mapping) or not isinstance(items, list):
            raise InputError("the answer is no list of objects", subject=f"{kind}s of {_place(url)}")
        # Items of a list do not repeat what they all are.
        found += [{"apiVersion": page.get("apiVersion"), **item, "kind": kind} for item in items if isinstance(item, Mapping)]
        metadata = page.get("metadata")
        continued = metadata.get("continue") if isinstance(metadata, Mapping) else None
        if not continued:
            return found
        query = {"limit": str(_PAGE), "continue": str(continued)}


def _place(url: URL) -> str:
    return str(url.origin())
