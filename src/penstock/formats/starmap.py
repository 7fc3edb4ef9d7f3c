"""Mappings as StArMap's server gives them and as ``--repo`` and ``--repo-file`` hold them: a list of entities, API v2.

All that is wrong is told at once, each with its line and path.  Unknown keys are kept and mean nothing, as upstream.
"""

import re
from collections.abc import Iterator

from penstock.formats.codec import Locate, decode
from penstock.formats.everyfault import DocumentFaults, faults_of
from penstock.formats.jsontext import locate_json, parse_json
from penstock.formats.text import DocumentFault, Path, fault
from penstock.formats.yamltext import locate_yaml, parse_yaml
from penstock.model.record import Tree, given
from penstock.model.starmap import BillingType, StarmapCloud, StarmapDestination, StarmapEntity, StarmapMapping, StarmapWorkflow

_HINT = "the format is a list of entities of StArMap's API v2"

_PROJECT = re.compile(r"(?:[a-z0-9.-]{1,80}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_FAMILY = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
_GALLERY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.]{0,78}[A-Za-z0-9])?")
_DEFINITION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,78}[A-Za-z0-9])?")

Found = Iterator[tuple[Path, str]]


def parse_mappings_json(content: bytes, *, subject: str) -> tuple[StarmapEntity, ...]:
    """Read mappings in JSON: the value of ``--repo``, or an answer of the server.

    Raises:
        InputError: it is no JSON.
        DocumentFaults: all that is wrong with it.
    """
    tree = parse_json(content, subject=subject)
    return decode_mappings(tree, subject=subject, locate=lambda path: locate_json(content.decode(), path))


def parse_mappings_yaml(content: bytes, *, subject: str) -> tuple[StarmapEntity, ...]:
    """Read mappings in YAML, which JSON is too: the file of ``--repo-file``.

    Raises:
        InputError: it is no YAML.
        DocumentFaults: all that is wrong with it.
    """
    tree = parse_yaml(content, subject=subject)
    return decode_mappings(tree, subject=subject, locate=lambda path: locate_yaml(content.decode(), path))


def decode_mappings(tree: Tree, *, subject: str, locate: Locate | None = None) -> tuple[StarmapEntity, ...]:
    """The entities that a plain tree says, and nothing of them is wrong.

    Raises:
        DocumentFaults: all that is wrong; what has the wrong shape is told before what has the wrong meaning.
    """
    shape = tuple(faults_of(tree, list[StarmapEntity], subject=subject, locate=locate))
    if shape:
        raise DocumentFaults(shape, subject=subject, hint=_HINT)
    entities = tuple(decode(tree, list[StarmapEntity], subject=subject))
    meaning = [_placed(path, problem, subject, locate) for path, problem in _wrong_in(entities)]
    if meaning:
        raise DocumentFaults(meaning, subject=subject)
    return entities


def _placed(path: Path, problem: str, subject: str, locate: Locate | None) -> DocumentFault:
    return fault(problem, subject=subject, position=locate(path) if locate else None, path=path)


def _wrong_in(entities: tuple[StarmapEntity, ...]) -> Found:
    for index, entity in enumerate(entities):
        if not entity.name:
            yield (index, "name"), "the name of a build is empty"
        for account, mapping in entity.mappings.items():
            place = (index, "mappings", account)
            yield from _wrong_in_patterns(mapping, place)
            for number, destination in enumerate(mapping.destinations):
                yield from _wrong_in_destination(entity, destination, (*place, "destinations", number))


def _wrong_in_patterns(mapping: StarmapMapping, path: Path) -> Found:
    pattern = given(mapping.version_regexmatch)
    if pattern and given(mapping.version_fnmatch):
        yield path, "version_fnmatch and version_regexmatch exclude each other"
    if pattern:
        try:
            re.compile(pattern)
        except re.error as error:
            yield (*path, "version_regexmatch"), f"this is no regular expression: {error}"


def _wrong_in_destination(entity: StarmapEntity, destination: StarmapDestination, path: Path) -> Found:
    if not destination.destination:
        yield (*path, "destination"), "the destination is empty"
    elif entity.workflow is StarmapWorkflow.COMMUNITY:
        problem = _DESTINATION_FAULTS[entity.cloud](destination.destination)
        if problem:
            yield (*path, "destination"), problem
    for name, limit in (("restrict_major", given(destination.restrict_major)), ("restrict_minor", given(destination.restrict_minor))):
        if isinstance(limit, int) and not isinstance(limit, bool) and limit < 1:
            yield (*path, name), f"{limit} versions cannot stay; write how many, from 1 on, or true or false"
        elif limit is not None and limit is not False and not destination.restrict_version:
            yield (*path, name), f"{name} without restrict_version: true would do nothing"


def community_destination_fault(text: str) -> str | None:
    """What is wrong with a destination of the community workflow, ``REGION-TYPE``; None for nothing."""
    region, dash, kind = text.rpartition("-")
    if not dash or not region:
        return f"{text!r} is no REGION-TYPE, as us-east-1-hourly is"
    if kind not in set(BillingType):
        return f"the type {kind!r} at the end of {text!r} is none of {', '.join(BillingType)}"
    return None


def gcp_destination_fault(text: str) -> str | None:
    """What is wrong with a destination in Google Cloud, ``PROJECT`` or ``PROJECT/FAMILY``; None for nothing.

    The grammars are Google's: of a project's id, with the domain in front that old ones have, and of a resource's name.
    """
    project, slash, family = text.partition("/")
    if not _PROJECT.fullmatch(project):
        return f"{project!r} is no id of a project of Google Cloud; a destination there is PROJECT or PROJECT/FAMILY"
    if slash and not _FAMILY.fullmatch(family):
        return f"{family!r} is no name of a family of images: small letters, digits and dashes, 63 at most"
    return None


def gallery_destination_fault(text: str) -> str | None:
    """What is wrong with a destination in a compute gallery of Azure, ``GALLERY/IMAGE``; None for nothing."""
    gallery, slash, image = text.partition("/")
    if not slash:
        return f"{text!r} is no GALLERY/IMAGE, the name of a compute gallery and of an image definition in it"
    if not _GALLERY.fullmatch(gallery):
        return f"{gallery!r} is no name of a gallery: letters, digits, dots and underscores, 80 at most"
    if not _DEFINITION.fullmatch(image):
        return f"{image!r} is no name of an image definition: letters, digits, dots, dashes and underscores, 80 at most"
    return None


_DESTINATION_FAULTS = {
    StarmapCloud.AWS: community_destination_fault,
    StarmapCloud.AZURE: gallery_destination_fault,
    StarmapCloud.GCP: gcp_destination_fault,
}
