"""Which release to look for, where the stream itself is not to be asked: ``--release`` and ``STREAM_RELEASE_OVERRIDE``.

The enhancement gives the variable a whole build (``417.94.202407010000-0``), the program that was released a version of OpenShift
(``4.19``); both are read here, and builds that are named after RHEL too.
"""

from dataclasses import dataclass

from penstock.model.errors import InputError
from penstock.model.versions.coreos import FcosVersion, LegacyVersion, RhelVersion, parse_version
from penstock.model.versions.openshift import parse_openshift
from penstock.model.versions.parts import MajorMinor, abridge

RELEASE_VARIABLE = "STREAM_RELEASE_OVERRIDE"
_HINT = "write a version of OpenShift (4.19) or a build (417.94.202407010000-0, 9.6.20250513-0)"
_FIRST_RHEL_MAJOR = 8


@dataclass(frozen=True, slots=True)
class ReleaseOverride:
    """A release that somebody asked for.

    Attributes:
        text: as it was written.
        openshift: the version of OpenShift; None for a build that does not tell it.
        build: the build to match; None where only a version of OpenShift was given: then the stream's own.
    """

    text: str
    openshift: MajorMinor | None
    build: LegacyVersion | RhelVersion | None

    @classmethod
    def parse(cls, text: str, *, subject: str) -> "ReleaseOverride":
        """Read any of the forms.

        Args:
            text: what was given; an empty text was given too, and is wrong.
            subject: where it was given: ``--release`` or the variable.

        Raises:
            InputError: it is none of them.
        """
        if not text.strip():
            raise InputError("is set and empty", subject=subject, hint=f"unset it, or {_HINT}")
        openshift = _openshift(text)
        if openshift is not None and openshift.major >= _FIRST_RHEL_MAJOR:
            raise InputError(f"{text!r} is a version of RHEL", subject=subject, hint=_HINT)
        if openshift is not None:
            return cls(text, openshift, None)
        try:
            build = parse_version(text)
        except InputError:
            raise InputError(f"{abridge(text)!r} is no release", subject=subject, hint=_HINT) from None
        if isinstance(build, FcosVersion):
            raise InputError(f"{text!r} is a build of Fedora CoreOS, which no marketplace has", subject=subject, hint=_HINT)
        return cls(text, build.ocp if isinstance(build, LegacyVersion) else None, build)


def _openshift(text: str) -> MajorMinor | None:
    try:
        return parse_openshift(text)
    except InputError:
        return None
