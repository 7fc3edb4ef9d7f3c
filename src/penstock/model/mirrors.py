"""Where else an image may be fetched from: mirror rules, and the pure answer which places to ask in which order.

Three formats say it (containers-registries.conf(5), OpenShift's image mirror sets, and their predecessor); they meet in the values
below.  A rule is chosen as containers-registries.conf(5) says: the longest ``prefix`` that the reference starts with, ending at
a path element.  Unlike the library behind podman, ``example.com`` does not catch ``example.com:5000``; its authors call that unintended.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from penstock.model.errors import InputError
from penstock.model.imageref import ImageRef

_WILDCARD = "*."
_SEPARATORS = "/:@"


class PullFrom(StrEnum):
    """Which references a mirror serves; the spelling of ``pull-from-mirror``."""

    ALL = "all"
    DIGEST_ONLY = "digest-only"
    TAG_ONLY = "tag-only"

    def serves(self, ref: ImageRef) -> bool:
        """Whether ``ref`` is of that kind; a reference with a tag and a digest counts as a digest."""
        if self is PullFrom.ALL:
            return True
        return (self is PullFrom.DIGEST_ONLY) == (ref.digest is not None)


@dataclass(frozen=True, slots=True)
class Mirror:
    """One place that holds copies.

    Attributes:
        location: ``host[:port][/path]``, put in the place of the rule's prefix.
        insecure: whether its certificate is not checked and plain HTTP is allowed.
        pull_from: which references it serves.
    """

    location: str
    insecure: bool = False
    pull_from: PullFrom = PullFrom.ALL


@dataclass(frozen=True, slots=True)
class MirrorRule:
    """What holds for every reference under one prefix.

    Attributes:
        prefix: ``host[:port][/path]``, also with a tag or digest, or ``*.domain`` for all hosts below a domain.
        location: put in the place of the prefix when the source itself is asked; ``""`` leaves the reference as it is.
        mirrors: asked in this order, before the source.
        insecure: whether the source's certificate is not checked and plain HTTP is allowed.
        blocked: whether the source must never be asked (``blocked``, ``NeverContactSource``).
    """

    prefix: str
    location: str = ""
    mirrors: tuple[Mirror, ...] = ()
    insecure: bool = False
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class MirrorRules:
    """All rules, at most one for each prefix; empty rules lead every reference to its source."""

    rules: tuple[MirrorRule, ...] = ()

    def joined(self, other: "MirrorRules") -> "MirrorRules":
        """These rules and ``other``: mirrors of one prefix stand behind each other, a prohibition of either side holds."""
        by_prefix: dict[str, MirrorRule] = {}
        for rule in (*self.rules, *other.rules):
            first = by_prefix.get(rule.prefix)
            by_prefix[rule.prefix] = rule if first is None else _join(first, rule)
        return MirrorRules(tuple(by_prefix.values()))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place to ask for an image.

    Attributes:
        ref: the image as this place calls it.
        insecure: whether its certificate is not checked and plain HTTP is allowed.
        is_mirror: False for the source itself.
    """

    ref: ImageRef
    insecure: bool = False
    is_mirror: bool = False


def _join(first: MirrorRule, second: MirrorRule) -> MirrorRule:
    mirrors = first.mirrors + tuple(mirror for mirror in second.mirrors if mirror not in first.mirrors)
    location = second.location if first.location in ("", first.prefix) else first.location
    return MirrorRule(first.prefix, location, mirrors, first.insecure or second.insecure, first.blocked or second.blocked)


def candidates(ref: ImageRef, rules: MirrorRules) -> tuple[Endpoint, ...]:
    """The places to ask for ``ref``: all mirrors that serve it, in order, then the source unless it is forbidden.

    Returns:
        An empty tuple when the source is forbidden and no mirror serves the reference.

    Raises:
        InputError: a mirror's location does not make a pullspec.
    """
    rule = matching_rule(ref, rules)
    return (Endpoint(ref),) if rule is None else tuple(_endpoints(ref, rule))


def matching_rule(ref: ImageRef, rules: MirrorRules) -> MirrorRule | None:
    """The rule with the longest prefix that ``ref`` falls under, or None."""
    text = str(ref)
    matching = [rule for rule in rules.rules if _matched_length(text, rule.prefix) is not None]
    return max(matching, key=lambda rule: len(rule.prefix), default=None)


def _endpoints(ref: ImageRef, rule: MirrorRule) -> Iterator[Endpoint]:
    for mirror in rule.mirrors:
        if mirror.pull_from.serves(ref):
            yield Endpoint(_rewritten(ref, rule.prefix, mirror.location), mirror.insecure, is_mirror=True)
    if not rule.blocked:
        source = _rewritten(ref, rule.prefix, rule.location) if rule.location else ref
        yield Endpoint(source, rule.insecure)


def _matched_length(text: str, prefix: str) -> int | None:
    """How much of the reference ``text`` the prefix covers, or None where it does not match."""
    if prefix.startswith(_WILDCARD):
        host = text.partition("/")[0].partition(":")[0]
        return len(host) if host.endswith(prefix[1:]) and len(host) > len(prefix[1:]) else None
    if not text.startswith(prefix):
        return None
    rest = text[len(prefix) :]
    if not rest:
        return len(prefix)
    if rest[0] not in _SEPARATORS or ("/" not in prefix and rest[0] == ":"):
        return None
    return len(prefix)


def _rewritten(ref: ImageRef, prefix: str, location: str) -> ImageRef:
    text = str(ref)
    covered = _matched_length(text, prefix) or 0
    if prefix.startswith(_WILDCARD) and set(location) & {"/", ":"}:
        # The host's port stays behind a bare host, as podman has it; a location that says more stands for host and port.
        covered = text.index("/")
    try:
        return ImageRef.parse(location + text[covered:])
    except InputError as error:
        raise InputError(
            f"the mirror location {location!r} for {prefix!r} makes no image reference: {error.message}",
            subject=text,
            hint="a location is host[:port][/path]; a bare host serves only prefixes without a path of their own",
        ) from error
