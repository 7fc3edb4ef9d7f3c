"""Where adapters meet stages: the only module that knows both.

Everything is imported when it is asked for, so that the commands which need no network do not pay for it.
"""

import importlib
import os
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.adapters.aws import Ec2Catalogue
    from penstock.adapters.azure import ArmCatalogue
    from penstock.adapters.gcp import ComputeCatalogue
    from penstock.adapters.http.documents import Documents
    from penstock.adapters.registry.options import CredentialSource
    from penstock.adapters.sql.ledger import SqlLedger
    from penstock.formats.machines import MachineDump
    from penstock.ports import FileHistory, FileSource, Ledger, MirrorFolder, Outlet, Registry, SignatureCheck


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """How registries are reached, as the user says.

    Attributes:
        registry_config: the file with credentials; None for ``REGISTRY_AUTH_FILE``, then the usual places.
        certificate_authority: the CA certificates to trust in place of the system's.
        insecure: accept any certificate, and plain HTTP.
        idms_file: an ``ImageDigestMirrorSet``.
        itms_file: an ``ImageTagMirrorSet``.
        icsp_file: an ``ImageContentSourcePolicy``; never together with ``idms_file``.
        registries_conf: a ``registries.conf`` in place of the system's.
    """

    registry_config: Path | None = None
    certificate_authority: Path | None = None
    insecure: bool = False
    idms_file: Path | None = None
    itms_file: Path | None = None
    icsp_file: Path | None = None
    registries_conf: Path | None = None

    @property
    def mirror_files(self) -> tuple[Path, ...]:
        """The files that tell of mirrors, those given on the command line first."""
        given = (self.idms_file, self.itms_file, self.icsp_file, self.registries_conf)
        return tuple(path for path in given if path is not None)


@asynccontextmanager
async def open_images(settings: RegistrySettings, credentials: "CredentialSource | None" = None) -> "AsyncIterator[Registry]":
    """Images in registries and OCI layouts.

    Args:
        settings: how registries are reached.
        credentials: the only ones to show, in the place of all files; None for the files.

    Raises:
        InputError: a file of mirrors or credentials is broken.
    """
    from penstock.adapters.registry import Images, RegistryOptions, read_mirror_files

    options = RegistryOptions(
        auth_file=settings.registry_config,
        credentials=credentials,
        mirrors=read_mirror_files(settings.mirror_files or _system_registries_conf()),
        ca_file=settings.certificate_authority,
        insecure=settings.insecure,
    )
    async with Images(options) as images:
        yield images


def _system_registries_conf() -> tuple[Path, ...]:
    """The system's own mirror configuration, where it has one (containers-registries.conf(5))."""
    named = os.environ.get("CONTAINERS_REGISTRIES_CONF")
    config_home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for path in [Path(named)] if named else [config_home / "containers/registries.conf", Path("/etc/containers/registries.conf")]:
        if path.is_file():
            return (path,)
    return ()


def local_folders() -> "Outlet":
    """Folders of the local file system, as destinations."""
    from penstock.adapters.files.staging import Folders

    return Folders()


def open_ledger(location: str | None) -> "SqlLedger":
    """The ledger to ask questions of; ``None`` is the place that the environment tells.

    Raises:
        OperationError: it cannot be opened.
    """
    from penstock.adapters.sql.ledger import SqlLedger
    from penstock.lineage.location import ledger_location

    return SqlLedger.open(ledger_location(location, os.environ))


def import_ledger_ahead() -> None:
    """Import the database's packages in a thread, while the job waits for others: what it makes is recorded at its end."""
    threading.Thread(target=importlib.import_module, args=("penstock.adapters.sql.ledger",), daemon=True).start()


@asynccontextmanager
async def recording_ledger(location: str | None, *, ahead: bool = True) -> "AsyncIterator[Ledger]":
    """The ledger to record in: one that cannot be written is one warning, never a failed job.

    Args:
        location: see :func:`open_ledger`.
        ahead: whether the job waits from now on, see :func:`import_ledger_ahead`.
    """
    from penstock.adapters.sql.known import is_known
    from penstock.lineage.guarded import GuardedLedger
    from penstock.lineage.location import ledger_location

    if ahead:
        import_ledger_ahead()
    ledger = GuardedLedger(
        lambda: open_ledger(location), is_known=lambda artifacts, edges: is_known(ledger_location(location, os.environ), artifacts, edges)
    )
    try:
        yield ledger
    finally:
        await ledger.close()


async def read_cluster_machines(kubeconfig: Path | None, context: str | None, environment: Mapping[str, str]) -> "MachineDump":
    """The MachineSets of a running cluster, and what tells of the cluster around them.

    Raises:
        InputError: the kubeconfig is missing or broken.
        OperationError: the cluster refuses.
        TransientError: the cluster does not answer.
    """
    from penstock.adapters.kube.connection import load_connection
    from penstock.adapters.kube.machines import read_machines

    return await read_machines(load_connection(kubeconfig, context, environment))


@asynccontextmanager
async def open_file_source(*, parallel: int, tries: int, ca_file: Path | None, insecure: bool) -> "AsyncIterator[FileSource]":
    """Files by URL, ``parallel`` at a time; each is asked for ``tries`` times before it is given up.

    Raises:
        InputError: the file of certificate authorities is missing or wrong.
    """
    from penstock.adapters.http.download import HttpFiles
    from penstock.adapters.http.options import HttpOptions, Retries

    files = HttpFiles(HttpOptions(ca_file=ca_file, insecure=insecure, retries=Retries(attempts=tries)), parallel=parallel)
    try:
        yield files
    finally:
        await files.close()


def mirror_folder(folder: Path) -> "MirrorFolder":
    """A folder to mirror files into; it is made when the first one comes."""
    from penstock.adapters.files.mirror import LocalMirror

    return LocalMirror(folder)


def open_keyring(path: Path) -> "SignatureCheck":
    """The keys of a file, to check signatures with.

    Raises:
        InputError: it holds no keys.
        NotFoundError: there is no such file.
        OperationError: GnuPG is not installed.
    """
    from penstock.adapters.gpg import Keyring

    return Keyring.open(path, os.environ)


def git_history(folder: Path, path: str, *, revision: str) -> "FileHistory":
    """The history of a file in a git repository."""
    from penstock.adapters.git_history import GitHistory

    return GitHistory(folder, path, revision=revision, environment=os.environ)


@asynccontextmanager
async def open_documents(settings: RegistrySettings) -> "AsyncIterator[Documents]":
    """Small documents by path or URL; certificates are checked as those of registries are.

    Raises:
        InputError: the file of authorities is broken.
    """
    from penstock.adapters.http.documents import Documents
    from penstock.adapters.http.options import HttpOptions

    documents = Documents(HttpOptions(ca_file=settings.certificate_authority, insecure=settings.insecure))
    try:
        yield documents
    finally:
        await documents.close()


@dataclass(frozen=True, slots=True)
class AzureSettings:
    """How Azure is reached, as the user says.

    Attributes:
        subscription: in whose name the catalogue is read; Azure is not asked without.
        cloud: ``AzureCloud``, ``AzureUSGovernment`` or ``AzureChinaCloud``.
        endpoint: of the resource manager; None for the cloud's.
        authority: of tokens; None for the cloud's.
        location: the region whose catalogue is read; None for one of the cloud's.
        api_version: of the questions about images; None for the one this program knows best.
        token_file: a file with a bearer token; None for the credentials that azure-identity finds.
    """

    subscription: str | None = None
    cloud: str = "AzureCloud"
    endpoint: str | None = None
    authority: str | None = None
    location: str | None = None
    api_version: str | None = None
    token_file: Path | None = None


@asynccontextmanager
async def open_azure_catalogue(settings: AzureSettings, *, parallel: int = 8) -> "AsyncIterator[ArmCatalogue]":
    """The marketplace and the community galleries of Azure.

    Raises:
        InputError: an address or a name in the settings is wrong.
        OperationError: azure-identity is not installed, and no token is given.
    """
    from penstock.adapters.azure import ArmCatalogue, AzureCloud, AzureOptions
    from penstock.adapters.azure.options import IMAGES_API
    from penstock.adapters.http.options import HttpOptions

    options = AzureOptions(
        subscription=settings.subscription or "",
        cloud=AzureCloud(settings.cloud),
        endpoint=settings.endpoint,
        authority=settings.authority,
        location=settings.location,
        api_version=settings.api_version or IMAGES_API,
        token_file=settings.token_file,
        http=HttpOptions(parallel=parallel),
    )
    async with ArmCatalogue(options) as catalogue:
        yield catalogue


async def post_to_webhook(address: str, document: bytes, environment: Mapping[str, str]) -> None:
    """Post a JSON document.

    Raises:
        PenstockError: it was not taken; the address, which is a secret, is not in the message.
    """
    from penstock.adapters.http.options import HttpOptions
    from penstock.adapters.webhook import post_json

    await post_json(address, document, HttpOptions(environment=environment))


@dataclass(frozen=True, slots=True)
class AwsSettings:
    """How AWS is reached, as the user says; credentials come from where the AWS tools look for them.

    Attributes:
        endpoint: of EC2, ``{region}`` in it is replaced; None for AWS itself.
        profile: of the AWS configuration; None for the default one.
        parallel: questions at a time.
    """

    endpoint: str | None = None
    profile: str | None = None
    parallel: int = 8


@asynccontextmanager
async def open_aws(settings: AwsSettings) -> "AsyncIterator[Ec2Catalogue]":
    """The AMIs of AWS.

    Raises:
        OperationError: boto3 is not installed.
    """
    from penstock.adapters.aws import AwsOptions, Ec2Catalogue

    options = AwsOptions(endpoint=settings.endpoint, profile=settings.profile, parallel=settings.parallel)
    async with Ec2Catalogue(options) as catalogue:
        yield catalogue


@dataclass(frozen=True, slots=True)
class GcpSettings:
    """How Google Cloud is reached, as the user says.

    Attributes:
        endpoint: of the Compute Engine API; None for Google's own.  One on this machine by plain HTTP is asked without credentials.
        credentials_file: of a service account or of a user; None for the application default credentials.
    """

    endpoint: str | None = None
    credentials_file: Path | None = None


@asynccontextmanager
async def open_gcp(settings: GcpSettings) -> "AsyncIterator[ComputeCatalogue]":
    """The images of Google Cloud.

    Raises:
        InputError: the endpoint is no address to show a token to.
        OperationError: google-auth is not installed, and it is needed.
    """
    from penstock.adapters.gcp import ComputeCatalogue, GcpOptions

    options = GcpOptions(endpoint=settings.endpoint, credentials_file=settings.credentials_file)
    if options.anonymous:
        async with ComputeCatalogue(options, None) as catalogue:
            yield catalogue
        return
    from penstock.adapters.gcp.credentials import GoogleTokens

    async with GoogleTokens(options) as tokens, ComputeCatalogue(options, tokens) as catalogue:
        yield catalogue
