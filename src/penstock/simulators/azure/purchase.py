"""What stands around an image in Azure: the terms of its plan (``Microsoft.MarketplaceOrdering``) and the sizes of machines."""

import json
from collections.abc import Iterable

from aiohttp import web

from penstock.model.arch import Arch
from penstock.model.catalogue import AzureSku
from penstock.model.marketplace import Generation
from penstock.simulators.azure.places import LOCATIONS, api_version_of
from penstock.simulators.cloud.catalogue import AzureCloud, AzureImage, AzureSize
from penstock.simulators.cloud.clock import SimulatorClock, moment_text
from penstock.simulators.cloud.operations import Call, Operation, Refusal, json_answer

_ARCHITECTURES = {Arch.X86_64: "x64", Arch.AARCH64: "Arm64"}


class PurchaseOperations:
    """Terms and sizes.

    Args:
        cloud: whose regions there are.
        clock: tells when terms were read.
        accepted: the plans whose terms are accepted; grows as clients accept more.
    """

    def __init__(self, cloud: AzureCloud, clock: SimulatorClock, accepted: set[AzureSku]) -> None:
        self._cloud = cloud
        self._clock = clock
        self._accepted = accepted
        self._plans: dict[tuple[str, str, str], AzureSku] = {}
        self._sizes: tuple[AzureSize, ...] = ()

    def stock(self, images: Iterable[AzureImage], sizes: Iterable[AzureSize]) -> None:
        """Serve the plans of ``images``, and ``sizes``, from now on."""
        series = {image.series for image in images if image.plan and self._cloud in image.clouds}
        self._plans = {(one.publisher.lower(), one.offer.lower(), one.sku.lower()): one for one in series}
        self._sizes = tuple(sizes)

    def operations(self) -> Iterable[Operation]:
        """Terms are read and accepted, sizes listed."""
        base = "/subscriptions/{subscription}/providers"
        plan = "/publishers/{publisher}/offers/{offer}/plans/{plan}/agreements/current"
        terms = f"{base}/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine{plan}"
        return [
            Operation("GET", terms, "azure.terms.get", self._get_terms),
            Operation("PUT", terms, "azure.terms.accept", self._accept_terms),
            Operation("GET", f"{base}/Microsoft.Compute/skus", "azure.sizes.list", self._list_sizes),
        ]

    def _get_terms(self, call: Call) -> web.Response:
        return self._terms(call, self._plan(call))

    def _accept_terms(self, call: Call) -> web.Response:
        plan = self._plan(call)
        try:
            document = json.loads(call.body)
        except ValueError:
            document = None
        match document:
            case {"properties": {"accepted": bool(accepted)}}:
                (self._accepted.add if accepted else self._accepted.discard)(plan)
            case _:
                raise Refusal(400, "BadRequest", "The body holds no properties.accepted.")
        return self._terms(call, plan)

    def _plan(self, call: Call) -> AzureSku:
        api_version_of(call)
        asked = (call.path["publisher"].lower(), call.path["offer"].lower(), call.path["plan"].lower())
        plan = self._plans.get(asked)
        if plan is None:
            raise Refusal(404, "ResourceNotFound", f"The plan '{':'.join(asked)}' was not found.")
        return plan

    def _terms(self, call: Call, plan: AzureSku) -> web.Response:
        names = {"publisher": plan.publisher, "product": plan.offer, "plan": plan.sku}
        return json_answer(
            {
                "id": call.request.path,
                "name": plan.sku,
                "type": "Microsoft.MarketplaceOrdering/offertypes",
                "properties": {**names, "retrieveDatetime": moment_text(self._clock.now), "accepted": plan in self._accepted},
            }
        )

    def _list_sizes(self, call: Call) -> web.Response:
        api_version_of(call)
        wanted = _wanted_location(call.query.get("$filter", ""))
        told = [
            _size(size, location)
            for size in self._sizes
            for location in sorted(LOCATIONS[self._cloud])
            if (wanted in ("", location)) and (size.locations is None or location in size.locations)
        ]
        return json_answer({"value": told})


def _wanted_location(text: str) -> str:
    """Of ``location eq 'centralus'``, the only filter that the real one knows."""
    if not text:
        return ""
    key, _, value = text.partition(" eq ")
    if key.strip().lower() != "location" or len(value.strip()) < 2 or value.strip()[0] + value.strip()[-1] != "''":
        raise Refusal(400, "InvalidFilter", f"The filter '{text}' is not supported.")
    return value.strip()[1:-1].lower()


def _size(size: AzureSize, location: str) -> dict[str, object]:
    generations = ",".join("V1" if generation is Generation.GEN1 else "V2" for generation in size.generations)
    capabilities = {"HyperVGenerations": generations, "CpuArchitectureType": _ARCHITECTURES.get(size.arch, size.arch.value)}
    return {
        "resourceType": "virtualMachines",
        "name": size.name,
        "tier": "Standard",
        "size": size.name.removeprefix("Standard_"),
        "locations": [location],
        "capabilities": [{"name": name, "value": value} for name, value in capabilities.items()],
        "restrictions": [],
    }
