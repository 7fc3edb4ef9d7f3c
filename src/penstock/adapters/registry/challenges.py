"""``WWW-Authenticate``: what a registry wants to see before it answers.

RFC 9110, 11.6.1; RFC 6750 (Bearer); the distribution project's token specification (``realm``, ``service``, ``scope``).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_SCHEME = re.compile(r"\s*,*\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?=\s|,|$)")
_PARAMETER = re.compile(r"""\s*,*\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))""")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge.

    Attributes:
        scheme: in lower case: ``bearer``, ``basic``.
        parameters: their names in lower case.
    """

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that a Bearer challenge names, in its order."""
        return tuple(self.parameters.get("scope", "").split())


def parse_challenges(values: Iterable[str]) -> tuple[Challenge, ...]:
    """The challenges of all ``WWW-Authenticate`` headers; what cannot be read is left out."""
    found = []
    for value in values:
        position = 0
        while match := _SCHEME.match(value, position):
            position, parameters = match.end(), {}
            while pair := _PARAMETER.match(value, position):
                quoted, token = pair[2], pair[3]
                parameters[pair[1].lower()] = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else token
                position = pair.end()
            found.append(Challenge(match[1].lower(), parameters))
    return tuple(found)


def choose_challenge(challenges: Iterable[Challenge]) -> Challenge | None:
    """The challenge to meet: Bearer before Basic, None where there is neither."""
    usable = {challenge.scheme: challenge for challenge in challenges if challenge.scheme in ("bearer", "basic")}
    return usable.get("bearer") or usable.get("basic")
