"""Product ingestion: a publisher's products, their states, and the jobs that change them (``/rp/product-ingestion``)."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from aiohttp import web

from penstock.simulators.azure.ingestionproducts import (
    DRAFT,
    LIVE,
    PREVIEW,
    SCHEMAS,
    TECHNICAL,
    Document,
    Durations,
    PublisherState,
    SimulatedJob,
    SimulatedProduct,
    kind_of,
)
from penstock.simulators.cloud.catalogue import AzureProduct
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.faults import without_some
from penstock.simulators.cloud.operations import Call, Operation, Refusal, json_answer

PREFIX = "/rp/product-ingestion"
_VERSION = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}(-preview[0-9]*)?")
_DISK_VERSION = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}")
_IMAGE_TYPES = frozenset({"x64Gen1", "x64Gen2", "arm64Gen2"})
_LARGEST = 2**31 - 1


class IngestionOperations:
    """What a publisher can ask and change.

    Args:
        clock: by which jobs go on.
        durations: how long they take.
        page_entries: how many products a page has.
    """

    def __init__(self, clock: SimulatorClock, *, durations: Durations, page_entries: int) -> None:
        self.state = PublisherState(clock, durations)
        self._clock = clock
        self._page_entries = page_entries

    def stock(self, products: Iterable[AzureProduct]) -> None:
        """Serve ``products`` from now on."""
        self.state.stock(products)

    def operations(self) -> Iterable[Operation]:
        """Reading, and ``configure``."""
        return [
            Operation("GET", f"{PREFIX}/product", "azure.ingestion.products", self._list_products),
            Operation("GET", f"{PREFIX}/submission/{{product}}", "azure.ingestion.submissions", self._list_submissions),
            Operation("GET", f"{PREFIX}/resource-tree/product/{{product}}", "azure.ingestion.tree", self._get_tree),
            Operation("POST", f"{PREFIX}/configure", "azure.ingestion.configure", self._configure),
            Operation("GET", f"{PREFIX}/configure/{{job}}/status", "azure.ingestion.job", self._get_job),
        ]

    def _list_products(self, call: Call) -> web.Response:
        self._ready(call)
        text = call.query.get("$skipToken", "0")
        if not (text.isascii() and text.isdigit()):
            raise Refusal(400, "badRequest", "The value of $skipToken is invalid.")
        start = int(text)
        stop = start + self._page_entries
        products = sorted(self.state.products.values(), key=lambda each: each.offer)
        document: Document = {"value": without_some([each.summary() for each in products[start:stop]], call.strikes)}
        if stop < len(products):
            request = call.request
            query = urlencode({**call.query, "$skipToken": str(stop)})
            document["@nextLink"] = f"{request.scheme}://{request.host}{PREFIX}/product?{query}"
        return json_answer(document)

    def _list_submissions(self, call: Call) -> web.Response:
        product = self._product(call)
        return json_answer({"value": [product.submissions[each] for each in (DRAFT, PREVIEW, LIVE) if each in product.submissions]})

    def _get_tree(self, call: Call) -> web.Response:
        product = self._product(call)
        tree = product.tree(call.query.get("targetType", DRAFT))
        if tree is None:
            raise Refusal(404, "notFound", "The product has no such target.")
        return json_answer(tree)

    def _get_job(self, call: Call) -> web.Response:
        self._ready(call)
        job = self.state.jobs.get(call.path["job"])
        if job is None:
            raise Refusal(404, "notFound", "The job was not found.")
        return json_answer(job.document(self._clock.now))

    def _configure(self, call: Call) -> web.Response:
        self._ready(call)
        try:
            document = json.loads(call.body)
        except ValueError:
            raise Refusal(400, "badRequest", "The body is no JSON.") from None
        return json_answer(self.accept(document).document(self._clock.now), status=202)

    def accept(self, document: object) -> SimulatedJob:
        """Begin the job that a body of ``configure`` asks for.

        Raises:
            Refusal: it is no such body.
        """
        if not isinstance(document, dict) or not str(document.get("$schema", "")).startswith(f"{SCHEMAS}/configure/"):
            raise Refusal(400, "badRequest", "The body has no $schema of configure.")
        resources = document.get("resources")
        if not isinstance(resources, list) or not resources or not all(isinstance(each, dict) and "$schema" in each for each in resources):
            raise Refusal(400, "badRequest", "The body has no resources, or one without $schema.")
        product = self._product_of(resources)
        job = self.state.begin(product, resources, self._target_of(resources, product))
        job.schema = document["$schema"]
        if not job.errors:
            job.errors = [error for each in resources if kind_of(each) == TECHNICAL for error in self._wrong(each)]
        self.state.settle()
        return job

    def _ready(self, call: Call) -> None:
        """See that the question names a version, and let what is over happen."""
        if _VERSION.fullmatch(call.query.get("$version", "")) is None:
            raise Refusal(400, "badRequest", "The query parameter $version is missing or invalid.")
        self.state.settle()

    def _product(self, call: Call) -> SimulatedProduct:
        self._ready(call)
        found = self.state.products.get(call.path["product"].lower())
        if found is None:
            raise Refusal(404, "notFound", "The product was not found.")
        return found

    def _product_of(self, resources: Iterable[Document]) -> SimulatedProduct:
        for each in resources:
            key = str(each["id"] if kind_of(each) == "product" and "id" in each else each.get("product", ""))
            found = self.state.products.get(key.removeprefix("product/"))
            if found is not None:
                return found
        raise Refusal(400, "badRequest", "No resource names a product of this publisher.")

    @staticmethod
    def _target_of(resources: Iterable[Document], product: SimulatedProduct) -> str:
        for each in resources:
            if kind_of(each) != "submission":
                continue
            target = str((each.get("target") or {}).get("targetType", ""))
            if target not in (PREVIEW, LIVE):
                raise Refusal(400, "badRequest", "A submission asks for preview or live.")
            if target == LIVE and each.get("id") != product.submissions.get(PREVIEW, {}).get("id"):
                raise Refusal(400, "badRequest", "Only the submission of the preview goes live.")
            return target
        return ""

    def _wrong(self, technical: Mapping[str, Any]) -> Iterable[Document]:
        """What certification does not even look at."""
        skus = {str(each.get("imageType")) for each in technical.get("skus") or []}
        numbers = [str(each.get("versionNumber")) for each in technical.get("vmImageVersions") or []]
        if len(set(numbers)) != len(numbers):
            yield _invalid("A version number stands twice.")
        for version in technical.get("vmImageVersions") or []:
            number = str(version.get("versionNumber"))
            if _DISK_VERSION.fullmatch(number) is None or any(int(each) > _LARGEST for each in number.split(".")):
                yield _invalid(f"The version number '{number}' is invalid.")
            for image in version.get("vmImages") or []:
                kind = str(image.get("imageType"))
                if kind not in _IMAGE_TYPES or kind not in skus:
                    yield _invalid(f"The image type '{kind}' is unknown, or has no SKU.")
                yield from self._wrong_uri(str(((image.get("source") or {}).get("osDisk") or {}).get("uri", "")), number)

    def _wrong_uri(self, uri: str, number: str) -> Iterable[Document]:
        parts = urlsplit(uri)
        query = dict(parse_qsl(parts.query))
        if parts.scheme not in ("https", "http") or "sig" not in query or "r" not in query.get("sp", ""):
            yield _invalid(f"The SAS URI {uri} of version {number} is invalid.")
            return
        try:
            ends = datetime.fromisoformat(query.get("se", ""))
        except ValueError:
            ends = None
        if ends is None or ends.tzinfo is None or ends <= self._clock.now:
            yield _invalid(f"The SAS URI {uri} of version {number} has expired.")


def _invalid(message: str) -> Document:
    return {"code": "invalidResource", "message": message, "details": []}
