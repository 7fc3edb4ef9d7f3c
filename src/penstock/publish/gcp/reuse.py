"""Whether an image or an object that stands there is the wanted one: name *and* content must agree."""

from dataclasses import dataclass, field

from penstock.model.digest import Digest
from penstock.model.push.gcp import CONTENT_LABEL, DeprecationState, FoundGceImage, FoundGcsObject, GceInsertion, label_of
from penstock.model.push.journal import ExternalId, Ids
from penstock.publish.plan import Verdict


@dataclass(frozen=True, slots=True)
class GceJudged:
    """What becomes of a step: how it is done, why, and what is there."""

    verdict: Verdict
    reason: str
    known: Ids = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GceConflict:
    """Something else has the name; a person must decide."""

    reason: str


def judge_gce_image(wanted: GceInsertion, content: Digest, found: FoundGceImage | None) -> GceJudged | GceConflict:
    """What becomes of an image, of which the project can have one of a name.

    Architecture, licenses and features cannot be changed of an image that stands; more features than are wanted are no harm, as Google
    adds some itself.
    """
    if found is None:
        return GceJudged(Verdict.CREATE, "no image has this name")
    if found.status not in ("READY", "PENDING"):
        return GceConflict(f"the image {found.name} has this name and is {found.status}; delete it")
    if found.content is None:
        mark = f"{CONTENT_LABEL}={label_of(content)}"
        return GceConflict(f"the image {found.name} has this name, and nothing tells what is in it; label it {mark} or delete it")
    if found.content != content:
        other = f"sha256 {found.content.short}, not {content.short}"
        return GceConflict(f"the image {found.name} has this name and other content ({other}); delete it, or push under another name")
    if different := _differences(wanted, found):
        return GceConflict(f"the image {found.name} has this name and {different}; delete it, or mend the mapping")
    known = {ExternalId.IMAGE: found.number}
    if found.status == "PENDING":
        return GceJudged(Verdict.RESUME, "it is being made", known)
    state = "" if found.state is DeprecationState.ACTIVE else f"; it is {found.state}"
    return GceJudged(Verdict.REUSE, f"same name and content{state}", known)


def _differences(wanted: GceInsertion, found: FoundGceImage) -> str:
    if found.architecture and found.architecture != wanted.architecture:
        return f"is of {found.architecture}, not {wanted.architecture}"
    features = [each for each in wanted.guest_os_features if each not in found.guest_os_features]
    if features:
        return f"does not have {', '.join(features)}"
    licenses = {_resource(each) for each in found.licenses}
    missing = [each for each in wanted.licenses if _resource(each) not in licenses]
    return f"does not have the license {_resource(missing[0])}" if missing else ""


def _resource(address: str) -> str:
    """``projects/…``: hosts and versions of the API in front of it mean nothing."""
    before, projects, rest = address.partition("projects/")
    return projects + rest if projects else before


def judge_archive(content: Digest, found: FoundGcsObject | None, key: str) -> GceJudged | GceConflict:
    """What becomes of an object."""
    if found is None:
        return GceJudged(Verdict.CREATE, "no object has this key")
    if found.content != content:
        return GceConflict(f"the object {key} holds something else; delete it")
    return GceJudged(Verdict.REUSE, "same content", {ExternalId.OBJECT: key})
