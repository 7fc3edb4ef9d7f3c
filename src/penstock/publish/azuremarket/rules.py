"""What the arguments of a run say about Azure's marketplace."""

from dataclasses import dataclass

from penstock.model.push.blobs import DEFAULT_CONTAINER
from penstock.publish.actions import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRules:
    """Choices of a run.

    Attributes:
        pre_push: VHDs are uploaded, and no offer is touched.
        keep_draft: images are attached to drafts, and nothing is published.
        allow_draft: offers whose draft holds somebody's unpublished changes are pushed too, and these are published with the images
            (``--azure-allow-draft-push``, ``AZURE_ALLOW_DRAFT_PUSH=true``).
        container: that VHDs are uploaded to (``UPLOAD_CONTAINER_NAME``).
        skip: phases that are left out.
    """

    pre_push: bool = False
    keep_draft: bool = False
    allow_draft: bool = False
    container: str = DEFAULT_CONTAINER
    skip: frozenset[Phase] = frozenset()
