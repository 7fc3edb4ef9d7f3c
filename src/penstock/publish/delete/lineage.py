"""What deletions tell the ledger: images that stand nowhere any more."""

from collections.abc import Sequence

from penstock.model.lineage import Artifact, Edge, Kind
from penstock.model.push.content import ImageContent
from penstock.model.push.items import ItemKind
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.delete.choosing import subject_of


def lineage_of_deletions(
    results: Sequence[PushResult],
    contents: Sequence[ImageContent],  # noqa: ARG001  # as of pushes; nothing is read
) -> tuple[list[Artifact], list[Edge]]:
    """The AMIs that were deleted, with ``state`` DELETED and where they stood; a push has told the rest of them.

    Blobs and images of Google Cloud have other keys in the ledger (URNs, resources), which lists of images do not say.
    """
    gone = [each for each in results if each.state is ItemState.DELETED and each.item.kind is ItemKind.AMI]
    return [
        Artifact(
            Kind.CLOUD_IMAGE,
            subject_of(each.item),
            None,
            {"cloud": each.cloud, "account": each.account, "state": each.state.value},
            frozenset({each.item.name}),
        )
        for each in gone
    ], []
