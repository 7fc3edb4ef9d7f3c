"""What pushes work on, as the user says it, and what is made of that: sources, mappings, accounts, RHSM, files, journals, results."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.model.errors import InputError, OperationError
from penstock.model.starmap import STARMAP_URL

if TYPE_CHECKING:
    from penstock.adapters.rhsm import RhsmClient
    from penstock.adapters.starmap import StarmapClient
    from penstock.model.starmap import StarmapEntity
    from penstock.ports import ProgressSink
    from penstock.ports.publish import ResultSink, RunBook
    from penstock.publish.community.push import Outside
    from penstock.publish.execution import StepWatcher


@dataclass(frozen=True, slots=True)
class StarmapSettings:
    """Where mappings come from.

    Attributes:
        url: of the server.
        local: mappings that come before those of the server.
        offline: the server is never asked.
    """

    url: str = STARMAP_URL
    local: "tuple[StarmapEntity, ...]" = ()
    offline: bool = False


@dataclass(frozen=True, slots=True)
class RhsmSettings:
    """How RHSM is reached.

    Attributes:
        url: None where there is none, which preflight judges.
        certificate: the client's.
        key: of the certificate.
    """

    url: str | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePatience:
    """How long a file that is not there yet is waited for, and how often it is looked for."""

    timeout_s: float = 0.0
    rate_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunitySettings:
    """What a community push works on.

    Attributes:
        sources: ``staged:/dir``.
        credentials: paths or base64, apart by commas; secret.
        starmap: see there.
        rhsm: see there.
        state: where journals and decompressed disks are kept.
        patience: with files.
    """

    sources: tuple[str, ...]
    credentials: str = field(repr=False)
    starmap: StarmapSettings
    rhsm: RhsmSettings
    state: Path
    patience: FilePatience = field(default_factory=FilePatience)


def state_folder(option: Path | None, environ: Mapping[str, str]) -> Path:
    """The value of ``--state``, else ``PENSTOCK_STATE``, else ``penstock/publish`` in the XDG state directory.

    Raises:
        OperationError: nothing says where, and there is no home directory.
    """
    if option is not None:
        return option
    if environ.get("PENSTOCK_STATE"):
        return Path(environ["PENSTOCK_STATE"])
    base = environ.get("XDG_STATE_HOME", "")
    if base.startswith("/"):
        return Path(base, "penstock", "publish")
    home = environ.get("HOME", "")
    if not home.startswith("/"):
        raise OperationError("there is no home directory to keep journals in", hint="set PENSTOCK_STATE, or give --state")
    return Path(home, ".local", "state", "penstock", "publish")


def read_local_mappings(repo: str | None, repo_file: Path | None, *, offline: bool) -> "tuple[StarmapEntity, ...]":
    """The mappings of ``--repo``, or else of ``--repo-file``.

    Raises:
        InputError: they say nonsense (all that is wrong at once), or there are none and ``offline`` needs them.
        NotFoundError: there is no such file.
    """
    from penstock.adapters.files.pushmappings import read_mappings

    local = read_mappings(repo, repo_file)
    if offline and not local:
        raise InputError('Cannot use "--offline" without defining "--repo" mappings.')
    return local


@asynccontextmanager
async def open_community_push(settings: CommunitySettings, *, progress: "ProgressSink", watcher: "StepWatcher") -> "AsyncIterator[Outside]":
    """Everything that a community push works on; nothing is asked yet.

    Raises:
        InputError: a setting is wrong.
        NotFoundError: a file of credentials or certificates is not there.
        OperationError: boto3 is not installed.
    """
    from penstock.adapters.aws.accounts import AwsPushAccounts
    from penstock.adapters.clock import SystemClock
    from penstock.adapters.files.arrival import Patience
    from penstock.adapters.files.imagecontent import LocalImageFiles
    from penstock.adapters.files.pushcredentials import read_credentials
    from penstock.adapters.files.pushsources import parse_source
    from penstock.publish.community.push import Outside
    from penstock.publish.mapping import Mappings

    patience = Patience(timeout_s=settings.patience.timeout_s, rate_s=settings.patience.rate_s)
    sources = [parse_source(text, patience=patience) for text in settings.sources]
    credentials = read_credentials(settings.credentials)
    async with AsyncExitStack() as stack:
        rhsm = await stack.enter_async_context(_rhsm(settings.rhsm))
        server = await stack.enter_async_context(_starmap(settings.starmap))
        accounts = await stack.enter_async_context(AwsPushAccounts())
        yield Outside(
            sources=sources,
            mappings=Mappings(settings.starmap.local, server),
            credentials=credentials,
            accounts=accounts,
            rhsm=rhsm,
            files=LocalImageFiles(settings.state, patience=patience),
            clock=SystemClock(),
            progress=progress,
            watcher=watcher,
        )


@asynccontextmanager
async def _rhsm(settings: RhsmSettings) -> "AsyncIterator[RhsmClient | None]":
    if not settings.url:
        yield None
        return
    from penstock.adapters.clock import SystemClock
    from penstock.adapters.http.authorities import named_authorities
    from penstock.adapters.http.options import HttpOptions
    from penstock.adapters.rhsm import RhsmClient, RhsmOptions
    from penstock.adapters.rhsm.options import PATIENCE

    http = HttpOptions(ca_file=named_authorities(os.environ), retries=PATIENCE)
    options = RhsmOptions(url=settings.url, certificate=settings.certificate, key=settings.key, http=http)
    async with RhsmClient(options, SystemClock()) as client:
        yield client


@asynccontextmanager
async def _starmap(settings: StarmapSettings) -> "AsyncIterator[StarmapClient | None]":
    if settings.offline:
        yield None
        return
    from penstock.adapters.http.authorities import named_authorities
    from penstock.adapters.http.options import HttpOptions
    from penstock.adapters.starmap import STARMAP_RETRIES, STARMAP_TIMEOUTS, StarmapClient, StarmapOptions

    http = HttpOptions(ca_file=named_authorities(os.environ), retries=STARMAP_RETRIES, timeouts=STARMAP_TIMEOUTS)
    async with StarmapClient(StarmapOptions(url=settings.url, http=http)) as client:
        yield client


def open_runs(state: Path) -> "RunBook":
    """The journals of all runs."""
    from penstock.adapters.clock import SystemClock
    from penstock.adapters.files.pushjournal import JournalFolder

    return JournalFolder(state, SystemClock())


def open_results() -> "ResultSink":
    """``artifacts/`` in the folder where the program was started."""
    from penstock.adapters.clock import SystemClock
    from penstock.adapters.files.pushresults import ArtifactsFolder

    return ArtifactsFolder(clock=SystemClock())
