"""How HTTP is spoken: patience, authorities, proxies."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Retries:
    """How often, and for how long, a thing that may yet come is asked for.

    The defaults end "5xx for ever" after about four seconds and throttling (429) within twenty.

    Attributes:
        attempts: tries of one request; a blob that is being read counts anew whenever bytes have come.
        first_wait_s: the pause before the second try; it doubles from there.
        longest_wait_s: the longest pause of our own choice.
        longest_retry_after_s: how far a server's ``Retry-After`` is honoured by those who come back early.
        total_s: no new try is begun later than this.
    """

    attempts: int = 5
    first_wait_s: float = 0.2
    longest_wait_s: float = 3.0
    longest_retry_after_s: float = 8.0
    total_s: float = 15.0

    def wait_s(self, failures: int) -> float:
        """The pause after the given number (from 1) of failures in a row."""
        return min(self.longest_wait_s, self.first_wait_s * 2.0 ** (failures - 1))


@dataclass(frozen=True, slots=True)
class Timeouts:
    """When silence counts as failure.

    Attributes:
        connect_s: for a connection, TLS included.
        stall_s: without a byte of an answer.
        commit_s: the same, where a server must store or hash what it was given before it can answer.
        helper_s: for a credential helper.
    """

    connect_s: float = 10.0
    stall_s: float = 20.0
    commit_s: float = 300.0
    helper_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """What a client of HTTP needs to know; nothing else of the process is looked at.

    Attributes:
        ca_file: PEM certificates that *replace* the system's authorities, as ``oc``'s ``--certificate-authority`` does.
        insecure: certificates are not checked.
        tls: a context that is used as it is, in the place of the two before; for client certificates.
        parallel: connections to one host at a time.
        retries: see :class:`Retries`.
        timeouts: see :class:`Timeouts`.
        environment: ``HTTPS_PROXY``, ``NO_PROXY`` and whatever else the client reads.  Never shown, it may hold secrets.
    """

    ca_file: Path | None = None
    insecure: bool = False
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    parallel: int = 6
    retries: Retries = field(default_factory=Retries)
    timeouts: Timeouts = field(default_factory=Timeouts)
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
