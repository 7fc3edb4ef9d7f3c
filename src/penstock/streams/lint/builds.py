"""Rules about a stream's name, its maker and its builds."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from penstock.formats.stream_schema import MOMENT
from penstock.formats.text import Path
from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.model.record import given
from penstock.model.stream import Stream, StreamArch
from penstock.model.versions import FcosVersion, LegacyVersion, OsVersion, RhelVersion, parse_version
from penstock.model.versions.coreos import FCOS_STREAMS
from penstock.model.versions.openshift import RHEL_OF_OPENSHIFT, releases_on
from penstock.model.versions.parts import MajorMinor
from penstock.streams.lint.findings import Findings, Level, LintRule, found

_OF_OPENSHIFT: Final = re.compile(r"[a-z]+-(?P<major>[45])\.(?P<minor>[0-9]{1,2})")
_OF_RHEL: Final = re.compile(r"(?:rhel-|centos-|c)(?P<major>[0-9]{1,2})(?:\.(?P<minor>[0-9]{1,2})|s)?")
_FIRST_OF_FEDORA: Final = re.compile(r"3[0-9]\.2019[0-9]{4}\.[0-9]+")
_WHOLE_SECONDS_IN_UTC: Final = re.compile(r"[0-9-]{10}T[0-9:]{8}Z")
_SHOWN = 3


def lint_builds(stream: Stream) -> Findings:
    """Look at the name, the metadata, and the releases."""
    yield from _metadata(stream)
    yield from _architecture_names(stream)
    releases = {name: list(releases_in(arch)) for name, arch in stream.architectures.items()}
    yield from _versions(releases)
    yield from _name(stream.stream, releases)
    yield from _mixed(releases)


def releases_in(arch: StreamArch) -> Iterator[tuple[Path, str]]:
    """Every release that an architecture names, with its place below the architecture."""
    for platform, artifacts in (given(arch.artifacts) or {}).items():
        yield from _release(artifacts, ("artifacts", platform))
    images = given(arch.images)
    if images is not None:
        for cloud in ("aliyun", "aws", "ibmcloud", "powervs"):
            yield from _in_regions(given(getattr(images, cloud)), ("images", cloud))
        for cloud in ("gcp", "kubevirt"):
            yield from _release(given(getattr(images, cloud)), ("images", cloud))
    extensions = given(arch.rhel_coreos_extensions)
    if extensions is not None:
        yield from _in_regions(given(extensions.aws_winli), ("rhel-coreos-extensions", "aws-winli"))
        yield from _release(given(extensions.azure_disk), ("rhel-coreos-extensions", "azure-disk"))


def is_fedora(stream: Stream) -> bool:
    """Whether the builds are Fedora CoreOS: their versions say it."""
    releases = (release for arch in stream.architectures.values() for _, release in releases_in(arch))
    return any(isinstance(read_release(release), FcosVersion) or _FIRST_OF_FEDORA.fullmatch(release) for release in releases)


def is_release(text: str) -> bool:
    """Whether a text is the version of a build; that of Fedora CoreOS had three numbers in 2019."""
    return read_release(text) is not None or _FIRST_OF_FEDORA.fullmatch(text) is not None


def read_release(text: str) -> OsVersion | None:
    """The version of a build, or None where it is none."""
    try:
        return parse_version(text)
    except InputError:
        return None


def _release(holder: object, path: Path) -> Iterator[tuple[Path, str]]:
    release = given(getattr(holder, "release", None))
    if release:
        yield (*path, "release"), release


def _in_regions(holder: object, path: Path) -> Iterator[tuple[Path, str]]:
    regions: Mapping[str, object] = given(getattr(holder, "regions", None)) or {}
    for region, image in regions.items():
        yield from _release(image, (*path, "regions", region))


def lint_moment(moment: str | None, path: Path) -> Findings:
    """Look at ``last-modified``."""
    if not moment:
        yield found(LintRule.LAST_MODIFIED, path, "the document does not say when it was made")
    elif not re.match(MOMENT, moment):
        yield found(LintRule.LAST_MODIFIED, path, f"{moment!r} is no moment; write 2026-07-21T14:07:12Z", Level.ERROR)
    elif not _WHOLE_SECONDS_IN_UTC.fullmatch(moment):
        yield found(LintRule.LAST_MODIFIED, path, f"{moment!r} is not in the upstream form, whole seconds in UTC with Z")


def _metadata(stream: Stream) -> Findings:
    metadata = given(stream.metadata)
    yield from lint_moment(given(metadata.last_modified) if metadata else None, ("metadata", "last-modified"))
    generator = (given(metadata.generator) if metadata else None) or ""
    if generator.endswith("-dirty"):
        fedora = is_fedora(stream)
        message = "the generator had changes that were not committed" + ("; Fedora CoreOS refuses that" if fedora else "")
        yield found(LintRule.GENERATOR_DIRTY, ("metadata", "generator"), message, Level.ERROR if fedora else Level.WARNING)


def _architecture_names(stream: Stream) -> Findings:
    known = {arch.value for arch in Arch}
    rpm_names = {arch.oci: arch.value for arch in Arch}
    for name in stream.architectures:
        if name in known:
            continue
        if name in rpm_names:
            message = f"{name} is Go's name; readers look for RPM's, {rpm_names[name]}"
            yield found(LintRule.ARCHITECTURE_NAME, ("architectures", name), message)
        else:
            message = f"{name} is no architecture that CoreOS is built for"
            yield found(LintRule.ARCHITECTURE_NAME, ("architectures", name), message, Level.WARNING)


def _versions(releases: Mapping[str, list[tuple[Path, str]]]) -> Findings:
    told = set()
    for arch, places in releases.items():
        for path, release in places:
            if release not in told and not is_release(release):
                told.add(release)
                yield found(LintRule.RELEASE_VERSION, ("architectures", arch, *path), f"{release!r} is no version of CoreOS")


def _name(name: str, releases: Mapping[str, list[tuple[Path, str]]]) -> Findings:
    versions: dict[str, OsVersion] = {}
    for places in releases.values():
        for _, release in places:
            version = read_release(release)
            if version is not None:
                versions.setdefault(release, version)
    told = set()
    for version in versions.values():
        said = _disagreement(name, version)
        if said is not None and said not in told:
            told.add(said)
            level, message = said
            yield found(LintRule.NAME_CONTENT, ("stream",), message, level)


def _disagreement(name: str, version: OsVersion) -> tuple[Level, str] | None:
    """What is wrong between the name and one build, or None.  A stale name is common and told; a wrong system is an error."""
    if isinstance(version, FcosVersion):
        if name in FCOS_STREAMS.values() and version.stream not in (None, name):
            return Level.ERROR, f"the stream is called {name}, and {version} is of {version.stream}"
        return None
    of_rhel = _OF_RHEL.fullmatch(name)
    if of_rhel is not None:
        return _other_rhel(name, version, int(of_rhel["major"]), int(of_rhel["minor"]) if of_rhel["minor"] else None)
    of_openshift = _OF_OPENSHIFT.fullmatch(name)
    if of_openshift is None:
        return None
    release = MajorMinor(int(of_openshift["major"]), int(of_openshift["minor"]))
    if isinstance(version, LegacyVersion):
        return (
            None if version.ocp == release else (Level.WARNING, f"the stream is called {name}, and has builds of OpenShift {version.ocp}")
        )
    if release not in RHEL_OF_OPENSHIFT or version.rhel in RHEL_OF_OPENSHIFT[release]:
        return None
    others = [str(each) for each in releases_on(version.rhel)]
    suffix = f", which OpenShift {_listed(others)} {'boot' if len(others) > 1 else 'boots'}" if others else ""
    return Level.WARNING, f"the stream is called {name}, and has builds of RHEL {version.rhel}{suffix}"


def _other_rhel(name: str, version: LegacyVersion | RhelVersion, major: int, minor: int | None) -> tuple[Level, str] | None:
    rhel = version.rhel
    found_major = version.rhel_major if isinstance(version, LegacyVersion) else version.rhel.major
    if found_major != major:
        return Level.ERROR, f"the stream is called {name}, and has builds of RHEL {rhel or found_major}"
    if minor is not None and rhel is not None and rhel.minor != minor:
        return Level.WARNING, f"the stream is called {name}, and has builds of RHEL {rhel}"
    return None


def _mixed(releases: Mapping[str, list[tuple[Path, str]]]) -> Findings:
    kinds: dict[frozenset[str], list[str]] = defaultdict(list)
    for arch, places in releases.items():
        by_release: dict[str, list[Path]] = defaultdict(list)
        for path, release in places:
            by_release[release].append(path)
        if by_release:
            kinds[frozenset(by_release)].append(arch)
        if len(by_release) > 1:
            parts = [f"{release} ({_holders(paths)})" for release, paths in sorted(by_release.items())]
            message = f"the architecture has {len(parts)} releases: {'; '.join(parts)}"
            yield found(LintRule.MIXED_RELEASES, ("architectures", arch), message)
    if len(kinds) > 1:
        parts = [f"{_listed(archs)} {', '.join(sorted(builds))}" for builds, archs in kinds.items()]
        yield found(LintRule.MIXED_ARCHITECTURES, ("architectures",), f"the architectures have different releases: {'; '.join(parts)}")


def _holders(paths: Iterable[Path]) -> str:
    """Who has a release: ``metal, qemu, aws in 20 regions``, not too many of them."""
    names: set[str] = set()
    regions: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        if "regions" in path:
            regions[str(path[1])].append(str(path[3]))
        else:
            names.add(str(path[1]))
    told = sorted(names)
    rest = len(told) - _SHOWN
    told = told[:_SHOWN] + ([f"{rest} more"] if rest > 0 else [])
    told += [f"{cloud} in {each[0] if len(each) == 1 else f'{len(each)} regions'}" for cloud, each in sorted(regions.items())]
    return ", ".join(told)


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
