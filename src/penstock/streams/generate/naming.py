"""What streams are called, and where their builds are served.

The name of a stream is also the folder of its builds: ``<base>/<stream>/builds/<build>/<arch>/<file>``.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit, urlunsplit

from penstock.model.build import Build
from penstock.model.errors import InputError
from penstock.model.versions import (
    RHEL_OF_OPENSHIFT,
    FcosVersion,
    LegacyVersion,
    OsVersion,
    RhelVersion,
    parse_openshift,
    parse_version,
)

_DETACHED = "HEAD"
_BUILD_URL = re.compile(r"(?P<base>.+)/(?P<stream>[^/]+)/builds/(?P<build>[^/]+)/(?P<arch>[^/]+)/[^/]+")
_OPENSHIFT_NAME = re.compile(r"(?P<prefix>[a-z-]*)(?P<version>[4-9]\.(?:0|[1-9][0-9]?))(?P<rest>-.*)?")
_RHEL_NAME = re.compile(r"(?:rhel-|c)(?P<major>[0-9]+)(?:\.(?P<minor>[0-9]+))?s?")
_STREAM_LABEL = "com.coreos.stream"


class Distro(StrEnum):
    """Whose builds they are; it decides where they are looked for unless the user says."""

    FCOS = "fcos"
    RHCOS = "rhcos"

    @property
    def endpoint(self) -> str:
        """The address above all streams."""
        return _ENDPOINTS[self]


_ENDPOINTS = {
    Distro.FCOS: "https://builds.coreos.fedoraproject.org/prod/streams",
    Distro.RHCOS: "https://rhcos.mirror.openshift.com/art/storage/prod/streams",
}


@dataclass(frozen=True, slots=True)
class BuildAddress:
    """Where the files of a build are served.

    Attributes:
        base_url: the address above all streams, without a slash at the end.
        directory: the folder of the stream.
        build: the build.
        arch: the architecture.
    """

    base_url: str
    directory: str
    build: str
    arch: str

    @property
    def folder(self) -> str:
        """The URL of the folder with all files of the architecture, without a slash at the end."""
        return f"{self.base_url}/{self.directory}/builds/{self.build}/{self.arch}"

    @property
    def meta_url(self) -> str:
        """The URL of ``meta.json``."""
        return f"{self.folder}/meta.json"

    @property
    def release_url(self) -> str:
        """The URL of ``release.json``, which stands beside the architectures."""
        return f"{self.base_url}/{self.directory}/builds/{self.build}/release.json"


def address_in(url: str) -> BuildAddress | None:
    """What the URL of a ``meta.json`` tells; None where it has another shape.  Credentials and query are left behind.

    Raises:
        InputError: it is no URL.
    """
    found = _BUILD_URL.fullmatch(public_url(url))
    return BuildAddress(found["base"], found["stream"], found["build"], found["arch"]) if found else None


def public_url(url: str) -> str:
    """A URL as it may be shown and written down: without user, password, query and fragment.

    Raises:
        InputError: it is none.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise InputError("this is no URL", subject=url.partition("?")[0].rpartition("@")[2], hint="write https://host/path") from None
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def known_version(text: str) -> OsVersion | None:
    """The version of a build, or None where it is of no known grammar."""
    try:
        return parse_version(text)
    except InputError:
        return None


def distro_of(build: str, name: str = "") -> Distro:
    """Whose build this is, by the shape of its id, else by its name."""
    version = known_version(build)
    if version is None:
        return Distro.FCOS if name == "fedora-coreos" else Distro.RHCOS
    return Distro.FCOS if isinstance(version, FcosVersion) else Distro.RHCOS


def name_of_version(build: str) -> str | None:
    """The stream that a build's id tells: ``4.18``, ``rhel-9.6``, ``stable``; None where it tells none.

    Upstream reads the first dotted part alone, and makes ``9.`` of ``9.6.20250826-1``.

    >>> name_of_version("418.94.202410090804-0"), name_of_version("48.82.202106040844-0"), name_of_version("9.6.20250826-1")
    ('4.18', '4.8', 'rhel-9.6')
    """
    match known_version(build):
        case LegacyVersion() as version:
            return str(version.ocp)
        case RhelVersion() as version:
            return f"rhel-{version.rhel}"
        case FcosVersion() as version:
            return version.stream
        case _:
            return None


def name_of_build(build: Build) -> str | None:
    """The stream that a build belongs to: by the label of the image that it was imported from, its configuration's branch, its id."""
    branch = build.config_git.branch if build.config_git else None
    return build.labels.get(_STREAM_LABEL) or (branch if branch != _DETACHED else None) or name_of_version(build.id)


def refreshed_name(old: str, build: str) -> str:
    """The name of a stream file that now holds ``build``: the old one where it still tells the truth, else the one that the build tells.

    >>> refreshed_name("rhcos-4.16", "417.94.202410090854-0"), refreshed_name("rhcos-4.20", "9.6.20250826-1")
    ('rhcos-4.17', 'rhcos-4.20')
    >>> refreshed_name("rhcos-4.21", "9.8.20260428-0"), refreshed_name("testing", "44.20260707.3.1")
    ('rhel-9.8', 'stable')
    """
    told = name_of_version(build)
    version = known_version(build)
    if told is None or version is None or _agrees(old, version):
        return old
    found = _OPENSHIFT_NAME.fullmatch(old)
    if found and isinstance(version, LegacyVersion):
        # Folders of the mirror are also called 4.17-9.4.
        return f"{found['prefix']}{told}" + (f"-{version.rhel}" if found["rest"] else "")
    return told


def _agrees(name: str, version: OsVersion) -> bool:
    if isinstance(version, FcosVersion):
        return name == version.stream
    if found := _RHEL_NAME.fullmatch(name):
        rhel = version.rhel
        return rhel is not None and int(found["major"]) == rhel.major and found["minor"] in (None, str(rhel.minor))
    found = _OPENSHIFT_NAME.fullmatch(name)
    if found is None:
        return False
    openshift = parse_openshift(found["version"])
    if isinstance(version, LegacyVersion):
        return openshift == version.ocp
    # A release that is newer than our table may boot any RHEL.
    return openshift not in RHEL_OF_OPENSHIFT or version.rhel in RHEL_OF_OPENSHIFT[openshift]
