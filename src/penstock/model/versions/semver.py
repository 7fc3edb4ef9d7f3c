"""Semantic versions: of releases (``4.21.0-rc.1``) and of the components that a release reports.

Semantic Versioning 2.0.0, sections 2, 9 and 11.  Build metadata (``+…``) is refused: precedence ignores it, so an order that agrees with
equality could not hold it, an image tag cannot spell it, and ``io.openshift.build.versions`` forbids it
(openshift/oc, pkg/cli/admin/release/annotations.go).
"""

import re
from dataclasses import dataclass, field
from typing import Self

from penstock.model.errors import InputError
from penstock.model.versions.parts import MAX_VERSION_LENGTH, NUMBER, MajorMinor, SortKey, Version, abridge

_IDENTIFIER = rf"(?:{NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_SEMVER = re.compile(rf"(?P<core>{NUMBER}\.{NUMBER}\.{NUMBER})(?:-(?P<prerelease>{_IDENTIFIER}(?:\.{_IDENTIFIER})*))?")
_COMPONENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class SemVer(Version):
    """A semantic version without build metadata; its order is the precedence of SemVer, section 11.

    >>> sorted(["1.0.0", "1.0.0-rc.1", "1.0.0-alpha", "1.0.0-alpha.1"], key=SemVer)
    ['1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-rc.1', '1.0.0']

    Attributes:
        text: the version as it was written.
        major: raised by incompatible changes.
        minor: raised by additions.
        patch: raised by corrections.
        prerelease: the identifiers behind the hyphen, or ``()``; with them the version stands before the same one without.
    """

    text: str
    major: int = field(init=False, compare=False, repr=False)
    minor: int = field(init=False, compare=False, repr=False)
    patch: int = field(init=False, compare=False, repr=False)
    prerelease: tuple[str, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Read the fields from the text.

        Raises:
            InputError: the text is no semantic version, or holds build metadata.
        """
        found = _SEMVER.fullmatch(self.text) if len(self.text) <= MAX_VERSION_LENGTH else None
        if found is None:
            before, plus, _ = self.text.partition("+")
            only_build = plus and _SEMVER.fullmatch(before)
            hint = "leave out the build metadata behind '+'" if only_build else "write it like 4.21.0 or 4.21.0-rc.1"
            raise InputError(f"{abridge(self.text)!r} is not a semantic version", hint=hint)
        major, minor, patch = map(int, found["core"].split("."))
        object.__setattr__(self, "major", major)
        object.__setattr__(self, "minor", minor)
        object.__setattr__(self, "patch", patch)
        object.__setattr__(self, "prerelease", tuple((found["prerelease"] or "").split(".")) if found["prerelease"] else ())

    @classmethod
    def parse(cls, text: str) -> Self:
        """The same as ``cls(text)``, under the name that the other values use.

        Raises:
            InputError: the text is no semantic version, or holds build metadata.
        """
        return cls(text)

    @property
    def key(self) -> SortKey:
        """The sort key: numeric identifiers stand before words, and a shorter list before the longer one that begins with it."""
        words = tuple((0, int(word), "") if word.isdigit() else (1, 0, word) for word in self.prerelease)
        return ((self.major, self.minor, self.patch, not self.prerelease), words)

    def __str__(self) -> str:
        """The version as it was written."""
        return self.text


@dataclass(frozen=True, slots=True)
class ReleaseVersion(SemVer):
    """The version of an OpenShift release payload: ``4.21.0``, ``5.0.0-ec.2``, ``4.21.0-0.nightly-2026-01-01-000000``.

    It is the payload's name; its OS has versions of its own (:data:`~penstock.model.versions.coreos.OsVersion`).

    >>> ReleaseVersion("4.21.0-0.nightly-2026-01-01-000000") < ReleaseVersion("4.21.0-ec.2") < ReleaseVersion("4.21.0-rc.1")
    True
    """

    @property
    def line(self) -> MajorMinor:
        """The OpenShift version that the release belongs to, for example 4.21."""
        return MajorMinor(self.major, self.minor)


def parse_component_versions(label: str) -> dict[str, SemVer]:
    """Read ``io.openshift.build.versions``: a comma list of ``component=version``, in its order; an empty label is an empty list.

    >>> parse_component_versions("machine-os=9.8.20260312-0,kubernetes=1.34.2")
    {'machine-os': SemVer(text='9.8.20260312-0'), 'kubernetes': SemVer(text='1.34.2')}

    Raises:
        InputError: an entry is no pair, its key is more than letters, digits and inner hyphens, its value is no semantic version or has
            build metadata (so Fedora CoreOS versions, which have four parts, do not fit), or a key stands twice.
    """
    versions: dict[str, SemVer] = {}
    for pair in label.split(",") if label.strip() else ():
        component, equals, version = pair.strip().partition("=")
        if not equals or _COMPONENT.fullmatch(component) is None:
            raise InputError(f"{pair!r} is not component=version", subject=label, hint="a component is letters, digits and inner hyphens")
        if component in versions:
            raise InputError(f"component {component!r} stands twice", subject=label, hint="name each component once")
        try:
            versions[component] = SemVer(version)
        except InputError as error:
            raise InputError(f"component {component!r}: {error.message}", subject=label, hint=error.hint) from None
    return versions
