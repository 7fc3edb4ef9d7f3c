"""Which image of Azure an architecture of a stream should have, and in the series of which releases to look for it.

The build tells RHEL and the day.  Up to OpenShift 4.18 it tells OpenShift too; since then that comes from somewhere else: what was asked
for, the stream's name where it agrees with the build (it often lags behind), else every release that boots this RHEL.
"""

from dataclasses import dataclass
from datetime import date

from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud
from penstock.model.errors import InputError
from penstock.model.versions.azure import azure_version_of
from penstock.model.versions.coreos import FcosVersion, LegacyVersion, RhelVersion
from penstock.model.versions.openshift import RHEL_OF_OPENSHIFT, parse_openshift, releases_on
from penstock.model.versions.parts import MajorMinor
from penstock.streams.populate.override import RELEASE_VARIABLE
from penstock.streams.populate.request import MARKETPLACE_ARCHES, Choice, PopulateRequest

_SAY_WHICH = f"name the release of OpenShift with --release or {RELEASE_VARIABLE}"
_OLDEST_MAJOR_OF_UPSTREAM = 9


@dataclass(frozen=True, slots=True)
class AzureTarget:
    """What is looked for.

    Attributes:
        arch: for which architecture.
        build: the build whose images are wanted; None for the installer's program, which looks at no build.
        rhel: the version of RHEL; for the installer's program only its major version counts.
        day: the day of the build; of no meaning for the installer's program.
        version: what the build is called in Azure, or ``""``.
        releases: the releases of OpenShift in whose series to look, the best first.
        note: how the releases were found, where it is worth saying.
    """

    arch: Arch
    build: LegacyVersion | RhelVersion | None
    rhel: MajorMinor
    day: date
    version: str
    releases: tuple[MajorMinor, ...]
    note: str = ""


def azure_targets(request: PopulateRequest) -> dict[Arch, AzureTarget]:
    """What to look for, by architecture; those without a build for Azure are left out.

    Raises:
        InputError: a build is none of RHEL CoreOS, or no release of OpenShift can be found for it.
    """
    if request.choice is Choice.UPSTREAM:
        return _upstream_targets(request)
    targets = {arch: _target(request, arch) for arch in request.wanted_arches()}
    return {arch: target for arch, target in targets.items() if target is not None}


def _target(request: PopulateRequest, arch: Arch) -> AzureTarget | None:
    build = request.build_for(arch, Cloud.AZURE)
    if build is None:
        return None
    subject = f"{request.stream.stream} {arch}"
    if isinstance(build, FcosVersion):
        raise InputError(f"{build} is a build of Fedora CoreOS, which no marketplace has", subject=subject, hint="see --cloud gallery")
    rhel = build.rhel
    version = azure_version_of(build)
    if rhel is None or version is None:
        raise InputError(f"{build} does not tell its version of RHEL", subject=subject)
    releases, note = _releases(request, arch, build, rhel)
    return AzureTarget(arch, build, rhel, build.stamp.day, version, releases, note)


def _releases(
    request: PopulateRequest, arch: Arch, build: LegacyVersion | RhelVersion, rhel: MajorMinor
) -> tuple[tuple[MajorMinor, ...], str]:
    """The releases in whose series to look, and how they were found."""
    if request.release is not None and request.release.openshift is not None:
        return (request.release.openshift,), ""
    if isinstance(build, LegacyVersion):
        return (build.ocp,), _lag(request, build.ocp, f"the build {build}")
    against = _against_name(request, arch, build, rhel)
    named = _named_release(request.stream.stream)
    if named is not None and against is None:
        return (named,), ""
    found = tuple(reversed(releases_on(rhel)))
    if not found:
        subject = f"{request.stream.stream} {arch}"
        raise InputError(f"no release of OpenShift is known to boot RHEL {rhel}, that of {build}", subject=subject, hint=_SAY_WHICH)
    shown = " and ".join(str(release) for release in found)
    because = f"the stream is called {request.stream.stream!r}, and {against or f'{build} is of RHEL {rhel}'}"
    return found, f"{because}: looking at the images of OpenShift {shown}, which boots it; {_SAY_WHICH} to look at one alone"


def _against_name(request: PopulateRequest, arch: Arch, build: LegacyVersion | RhelVersion, rhel: MajorMinor) -> str | None:
    """What disagrees with the release in the stream's name: the build that is looked for, or the stream's own; None where nothing does."""
    booted = RHEL_OF_OPENSHIFT.get(_named_release(request.stream.stream) or MajorMinor(0, 0), ())
    if rhel not in booted:
        return f"{build} is of RHEL {rhel}"
    own = request.build_of_stream(arch, Cloud.AZURE)
    if isinstance(own, LegacyVersion | RhelVersion) and own.rhel is not None and own.rhel not in booted:
        return f"holds {own}, of RHEL {own.rhel}"
    return None


def _lag(request: PopulateRequest, found: MajorMinor, by: str) -> str:
    named = _named_release(request.stream.stream)
    return f"the stream is called {request.stream.stream!r}; by {by} it is of OpenShift {found}" if named not in (None, found) else ""


def _named_release(name: str) -> MajorMinor | None:
    """The release in a stream's name (``rhcos-4.20``), or None."""
    try:
        return parse_openshift(name.partition("-")[2])
    except InputError:
        return None


def _upstream_targets(request: PopulateRequest) -> dict[Arch, AzureTarget]:
    """As the installer's program does it: a version of OpenShift for all, whichever architectures the stream has."""
    if request.release is not None:
        if request.release.build is not None:
            hint = "write 4.19, or choose with --choice bounded or latest"
            raise InputError("the installer's program takes a version of OpenShift here", subject=request.release.text, hint=hint)
        release = request.release.openshift
    else:
        release = _named_release(request.stream.stream)
    if release is None:
        raise InputError(f"the stream's name {request.stream.stream!r} does not end in a version of OpenShift", hint=_SAY_WHICH)
    # The program knows RHEL 9 and 10 by the names of its files, and counts everything that is not named after RHEL as 9.
    major = max(_OLDEST_MAJOR_OF_UPSTREAM, _rhel_major(request) or _OLDEST_MAJOR_OF_UPSTREAM)
    rhel, day = MajorMinor(major, 0), request.now.date()
    return {
        arch: AzureTarget(arch, None, rhel, day, "", (release,))
        for arch in MARKETPLACE_ARCHES
        if not request.arches or arch in request.arches
    }


def _rhel_major(request: PopulateRequest) -> int | None:
    for name in request.stream.architectures:
        build = request.build_for(Arch.parse(name), Cloud.AZURE)
        if isinstance(build, LegacyVersion):
            return build.rhel_major
        if isinstance(build, RhelVersion):
            return build.rhel.major
    return None
