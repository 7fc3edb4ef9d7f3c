"""Whether a version is there already: name *and* content must agree; pure.

Upstream takes a version for the wanted one whose title *contains* the wanted title: ``9.4 20260511-10`` for ``9.4 20260511-1``, and then
publishes nothing and says that it did.  Here a title must be equal and the version made of this very image; and a version of another title
that is made of this image is the wanted one too, whatever a person put around the title.
"""

from collections.abc import Iterable

from penstock.model.push.awsmarket import ChangeStatus, ProductVersion
from penstock.model.push.journal import ExternalId, Ids
from penstock.publish.aws.reuse import Conflict, Judged
from penstock.publish.awsmarket.actions import PublishVersion
from penstock.publish.awsmarket.observing import ObservedProduct
from penstock.publish.plan import Verdict


def change_name(step: str) -> str:
    """The name of the change set of a step, by which it is found again, whoever began it."""
    return f"penstock {step}"


def titled_version(versions: Iterable[ProductVersion], title: str, image: str) -> ProductVersion | None:
    """The version of exactly this title; of several, which the Catalog allows, one that can be had, and of this image if any is."""
    found = [each for each in versions if each.title == title]
    return min(found, key=lambda each: (each.is_restricted, image not in each.images), default=None)


def judge_version(wanted: PublishVersion, step: str, image: str, found: ObservedProduct) -> Judged | Conflict:
    """What becomes of a version.

    Args:
        wanted: see there.
        step: the id of its step.
        image: that it is to be made of, ``""`` where it is not there yet.
        found: the product.
    """
    versions = found.product.versions if found.product else ()
    version = titled_version(versions, wanted.details.title, image)
    if version is not None:
        judged = _of_titled(wanted, version, image)
        if isinstance(judged, Conflict) or judged.verdict is Verdict.REUSE:
            return judged
        return _of_running(step, found) or judged
    holding = next((each for each in versions if image in each.images and not each.is_restricted), None)
    if holding is not None:
        return _there(holding, image, f"the product has {image} as the version {holding.title!r}")
    if wanted.validate_only:
        tried = next((each for each in found.tried.get(change_name(step), ()) if each.status is ChangeStatus.SUCCEEDED), None)
        if tried is not None:
            return Judged(Verdict.REUSE, f"{tried.id} has tried it", {ExternalId.CHANGE_SET: tried.id})
    return _of_running(step, found) or Judged(Verdict.CREATE, "no version has this title")


def _of_titled(wanted: PublishVersion, version: ProductVersion, image: str) -> Judged | Conflict:
    title = version.title
    if version.is_restricted:
        return Conflict(f"the version {title!r} is restricted: nobody new can get it; push another respin")
    if image not in version.images:
        made_of = " ".join(version.images) or "no image"
        if wanted.overwrite:
            return Judged(Verdict.CREATE, f"the version {title!r} is made of {made_of}, and overwrite is set")
        what = f"not of {image}" if image else "and this image is none that is there"
        return Conflict(f"the version {title!r} is there, made of {made_of}, {what}; push another respin, or set overwrite")
    different = wanted.details.differences(version)
    if wanted.overwrite and different:
        return Judged(Verdict.CREATE, f"{', '.join(different)} of {title!r} are told otherwise, and overwrite is set")
    return _there(version, image, "the version is there, made of this image")


def _there(version: ProductVersion, image: str, reason: str) -> Judged:
    known: Ids = {ExternalId.VERSION: version.title, ExternalId.RESOURCE: version.id, ExternalId.IMAGE: image}
    return Judged(Verdict.REUSE, reason, known)


def _of_running(step: str, found: ObservedProduct) -> Judged | None:
    """The change set that an earlier run began and that has not ended."""
    for change in found.running:
        if change.name == change_name(step):
            return Judged(Verdict.RESUME, f"{change.id} is {change.status.value}", {ExternalId.CHANGE_SET: change.id})
    return None
