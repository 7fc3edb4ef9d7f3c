"""Name, epoch, version, release and architecture: the identity of an RPM package.

Spellings that are read: ``name-[epoch:]version-release.arch`` (dnf, cosa lockfiles), ``epoch:name-version-release.arch`` (yum's
old way), both with ``.rpm`` behind, and without an architecture (``rpm -q`` formats, Koji's NVR).  The text alone does not say
whether ``.el9`` is an architecture, so the last dotted word is one only when rpm knows it by that name.
"""

from dataclasses import dataclass
from functools import total_ordering
from typing import Self

from penstock.model.errors import InputError
from penstock.model.evr import Evr, VersionKey, check_word, parse_epoch

_NO_ARCH = "(none)"
# rpm's rpmrc.in, the architectures that packages of Fedora, CentOS and RHEL have been built for.
RPM_ARCHES = frozenset(
    {
        *("noarch", "src", "nosrc"),
        *("x86_64", "x86_64_v2", "x86_64_v3", "x86_64_v4", "amd64", "ia32e", "i386", "i486", "i586", "i686", "athlon", "geode"),
        *("aarch64", "armv5tel", "armv6l", "armv6hl", "armv7l", "armv7hl", "armv7hnl", "armv8hl"),
        *("ppc", "ppc64", "ppc64p7", "ppc64le", "s390", "s390x", "riscv64", "loongarch64", "ia64", "mips64el", "mipsel", "sparc64"),
    }
)
"""The words that count as an architecture at the end of a NEVRA."""


@total_ordering
@dataclass(frozen=True, slots=True)
class Nevra:
    """The identity of a package.

    Equality is by spelling.  The order is by name, then as rpm orders the EVRs, then by architecture; where rpm sees no difference the
    spelling decides, so that a sorted list comes out the same every time.

    >>> package = Nevra.parse("openssl-libs-1:3.2.2-6.el9_5.x86_64")
    >>> package.name, package.evr, package.arch
    ('openssl-libs', Evr(epoch=1, version='3.2.2', release='6.el9_5'), 'x86_64')
    >>> str(Nevra.parse("0:bash-5.1.8-9.el9.aarch64"))
    'bash-5.1.8-9.el9.aarch64'

    Attributes:
        name: the package's name.
        epoch: 0 where it has none.
        version: the upstream version.
        release: the packager's release.
        arch: rpm's name of the architecture (``noarch``, ``i686`` and ``src`` among them), or None where it is not said.
    """

    name: str
    epoch: int
    version: str
    release: str
    arch: str | None = None

    def __post_init__(self) -> None:
        """Refuse what could not be written as text and read again."""
        if not self.name or any(letter in ":/" or letter.isspace() for letter in self.name):
            raise InputError(f"{self.name!r} is not a package's name", hint="it may not be empty, nor hold ':', '/' or white space")
        check_word(self.release, "release")
        if self.arch is not None and (not self.arch or any(letter in "-:/." or letter.isspace() for letter in self.arch)):
            raise InputError(f"{self.arch!r} is not a package's architecture", hint="write rpm's name, for example x86_64 or noarch")
        Evr(self.epoch, self.version, self.release)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read any of the spellings above.

        Raises:
            InputError: the text names no package with version and release.
        """
        stem, arch = _split_arch(text.removesuffix(".rpm"))
        parts = stem.rsplit("-", 2)
        if len(parts) != 3 or not all(parts):
            raise InputError(f"{text!r} is not a package", hint="write name-[epoch:]version-release[.arch]")
        name, version, release = parts
        before_name, colon_in_name, bare_name = name.rpartition(":")
        before_version, colon_in_version, bare_version = version.rpartition(":")
        if colon_in_name and colon_in_version:
            raise InputError(f"{text!r} has two epochs", hint="write name-[epoch:]version-release[.arch]")
        if (colon_in_name and not before_name) or (colon_in_version and not before_version):
            raise InputError(f"{text!r} has a colon without an epoch", hint="write name-[epoch:]version-release[.arch]")
        return cls(bare_name, parse_epoch(before_name or before_version), bare_version, release, arch)

    @property
    def evr(self) -> Evr:
        """Epoch, version and release, which compare as rpm does."""
        return Evr(self.epoch, self.version, self.release)

    @property
    def nvr(self) -> str:
        """``name-version-release``, Koji's name of a build; it has no epoch."""
        return f"{self.name}-{self.version}-{self.release}"

    @property
    def key(self) -> tuple[str, tuple[int, VersionKey, bool, VersionKey], str, str, str]:
        """The sort key."""
        return (self.name, self.evr.key, self.arch or "", self.version, self.release)

    def __lt__(self, other: object) -> bool:
        """Order by :attr:`key`."""
        return self.key < other.key if isinstance(other, Nevra) else NotImplemented

    def __str__(self) -> str:
        """``name-[epoch:]version-release[.arch]``, the epoch only where it is not 0."""
        return f"{self.name}-{self.evr}" + (f".{self.arch}" if self.arch else "")


def _split_arch(text: str) -> tuple[str, str | None]:
    """The text before the architecture, and the architecture; ``(none)``, as rpm prints it for public keys, is none."""
    stem, _, word = text.rpartition(".")
    if word == _NO_ARCH:
        return stem, None
    return (stem, word) if word in RPM_ARCHES else (text, None)
