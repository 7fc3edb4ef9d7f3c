"""What pushes work on, as the user says it, and what is made of that: sources, mappings, accounts, RHSM, files, journals, results."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.model.errors import InputError, OperationError
from penstock.model.starmap import STARMAP_URL

if TYPE_CHECKING:
    from penstock.adapters.rhsm import RhsmClient
    from penstock.adapters.starmap import StarmapClient
    from penstock.model.push.accounts import CredentialSet
    from penstock.model.starmap import StarmapEntity
    from penstock.ports.publish import ResultSink, RunBook


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
class CloudEndpoints:
    """Where clouds are asked, in the place of their own addresses and of what the environment says: a rehearsal's simulators.

    Attributes:
        aws: all of its services; None for its own, or ``AWS_ENDPOINT_URL`` and the like.
        ingestion: Azure's product ingestion; None for its own, or ``AZURE_INGESTION_ENDPOINT``.
        manager: Azure's resource manager; None for its own, or ``AZURE_RESOURCE_MANAGER_ENDPOINT``.
        authority: of Azure's tokens; None for its own, or ``AZURE_AUTHORITY_HOST``.
        gcp: Compute Engine and Cloud Storage; None for their own, or ``GCP_ENDPOINT``.
    """

    aws: str | None = None
    ingestion: str | None = None
    manager: str | None = None
    authority: str | None = None
    gcp: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """What a push or a deletion works on.

    Attributes:
        sources: ``staged:/dir``.
        credentials: paths or base64, apart by commas; secret.
        rhsm: see there.
        state: where journals and decompressed disks are kept.
        patience: with files.
        starmap: see there; a deletion asks nothing.
        container: ``UPLOAD_CONTAINER_NAME``, which is also the bucket of accounts of AWS whose credentials name none; ``""`` for the
            usual one.
        endpoints: where clouds are asked.
        accounts: credentials that were read already, in the place of ``credentials``.
    """

    sources: tuple[str, ...]
    credentials: str = field(repr=False)
    rhsm: RhsmSettings
    state: Path
    patience: FilePatience = field(default_factory=FilePatience)
    starmap: StarmapSettings = field(default_factory=StarmapSettings)
    container: str = ""
    endpoints: CloudEndpoints = field(default_factory=CloudEndpoints)
    accounts: "CredentialSet | None" = field(default=None, repr=False)


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
async def open_rhsm(settings: RhsmSettings) -> "AsyncIterator[RhsmClient | None]":
    """The client of RHSM, or None where no address is given.

    Raises:
        InputError: the address is none, or the certificate cannot be used.
    """
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
async def open_starmap(settings: StarmapSettings) -> "AsyncIterator[StarmapClient | None]":
    """The client of StArMap, or None where it must not be asked.

    Raises:
        InputError: the address is none.
    """
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
    from penstock.adapters.clock import PreciseSystemClock
    from penstock.adapters.files.pushjournal import JournalFolder

    return JournalFolder(state, PreciseSystemClock())


def open_results(folder: Path = Path("artifacts")) -> "ResultSink":
    """Results in ``folder``; usually in the one where the program was started."""
    from penstock.adapters.clock import SystemClock
    from penstock.adapters.files.pushresults import ArtifactsFolder

    return ArtifactsFolder(folder, clock=SystemClock())
