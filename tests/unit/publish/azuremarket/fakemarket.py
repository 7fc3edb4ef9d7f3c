"""A publisher's products in memory, behind the port; the simulator's own state machine stands in them, without HTTP.

Calls count with those of the storage account, so that a push can be killed at any of both.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from tests.unit.publish.azure.fakeblobs import FakeAccount

from penstock.formats.azureproduct import read_job, read_product_page, read_resource_tree, read_submissions, write_configure
from penstock.model.errors import NotFoundError, OperationError, PenstockError
from penstock.model.push.accounts import AzureCredential
from penstock.model.push.azuremarket import Job, Resource, ResourceTree, Submission, TargetType
from penstock.model.record import Tree
from penstock.simulators.azure.ingestion import IngestionOperations
from penstock.simulators.azure.ingestionproducts import Durations, SimulatedProduct
from penstock.simulators.cloud.catalogue import AzureProduct
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.operations import Refusal


class FakeMarket:
    """Partner Center, which outlives the programs that use it.

    Attributes:
        begun: how many jobs were begun, by what they ask for: ``draft``, ``preview``, ``live``.
        sent: what each job was sent.
        failing: what calls of a name raise, the next one first; None is for a call that goes well.
        unheard: what changes are answered with that are carried out: their answers are lost.
        late_looks: how often a draft is shown as it was before its first change.
    """

    def __init__(self, account: FakeAccount, clock: SimulatorClock, products: Iterable[AzureProduct]) -> None:
        self.account = account
        self.clock = clock
        self.service = IngestionOperations(clock, durations=Durations(3, 60, 30), page_entries=50)
        self.service.stock(products)
        self.begun: Counter[str] = Counter()
        self.sent: list[list[dict[str, Any]]] = []
        self.failing: dict[str, list[PenstockError | None]] = {}
        self.unheard: list[PenstockError] = []
        self.late_looks = 0
        self.before: dict[str, Any] | None = None

    def offer(self, name: str) -> SimulatedProduct:
        """The product, after all that is over by now."""
        self.service.state.settle()
        return self.service.state.by_offer(name)

    def versions(self, offer: str, plan: str, target: str) -> dict[str, dict[str, str]]:
        """By version and type the addresses of a plan's disks, without signatures."""
        return {
            version["versionNumber"]: {
                image["imageType"]: image["source"]["osDisk"]["uri"].partition("?")[0] for image in version["vmImages"]
            }
            for version in self.technical(offer, plan, target)["vmImageVersions"]
        }

    def technical(self, offer: str, plan: str, target: str) -> dict[str, Any]:
        """The technical configuration of a plan."""
        tree = self.offer(offer).trees[target]
        found = next(each for key, each in tree.items() if key.startswith("plan/") and each["identity"]["externalId"] == plan)
        return next(each for key, each in tree.items() if key.startswith("virtual-machine") and each["plan"] == found["id"])


class FakeIngestion:
    """:class:`penstock.ports.azuremarket.ProductIngestion` of a :class:`FakeMarket`."""

    def __init__(self, market: FakeMarket) -> None:
        self._market = market

    async def products(self) -> tuple[Resource, ...]:
        await self._begin("products")
        products = [each.summary() for each in self._market.service.state.products.values()]
        return read_product_page(_bytes({"value": products}), subject="products").products

    async def submissions(self, product: str) -> tuple[Submission, ...]:
        await self._begin("submissions")
        return read_submissions(_bytes({"value": list(self._product(product).submissions.values())}), subject="submissions")

    async def tree(self, product: str, target: TargetType) -> ResourceTree:
        await self._begin("tree")
        tree = self._product(product).tree(target.value)
        if target is TargetType.DRAFT and self._market.late_looks and self._market.before is not None:
            self._market.late_looks -= 1
            tree = self._market.before
        if tree is None:
            raise NotFoundError("it has no such target", subject=product)
        return read_resource_tree(_bytes(tree), subject=product)

    async def configure(self, resources: Sequence[Tree]) -> Job:
        await self._begin("configure")
        self._market.before = self._market.before or self._market.service.state.by_offer("rhel").tree("draft")
        document = json.loads(write_configure(resources, version="2022-07-01"))
        try:
            job = self._market.service.accept(document)
        except Refusal as refusal:
            raise OperationError(refusal.message) from None
        if not job.errors:
            self._market.begun[job.target or "draft"] += 1
        self._market.sent.append(document["resources"])
        self._market.account.end()
        if self._market.unheard:
            raise self._market.unheard.pop(0)
        return read_job(_bytes(job.document(self._market.clock.now)), subject="job")

    async def job(self, job_id: str) -> Job:
        await self._begin("job")
        found = self._market.service.state.jobs.get(job_id)
        if found is None:
            raise NotFoundError("there is no such job", subject=job_id)
        return read_job(_bytes(found.document(self._market.clock.now)), subject="job")

    async def _begin(self, name: str) -> None:
        await self._market.account.begin(name)
        self._market.service.state.settle()
        failing = self._market.failing.get(name)
        error = failing.pop(0) if failing else None
        if error is not None:
            raise error

    def _product(self, key: str) -> SimulatedProduct:
        found = self._market.service.state.products.get(key.removeprefix("product/"))
        if found is None:
            raise NotFoundError("there is no such product", subject=key)
        return found


class FakePublishers:
    """:class:`penstock.ports.azuremarket.AzurePublishers`, one market for every account."""

    def __init__(self, market: FakeMarket) -> None:
        self._market = market

    def ingestion(self, credential: AzureCredential) -> FakeIngestion:
        return FakeIngestion(self._market)


def _bytes(document: object) -> bytes:
    return json.dumps(document).encode()
