"""Cross-origin requests (Fetch standard, section 3.2): which web pages may read images, where ``ALLOWED_DOMAINS`` says so.

Answers as OpenShift's image service does, whose middleware is rs/cors (``cors.go``).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_METHODS: Final = frozenset({"HEAD", "GET"})
_HEADERS: Final = frozenset({"authorization", "content-type"})
_MAX_AGE_S: Final = 600
_PREFLIGHT_VARY: Final = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


@dataclass(frozen=True, slots=True)
class AllowedOrigins:
    """The origins that may read.

    Attributes:
        origins: in lower case; ``*`` in one stands for any text, and alone for every origin.
    """

    origins: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "AllowedOrigins | None":
        """Those of ``ALLOWED_DOMAINS``: a list with commas, blanks without meaning; None where it is empty."""
        origins = tuple(origin.lower() for origin in text.replace(" ", "").split(",") if origin)
        return cls(origins) if origins else None

    def preflight(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers of the answer to OPTIONS with ``Access-Control-Request-Method``: without permission where one is not given."""
        answer = {"Vary": _PREFLIGHT_VARY}
        origin, method = headers.get("Origin", ""), headers.get("Access-Control-Request-Method", "")
        wanted = headers.get("Access-Control-Request-Headers", "")
        names = {name.strip().lower() for name in wanted.split(",") if name.strip()}
        if not self._allows(origin) or method not in _METHODS | {"OPTIONS"} or not names <= _HEADERS:
            return answer
        answer |= {"Access-Control-Allow-Origin": self._named(origin), "Access-Control-Allow-Methods": method}
        if names:
            answer["Access-Control-Allow-Headers"] = wanted
        return answer | {"Access-Control-Max-Age": str(_MAX_AGE_S)}

    def actual(self, method: str, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers to add to any other answer."""
        origin = headers.get("Origin", "")
        if not self._allows(origin) or method not in _METHODS | {"OPTIONS"}:
            return {"Vary": "Origin"}
        return {"Vary": "Origin", "Access-Control-Allow-Origin": self._named(origin)}

    def _allows(self, origin: str) -> bool:
        return bool(origin) and any(
            re.fullmatch(".*".join(re.escape(part) for part in allowed.split("*")), origin.lower()) for allowed in self.origins
        )

    def _named(self, origin: str) -> str:
        return "*" if "*" in self.origins else origin
