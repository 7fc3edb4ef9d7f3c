"""Which of several images one copy is made of: those of CoreOS builds stand in many regions, and are the same."""

from collections.abc import Sequence

from penstock.model.push.aws import Place
from penstock.publish.aws.copies import CopyTarget


def farther_sources(targets: Sequence[CopyTarget]) -> dict[tuple[int, int], str]:
    """The targets that are passed over, by their order, and why.

    Of the images of one build that one copy could be made of, the one in the copy's own region is taken, else the first.
    """
    chosen: dict[tuple[Place, str, str], CopyTarget] = {}
    copied = [each for each in targets if each.source_region]
    for target in copied:
        known = chosen.setdefault(_key(target), target)
        if known.source_region != known.place.region == target.source_region:
            chosen[_key(target)] = target
    return {
        target.order: f"{best.source.src} of {best.source_region} is the same image, and is copied"
        for target in copied
        if (best := chosen[_key(target)]).source.src != target.source.src
    }


def _key(target: CopyTarget) -> tuple[Place, str, str]:
    return target.place, target.image_name, target.source.build_nvr
