"""What of a push to Google Cloud is known to fail before the first byte moves."""

from collections.abc import Mapping, Sequence

from penstock.formats.diskarchive import SIZE_UNIT_BYTES
from penstock.model.push.accounts import GcpCredential
from penstock.model.push.content import ImageContent
from penstock.model.push.states import ItemState
from penstock.publish.findings import Finding, Stops
from penstock.publish.gcp.names import sends_as_it_is
from penstock.publish.gcp.observing import ObservedGcp
from penstock.publish.gcp.target import GcpTarget

_NO_CREDENTIALS = "there are no credentials for this account"


def preflight_gcp(
    targets: Sequence[GcpTarget],
    contents: Mapping[str, ImageContent],
    credentials: Mapping[str, GcpCredential],
    observed: ObservedGcp,
) -> tuple[Finding, ...]:
    """What is wrong, in the order of the targets; pure.  All of it stops single destinations.

    * there are no credentials for the account, or they are refused;
    * the destination is in another project than that of the credentials: a mapping and an account that do not belong together;
    * there is no such bucket, and bytes go through it;
    * the disk in a ``.tar.gz``, which is sent as it is, is not of whole GiB.
    """
    found: dict[tuple[str, str, ItemState], list[str]] = {}

    def add(problem: str, hint: str, target: GcpTarget, state: ItemState = ItemState.UPLOADFAILED) -> None:
        found.setdefault((problem, hint, state), []).append(target.label)

    for target in targets:
        credential = credentials.get(target.account)
        if credential is None:
            add(f"{target.account}: {_NO_CREDENTIALS}", "see --credentials", target)
        elif credential.project != target.project:
            problem = f"{target.account}: its credentials are for project {credential.project}, the destination is in {target.project}"
            add(problem, "mend the mapping, or give the account other credentials", target)
        elif error := observed.errors.get(target.label):
            add(f"{target.account} {target.project}: {error}", "see what the service account may do there", target)
        elif not observed.buckets.get(target.account, True) and not _stands(target, observed):
            problem = f"{target.account}: there is no bucket {credential.bucket}, or the service account may not use it"
            add(problem, "make it, or name another one as GCP_BUCKET", target)
        elif problem := _wrong_size(contents.get(target.item.src)):
            add(problem, "make the disk larger by `truncate`, and pack it again", target, ItemState.INVALIDFILE)
    return tuple(Finding(problem, hint, Stops.TARGETS, state, tuple(labels)) for (problem, hint, state), labels in found.items())


def _stands(target: GcpTarget, observed: ObservedGcp) -> bool:
    return (target.account, target.project, target.image_name) in observed.images


def _wrong_size(content: ImageContent | None) -> str:
    if content is None or not sends_as_it_is(content.src) or (content.size_bytes and content.size_bytes % SIZE_UNIT_BYTES == 0):
        return ""
    return f"{content.src}: the disk in it has {content.size_bytes} bytes, and Compute Engine takes whole GiB alone"
