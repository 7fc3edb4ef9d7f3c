"""The outside of AWS Marketplace: products of a seller, and the change sets that change them."""

from typing import Protocol

from penstock.model.push.accounts import AwsCredential
from penstock.model.push.awsmarket import ChangeRequest, ChangeSet, Product
from penstock.ports.publish import AwsPublisher
from penstock.ports.removal import AwsRemover


class AwsMarket(Protocol):
    """The Catalog of one seller's account; safe for concurrent use.

    All methods raise errors of :mod:`penstock.model.errors`, as :mod:`penstock.ports.publish` tells.
    """

    async def product(self, product_id: str) -> Product:
        """A product with all its versions.

        Raises:
            NotFoundError: the seller has no such product.
        """

    async def running_changes(self, product_id: str) -> tuple[ChangeSet, ...]:
        """The change sets of a product that have not ended (PREPARING, APPLYING), oldest first; while there is one, no other may begin."""

    async def changes_named(self, product_id: str, name: str) -> tuple[ChangeSet, ...]:
        """The change sets of a product with this name that the service remembers, newest first, without their errors."""

    async def change(self, change_set_id: str) -> ChangeSet:
        """A change set, and why it failed where it did.

        Raises:
            NotFoundError: the service does not remember it.
        """

    async def start_change(self, request: ChangeRequest, *, token: str) -> str:
        """Begin a change set; its id.  Equal ``token`` (at most 64 characters), same change set.

        Raises:
            ProductLocked: another change set of the product has not ended.
        """


class SellerImages(AwsPublisher, AwsRemover, Protocol):
    """One seller's account as images are made and deleted in it."""


class AwsSellers(Protocol):
    """Sellers' accounts by their credentials."""

    def publisher(self, credential: AwsCredential) -> SellerImages:
        """The account; nothing is asked yet."""

    def market(self, credential: AwsCredential) -> AwsMarket:
        """The Catalog that the account's marketplace keys open; nothing is asked yet."""
