"""Koji's hub as pushsource asks it, with bounds on how long, retries that are told, and checksums that the library cannot hold.

The library's own sessions wait for twelve hours for an answer and try each call thirty-one times, and it takes every checksum for MD5: a
build whose archives carry SHA-256 fails as a whole (pushsource: ``_impl/backend/koji_source.py``, ``md5sum=archive.get("checksum")``).
"""

import threading
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from penstock.adapters.extras import extra
from penstock.adapters.pushsource.grammar import UpstreamAddress
from penstock.adapters.pushsource.options import HubPatience
from penstock.ports.retries import tell_retry

with extra("koji", "koji", "pushsource"):
    import koji
    import pushsource

_BACKEND: Final = "penstock-koji"
"""The name under which the library knows koji with these sessions."""

_THREADS: Final = 4
_MD5, _SHA256 = 0, 2
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class HubTalk:
    """All that is said with hubs while one source is read; safe in several threads.

    Attributes:
        patience: with each call.
        stop: once it is set nothing more is asked.
        sha256: what hubs said of archives, by the build's id and the file's name.
    """

    patience: HubPatience
    stop: threading.Event
    sha256: dict[tuple[int, str], str] = field(default_factory=dict)
    _sessions: list["_Session"] = field(default_factory=list)
    _context: Any = field(default_factory=copy_context)

    def session(self, url: str) -> "_Session":
        """A new session, for one thread."""
        made = _Session(url, self)
        self._sessions.append(made)
        return made

    def told(self, error: Exception) -> None:
        """A call did not succeed, and is made again."""
        reason = f"the hub of koji did not answer: {type(error).__name__}"
        _log.info("asked again", reason=reason)
        self._context.copy().run(tell_retry, reason)

    def close(self) -> None:
        """Close all connections."""
        for session in self._sessions:
            session.rsession.close()


class _Session(koji.ClientSession):  # type: ignore[misc]  # koji has no types
    """Of one thread."""

    def __init__(self, url: str, talk: HubTalk) -> None:
        self._talk = talk
        patience = talk.patience
        options = {
            "anon_retry": True,
            "timeout": patience.timeout_s,
            "max_retries": patience.retries,
            "retry_interval": patience.interval_s,
        }
        super().__init__(url, options)

    def _callMethod(self, name: str, args: Any, kwargs: Any = None, retry: bool = True) -> Any:  # noqa: ANN401, FBT001, FBT002, N802  # koji's
        said = super()._callMethod(name, args, kwargs, retry)
        for archive in _archives_in(said):
            self._settle(archive)
        return said

    def _sendCall(self, handler: str, headers: Any, request: bytes) -> Any:  # noqa: ANN401, N802  # koji's
        if self._talk.stop.is_set():
            raise SystemExit  # the one thing, beside Ctrl-C itself, after which koji does not try again; it ends this thread alone
        try:
            return super()._sendCall(handler, headers, request)
        except koji.Fault:
            raise
        except Exception as error:
            answer = getattr(error, "response", None)
            if answer is not None:
                answer.close()  # koji leaves the connection of a refused call open
            self._talk.told(error)
            raise

    def _settle(self, archive: dict[str, Any]) -> None:
        """Leave in ``archive`` what the library can hold, and keep what it cannot."""
        kind = archive["checksum_type"]
        if kind != _MD5:
            checksum = archive.pop("checksum", None)
            if kind == _SHA256 and checksum:
                self._talk.sha256[archive["build_id"], archive["filename"]] = checksum


def _archives_in(said: object) -> Iterator[dict[str, Any]]:
    """What an answer holds of documents of archives: it may be their list, or that of a ``multiCall`` with several answers."""
    if isinstance(said, dict):
        if "checksum_type" in said and "filename" in said:
            yield said
    elif isinstance(said, list):
        for each in said:
            yield from _archives_in(each)


class _Sessions(threading.local):
    """A session for every thread, where the library looks for it."""

    def __init__(self, url: str, talk: HubTalk) -> None:
        self._of = (url, talk)
        self._session: _Session | None = None

    @property
    def koji_session(self) -> _Session:
        """Of this thread."""
        if self._session is None:
            url, talk = self._of
            self._session = talk.session(url)
        return self._session


_TALKS: dict[str, HubTalk] = {}
"""Those of the sources that are open, by a key: the library takes text alone for the hub of an advisory."""


def _with_our_sessions(
    url: str,
    *,
    talk: str,
    vmi_build: str | Sequence[str] = (),
    cache: dict[str, Any] | None = None,
    **arguments: Any,  # noqa: ANN401  # of the library's backend
) -> Iterable[Any]:
    """A backend of the library: its own for koji, with sessions of ours in the cache, where it would make its own.

    Builds that are asked for by their number are asked for by their name: the library cannot read them otherwise, because it takes what it
    was asked for as the name (pushsource: ``_impl/backend/koji_source.py``, ``build=nvr``).
    """
    kept = {} if cache is None else cache
    sessions = kept.setdefault("tls", _Sessions(url, _TALKS[talk]))
    builds = vmi_build.split(",") if isinstance(vmi_build, str) else [each for value in vmi_build for each in value.split(",")]
    named = [_name_of(each, sessions) if each.isdecimal() else each for each in builds if each]
    made: Iterable[Any] = pushsource.Source.get_partial("koji:")(url=url, vmi_build=named, cache=kept, **arguments)
    return made


def _name_of(number: str, sessions: _Sessions) -> str:
    """Of a build; the number itself where the hub has none, which the library finds too."""
    found = sessions.koji_session.getBuild(int(number))
    return str(found["nvr"]) if found else number


pushsource.Source.register_backend(_BACKEND, _with_our_sessions)


@contextmanager
def open_source(address: UpstreamAddress, talk: HubTalk) -> Iterator[Iterable[Any]]:
    """The library's source, ready to be read; everything that it began ends with it.

    Args:
        address: of the source, ``koji`` or ``errata``.
        talk: with hubs.
    """
    key = str(id(talk))
    _TALKS[key] = talk
    try:
        with ExitStack() as stack:
            stack.callback(talk.close)
            if address.scheme == "koji":
                executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="koji")
                stack.callback(executor.shutdown, wait=True, cancel_futures=True)
                text = _BACKEND + address.text.removeprefix("koji")
                source = pushsource.Source.get(text, talk=key, executor=executor)
            else:
                builds = _BACKEND + address.koji_source.removeprefix("koji")
                builds += f"{'&' if '?' in builds else '?'}talk={key}"
                # Without a keytab the library speaks XML-RPC, which needs none, and warns of its own plans.
                warnings.filterwarnings("ignore", message="The XMLRPC Errata Client", category=DeprecationWarning)
                source = pushsource.Source.get(address.text, koji_source=builds)
            yield stack.enter_context(source)
    finally:
        del _TALKS[key]
