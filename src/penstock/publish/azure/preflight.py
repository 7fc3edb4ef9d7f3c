"""What of disks for Azure can be known to be strange before the first byte moves."""

from collections.abc import Mapping, Sequence

from penstock.formats.vhd import alignment_fault
from penstock.model.push.content import ImageContent
from penstock.model.push.states import ItemState
from penstock.publish.findings import Finding, Stops
from penstock.publish.targets import Target


def disk_findings(targets: Sequence[Target], contents: Mapping[str, ImageContent]) -> tuple[Finding, ...]:
    """A warning for each disk whose size Azure may not like, in the order of the targets; pure.

    Args:
        targets: of the run.
        contents: of the files that could be measured, by ``src``.
    """
    labels: dict[str, list[str]] = {}
    for target in targets:
        if target.source.src in contents:
            labels.setdefault(target.source.src, []).append(target.label)
    hint = "grow it to a whole number of MiB before it is converted (qemu-img resize), if Azure refuses the image"
    return tuple(
        Finding(f"{src}: {fault}", hint, Stops.NOTHING, ItemState.PENDING, tuple(named))
        for src, named in labels.items()
        if (fault := alignment_fault(contents[src].size_bytes))
    )
