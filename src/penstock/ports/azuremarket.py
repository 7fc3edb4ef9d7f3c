"""Products in Azure's marketplace, as their publisher sees them."""

from collections.abc import Sequence
from typing import Protocol

from penstock.model.push.accounts import AzureCredential
from penstock.model.push.azuremarket import Job, Resource, ResourceTree, Submission, TargetType
from penstock.model.record import Tree


class ProductIngestion(Protocol):
    """The products of one publisher; safe for concurrent use in one event loop.

    All methods raise ``OperationError`` (refused, no credentials) or ``TransientError`` (no answer came, after retries).
    """

    async def products(self) -> tuple[Resource, ...]:
        """All of them, from all pages; asked for once, then remembered."""

    async def submissions(self, product: str) -> tuple[Submission, ...]:
        """Of a product (``product/GUID``): one for each of its targets, the running one too.

        Raises:
            NotFoundError: there is no such product.
        """

    async def tree(self, product: str, target: TargetType) -> ResourceTree:
        """A product in one of its states, with everything that belongs to it.

        Raises:
            NotFoundError: it has no such state (yet).
        """

    async def configure(self, resources: Sequence[Tree]) -> Job:
        """Begin to change resources; what is not named stays.  Asked for once: it is not known to be harmless when done twice.

        Raises:
            OfferBusy: something else of the product is in progress.
            TransientError: no answer came; it may have begun all the same.
        """

    async def job(self, job_id: str) -> Job:
        """How far it is.

        Raises:
            NotFoundError: the service does not remember it.
        """


class AzurePublishers(Protocol):
    """Publishers by their credentials."""

    def ingestion(self, credential: AzureCredential) -> ProductIngestion:
        """The publisher's products; nothing is asked yet."""
