"""What the user wants sent with a download beside what every request has; it may be secret, so it goes where it was meant for alone."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import quote, urlencode

from yarl import URL

from penstock.adapters.http.hops import keeps_credentials

# What the connection and the rest of a file are settled with; upstream's client sets these itself, too.
_OURS = frozenset({"accept-encoding", "connection", "content-length", "host", "if-range", "range", "te", "transfer-encoding", "upgrade"})


@dataclass(frozen=True, slots=True)
class Additions:
    """Header fields and query parameters.

    Attributes:
        headers: go to the scheme, host and port that is asked first, and not with a redirect to another.
        query: is added to the address that is asked first; a redirect brings its own.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)

    def address(self, url: URL) -> URL:
        """The address with the parameters; what it had stays as it was written, for it may be signed."""
        if not self.query:
            return url
        added = urlencode(self.query, quote_via=quote)
        whole = f"{url.raw_query_string}&{added}" if url.raw_query_string else added
        return URL(f"{url.with_query(None).with_fragment(None)}?{whole}", encoded=True)

    def fields(self) -> dict[str, str]:
        """The header fields that may be sent; names are written as ours are, so that one takes the place of ours."""
        return {name.title(): value for name, value in self.headers.items() if name.lower() not in _OURS}

    def with_login_of(self, url: URL) -> Self:
        """With the user and password of an address as ``Authorization``, unless that is given; the address is then used without them."""
        if url.user is None or any(name.lower() == "authorization" for name in self.headers):
            return self
        login = base64.b64encode(f"{url.user}:{url.password or ''}".encode()).decode()
        return type(self)({**self.headers, "Authorization": f"Basic {login}"}, self.query)


class Bearer:
    """Follows one way of redirects: once the fields were held back they stay held back."""

    def __init__(self, additions: Additions, first: URL) -> None:
        self._fields = additions.fields()
        self._first = first
        self._shown = True

    def fields_for(self, url: URL) -> dict[str, str]:
        """The header fields to send to ``url``."""
        self._shown = self._shown and keeps_credentials(self._first, url)
        return self._fields if self._shown else {}


NOTHING = Additions()
