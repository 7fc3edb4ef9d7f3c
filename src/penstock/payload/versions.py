"""The versions that the components of a payload report, and whether they agree.

Labels ``io.openshift.build.versions`` and ``io.openshift.build.version-display-names`` (openshift/oc
``pkg/cli/admin/release/annotations.go``).  All components that report a version must report the same one; ``machine-os`` alone may differ,
because every OS stream has its own.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from penstock.model.errors import InputError
from penstock.model.release import MACHINE_OS, Label, TagReference
from penstock.model.versions import parse_component_versions

_DISPLAY_NAME = re.compile(r"[a-zA-Z0-9\-:\s().]+")


@dataclass(frozen=True, slots=True)
class Report:
    """What one component says of one version.

    Attributes:
        tag: the component.
        key: whose version it is: ``kubernetes``, ``machine-os``.
        version: the version.
        display_name: the key's name for people, or ``""``.
    """

    tag: str
    key: str
    version: str
    display_name: str


def reports_of(tag: TagReference) -> list[Report]:
    """What a component's annotations say.

    Raises:
        InputError: an annotation cannot be read.
    """
    try:
        versions = parse_component_versions(tag.annotation(Label.VERSIONS))
        names = dict(_display_names(tag.annotation(Label.DISPLAY_NAMES)))
    except InputError as error:
        raise InputError(error.message, subject=f"component {tag.name}: {error.subject or Label.VERSIONS}", hint=error.hint) from None
    return [Report(tag.name, key, str(version), names.get(key, "")) for key, version in versions.items()]


def _display_names(label: str) -> Iterator[tuple[str, str]]:
    for pair in label.split(",") if label.strip() else ():
        key, equals, name = pair.strip().partition("=")
        if not equals or not _DISPLAY_NAME.fullmatch(name):
            raise InputError(f"{pair!r} is not component=name", subject=label, hint="a name is letters, digits, spaces and ( ) . : -")
        yield key, name


def disagreements(reports: Sequence[Report]) -> list[str]:
    """One sentence for each version, and each name for people, on which components do not agree."""
    said: dict[str, dict[str, list[str]]] = {}
    named: dict[str, dict[str, list[str]]] = {}
    for report in reports:
        if report.key == MACHINE_OS:
            continue
        said.setdefault(report.key, {}).setdefault(report.version, []).append(report.tag)
        if report.display_name:
            named.setdefault(report.key, {}).setdefault(report.display_name, []).append(report.tag)
    return [
        *(f"the version of {key} differs: {_who(values)}" for key, values in sorted(said.items()) if len(values) > 1),
        *(f"the display name of {key} differs: {_who(values)}" for key, values in sorted(named.items()) if len(values) > 1),
    ]


def _who(values: dict[str, list[str]]) -> str:
    return ", ".join(f"{' and '.join(tags)} say{'s' if len(tags) == 1 else ''} {value}" for value, tags in sorted(values.items()))


def agreed_versions(tags: Iterable[TagReference]) -> dict[str, str | None]:
    """The version by key; None where these components do not agree.

    Raises:
        InputError: an annotation cannot be read.
    """
    agreed: dict[str, str | None] = {}
    for tag in tags:
        for report in reports_of(tag):
            agreed[report.key] = report.version if agreed.get(report.key, report.version) == report.version else None
    return agreed
