"""The products of a publisher in their three states, and what happens to them by the clock."""

import copy
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from penstock.simulators.cloud.catalogue import AzureProduct
from penstock.simulators.cloud.clock import SimulatorClock, moment_text

Document = dict[str, Any]

SCHEMAS = "https://schema.mp.microsoft.com/schema"
TECHNICAL = "virtual-machine-plan-technical-configuration"
DRAFT, PREVIEW, LIVE = "draft", "preview", "live"
_NAMES = uuid.UUID("6f2c1a52-0000-4000-8000-000000000000")
_VERSIONS = {TECHNICAL: "2022-03-01-preview5", "listing": "2022-03-01-preview5", "plan-listing": "2022-03-01-preview5"}
_OUTCOMES: Mapping[str, Document] = {
    "certification": {
        "code": "badRequest",
        "message": "The submission was not successful.",
        "details": [
            {
                "code": "invalidState",
                "message": "Certification failed: the image has a password for root.",
                "details": [],
            }
        ],
    },
    "transient": {"code": "internalServerError", "message": "The submission could not be processed.", "details": []},
}
"""What a preview of this name ends with; any other name is a success."""


@dataclass(frozen=True, slots=True)
class Durations:
    """How long things take by the clock, in seconds."""

    configure_s: float = 1.0
    preview_s: float = 5.0
    live_s: float = 2.0


@dataclass(slots=True)
class SimulatedJob:
    """A ``configure`` job."""

    id: str
    product: str
    resources: list[Document]
    begun: datetime
    ends: datetime
    schema: str = ""
    errors: list[Document] = field(default_factory=list)
    over: bool = False

    @property
    def target(self) -> str:
        """``preview`` or ``live`` for a submission, ``""`` for a change of the draft."""
        submission = next((each for each in self.resources if kind_of(each) == "submission"), None)
        return str(submission["target"]["targetType"]) if submission is not None else ""

    def document(self, now: datetime) -> Document:
        """As the API tells it."""
        status = "completed" if self.over else ("running" if now > self.begun else "notStarted")
        result = ("failed" if self.errors else "succeeded") if self.over else "pending"
        told = {"jobId": self.id, "jobStatus": status, "jobResult": result, "jobStart": moment_text(self.begun), "errors": self.errors}
        return {"$schema": f"{SCHEMAS}/configure-status/2022-07-01", **told}


class SimulatedProduct:
    """One product: its trees by state, its submissions, and how its next previews end."""

    def __init__(self, stocked: AzureProduct) -> None:
        self.id = stocked.id or str(uuid.uuid5(_NAMES, stocked.offer))
        self.offer = stocked.offer
        self.outcomes = list(stocked.previews)
        self.number = 1
        draft = _tree(stocked, self.id)
        self.trees: dict[str, dict[str, Document]] = {DRAFT: draft}
        self.submissions: dict[str, Document] = {DRAFT: self._submission(DRAFT, "0", "completed", "succeeded")}
        if stocked.live:
            for target in (PREVIEW, LIVE):
                self.trees[target] = copy.deepcopy(draft)
                self.submissions[target] = self._submission(target, "1", "completed", "succeeded")
        for change in stocked.draft_changes:
            key = next((key for key in draft if key.startswith(f"{change}/")), f"{change}/{self.id}")
            draft[key] = {**draft.get(key, {"id": key, "product": f"product/{self.id}"}), "changedByHand": True}

    def summary(self) -> Document:
        """Its entry in the list of products."""
        return copy.deepcopy(self.trees[DRAFT][f"product/{self.id}"])

    def tree(self, target: str) -> Document | None:
        """In one state, with the submission of it."""
        resources = self.trees.get(target)
        if resources is None:
            return None
        told = [copy.deepcopy(each) for each in resources.values()]
        return {
            "$schema": f"{SCHEMAS}/resource-tree/2022-07-01",
            "root": f"product/{self.id}",
            "target": {"targetType": target},
            "resources": [*told, copy.deepcopy(self.submissions[target])],
        }

    def begin(self, target: str) -> None:
        """A submission runs."""
        if target == PREVIEW:
            self.number += 1
            self.submissions[PREVIEW] = self._submission(PREVIEW, str(self.number), "running", "pending")
        else:
            number = str(self.submissions[PREVIEW]["id"]).rpartition("/")[2]
            self.submissions[LIVE] = self._submission(LIVE, number, "running", "pending")

    def end(self, target: str, errors: Sequence[Document]) -> None:
        """It has ended."""
        self.submissions[target] = {**self.submissions[target], "status": "completed", "result": "failed" if errors else "succeeded"}

    def apply(self, resources: Iterable[Document]) -> None:
        """The draft takes these."""
        for each in resources:
            self.trees[DRAFT][str(each["id"])] = copy.deepcopy(each)

    def show(self, resources: Sequence[Document]) -> None:
        """The preview takes the draft; of a modular push the given resources alone, over what was published before."""
        if not resources:
            self.trees[PREVIEW] = copy.deepcopy(self.trees[DRAFT])
            return
        before = self.trees.get(PREVIEW, {})
        self.trees[PREVIEW] = {**copy.deepcopy(before), **{str(each["id"]): copy.deepcopy(each) for each in resources}}

    def _submission(self, target: str, number: str, status: str, result: str) -> Document:
        return {
            "$schema": f"{SCHEMAS}/submission/2022-07-01",
            "id": f"submission/{self.id}/{number}",
            "product": f"product/{self.id}",
            "target": {"targetType": target},
            "lifecycleState": "generallyAvailable",
            "status": status,
            "result": result,
            "created": "2026-01-01T00:00:00Z",
        }


class PublisherState:
    """All products and jobs; whatever is asked, what is over by the clock happens first."""

    def __init__(self, clock: SimulatorClock, durations: Durations) -> None:
        self.durations = durations
        self.jobs: dict[str, SimulatedJob] = {}
        self.products: dict[str, SimulatedProduct] = {}
        self._clock = clock

    def stock(self, products: Iterable[AzureProduct]) -> None:
        """Have these products, and no job."""
        made = (SimulatedProduct(each) for each in products)
        self.products = {each.id: each for each in made}
        self.jobs = {}

    def by_offer(self, offer: str) -> SimulatedProduct:
        """The product of this name; for tests.

        Raises:
            KeyError: there is none.
        """
        return next(each for each in self.products.values() if each.offer == offer)

    def begin(self, product: SimulatedProduct, resources: list[Document], target: str) -> SimulatedJob:
        """A job for these; one that meets another of the product fails."""
        now = self._clock.now
        lengths = {"": self.durations.configure_s, PREVIEW: self.durations.preview_s, LIVE: self.durations.live_s}
        job = SimulatedJob(str(uuid.uuid4()), product.id, resources, now, now + timedelta(seconds=lengths[target]))
        busy = any(not each.over and each.product == product.id and (target or not each.target) for each in self.jobs.values())
        if busy:
            job.errors = [_error("conflict", "The submission is already in progress.")]
            job.ends = now
        elif target:
            product.begin(target)
        self.jobs[job.id] = job
        return job

    def settle(self) -> None:
        """Let everything happen that is over by now."""
        now = self._clock.now
        for job in sorted(self.jobs.values(), key=lambda each: each.ends):
            if not job.over and job.ends <= now:
                job.over = True
                self._finish(job)

    def _finish(self, job: SimulatedJob) -> None:
        if job.errors:
            return
        product = self.products[job.product]
        others = [each for each in job.resources if kind_of(each) != "submission"]
        if job.target == PREVIEW:
            outcome = _OUTCOMES.get(product.outcomes.pop(0)) if product.outcomes else None
            job.errors = [copy.deepcopy(outcome)] if outcome is not None else []
        if not job.errors:
            self._carry(product, job.target, others)
        if job.target:
            product.end(job.target, job.errors)

    @staticmethod
    def _carry(product: SimulatedProduct, target: str, resources: Sequence[Document]) -> None:
        product.apply(resources)
        if target == PREVIEW:
            product.show(resources)
        elif target == LIVE:
            product.trees[LIVE] = copy.deepcopy(product.trees[PREVIEW])


def kind_of(resource: Mapping[str, Any]) -> str:
    """The kind of a resource by its schema, or by its id."""
    schema = str(resource.get("$schema", ""))
    found = schema.removeprefix(f"{SCHEMAS}/").partition("/")[0] if schema.startswith(SCHEMAS) else ""
    return found or str(resource.get("id", "")).partition("/")[0]


def _error(code: str, message: str) -> Document:
    return {"code": code, "message": message, "details": []}


def _tree(stocked: AzureProduct, product: str) -> dict[str, Document]:
    """What a product of virtual machines has, with the plans that it is stocked with."""
    made: dict[str, Document] = {}

    def add(kind: str, path: str, /, **fields: object) -> str:
        key = f"{kind}/{path}"
        made[key] = {"$schema": f"{SCHEMAS}/{kind}/{_VERSIONS.get(kind, '2022-07-01')}", "id": key, **fields}
        return key

    identity: Document = {"externalId": stocked.offer}
    if stocked.publisher:
        identity["publisherId"] = stocked.publisher
    root = add("product", product, identity=identity, type="azureVirtualMachine", alias=stocked.offer)
    add("property", product, product=root, kind="azureVM", termsOfUse="none", categories={"compute": ["operating-systems"]})
    listing = f"{product}/public/main/default/en-us"
    add("listing", listing, product=root, kind="azureVM", title=stocked.offer, languageId="en-us")
    add("price-and-availability-offer", product, product=root, previewAudiences=[{"type": "subscription", "id": "0", "label": "testers"}])
    for name in stocked.plans:
        guid = str(uuid.uuid5(_NAMES, f"{stocked.offer}/{name}"))
        plan = add("plan", f"{product}/{guid}", product=root, identity={"externalId": name}, alias=name, azureRegions=["azureGlobal"])
        listed = {"name": name, "summary": name, "description": name, "languageId": "en-us"}
        add("plan-listing", f"{product}/{guid}/public/main/default/en-us", product=root, plan=plan, **listed)
        add("price-and-availability-plan", f"{product}/{guid}", product=root, plan=plan, visibility="visible")
        technical: Mapping[str, Any] = stocked.technical.get(name, {})
        said: Document = {
            "operatingSystem": {"family": "linux", "friendlyName": "Red Hat Enterprise Linux", "type": "redHat"},
            "recommendedVmSizes": [],
            "openPorts": [],
            "vmProperties": {"supportsExtensions": True, "supportsCloudInit": True},
            "skus": [],
            "vmImageVersions": [],
            **copy.deepcopy(dict(technical)),
        }
        add(TECHNICAL, f"{product}/{guid}", product=root, plan=plan, **said)
    return made
