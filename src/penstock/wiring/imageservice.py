"""The image service's settings, and what is made of them: where images come from, where they are kept, what hosts get."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from penstock.model.errors import InputError
from penstock.wiring import RegistrySettings, local_folders, open_images, open_keyring, open_ledger

if TYPE_CHECKING:
    from penstock.adapters.imageorigins import Inspection, WebImages
    from penstock.adapters.imagestore.local import LocalImageStore
    from penstock.adapters.imagestore.s3 import S3ImageStore
    from penstock.adapters.registry.options import CredentialSource
    from penstock.imageservice.prepare import Floors
    from penstock.ports import HostBackend, ImageOrigins, Ledger

_PARALLEL: Final = 4
"""How many images are downloaded at a time."""


@dataclass(frozen=True, slots=True)
class ImageLists:
    """What is to be served, as the user says.

    Attributes:
        os_images: JSON; its URLs may hold secrets.
        os_images_file: a file with the same, watched for changes.
        release_images: JSON.
        release_images_file: a file with the same, watched for changes.
        isos: ``VERSION:ARCH=PATH``.
    """

    os_images: str | None = field(default=None, repr=False)
    os_images_file: Path | None = None
    release_images: str | None = field(default=None, repr=False)
    release_images_file: Path | None = None
    isos: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """Those that are watched."""
        return tuple(path for path in (self.os_images_file, self.release_images_file) if path is not None)


@dataclass(frozen=True, slots=True)
class DownloadSettings:
    """How ISOs are downloaded by their URL.

    Attributes:
        ca_file: certificates that are trusted besides the system's.
        insecure: accept any certificate; without effect where ``ca_file`` is given, as in OpenShift's image service.
        headers: a JSON object, to be sent with every request; secrets.
        query: a JSON object of query parameters; secrets.
        keyring: the keys that sign images, or None.
        small_images: whether images are taken whose files are smaller than those of a real CoreOS.
    """

    ca_file: Path | None = None
    insecure: bool = False
    headers: str | None = field(default=None, repr=False)
    query: str | None = field(default=None, repr=False)
    keyring: Path | None = None
    small_images: bool = False


@dataclass(frozen=True, slots=True)
class PullSecretSettings:
    """Where the pull secret comes from; at most one of these, else the usual places of credentials.

    Attributes:
        value: the document itself.
        file: a file with it, watched for changes.
        kube: ``NAMESPACE/NAME`` of a Secret.
        ocm_url: of OpenShift Cluster Manager, which gives it to a service account.
        ocm_client_id: the account.
        ocm_client_secret: its secret.
        ocm_token_url: where the account gets a token.
    """

    value: str | None = field(default=None, repr=False)
    file: Path | None = None
    kube: str | None = None
    ocm_url: str = "https://api.openshift.com"
    ocm_client_id: str | None = None
    ocm_client_secret: str | None = field(default=None, repr=False)
    ocm_token_url: str | None = None


@dataclass(frozen=True, slots=True)
class ImageSources:
    """Where images come from, in all."""

    lists: ImageLists = field(default_factory=ImageLists)
    downloads: DownloadSettings = field(default_factory=DownloadSettings)
    pull_secret: PullSecretSettings = field(default_factory=PullSecretSettings)
    registry: RegistrySettings = field(default_factory=RegistrySettings)


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where images are kept.

    Attributes:
        folder: of the local file system: the store itself, or the cache of a store in S3.
        bucket: ``s3://BUCKET/PREFIX``, or None.
        s3_endpoint: of an S3-compatible service; None for AWS.
        cache_bytes: how large the cache of a store in S3 may become.
    """

    folder: Path
    bucket: str | None = None
    s3_endpoint: str | None = None
    cache_bytes: int = 20 << 30


@dataclass(frozen=True, slots=True)
class BackendSettings:
    """Who knows what a host gets: the service at ``host``, or else ``config_dir``.

    Attributes:
        scheme: ``http`` or ``https``.
        host: of assisted-service, with its port, or None.
        ca_file: the certificates to trust in place of the system's.
        timeout_s: how long the service may be silent while it is asked.
        config_dir: a folder with ``UUID.ign``, or None.
        default_config: whether ``default.ign`` is for hosts that have no file.
        by_ledger: whether the ledger says which config of the folder a host gets.
    """

    scheme: str = "http"
    host: str | None = None
    ca_file: Path | None = None
    timeout_s: float = 30.0
    config_dir: Path | None = None
    default_config: bool = False
    by_ledger: bool = False


@asynccontextmanager
async def open_image_store(settings: StoreSettings, sources: ImageSources) -> "AsyncIterator[LocalImageStore | S3ImageStore]":
    """Where images are kept.

    Raises:
        InputError: a setting is wrong.
        OperationError: boto3 is not installed, and it is needed.
    """
    async with open_web_images(sources.downloads) as web:
        if settings.bucket is None:
            from penstock.adapters.imagestore.local import LocalImageStore

            yield LocalImageStore(settings.folder, examine=web.examine)
            return
        from penstock.adapters.imagestore.s3 import S3ImageStore
        from penstock.adapters.imagestore.s3options import S3Options

        bucket, prefix = _s3_place(settings.bucket)
        options = S3Options(
            bucket=bucket,
            cache=settings.folder,
            prefix=prefix or "images",
            endpoint=settings.s3_endpoint,
            path_style=settings.s3_endpoint is not None,
            cache_limit_bytes=settings.cache_bytes,
        )
        async with S3ImageStore(options, examine=web.examine) as store:
            yield store


def _s3_place(text: str) -> tuple[str, str]:
    scheme, colon, place = text.partition("://")
    bucket, _, prefix = place.partition("/")
    if scheme != "s3" or not colon or not bucket:
        raise InputError("this is no place in S3", subject=text, hint="write s3://BUCKET/PREFIX")
    return bucket, prefix.strip("/")


@asynccontextmanager
async def open_web_images(settings: DownloadSettings) -> "AsyncIterator[WebImages]":
    """Images by their address.

    Raises:
        InputError: a setting is wrong.
        NotFoundError: a file is not there.
    """
    from penstock.adapters.http.authorities import system_and
    from penstock.adapters.http.download import HttpFiles
    from penstock.adapters.http.options import HttpOptions
    from penstock.adapters.imageorigins import WebImages
    from penstock.imageservice.lists import parse_request_headers, parse_request_query

    http = HttpOptions(tls=system_and(settings.ca_file)) if settings.ca_file else HttpOptions(insecure=settings.insecure)
    headers = parse_request_headers(settings.headers or "", subject="OS_IMAGES_REQUEST_HEADERS")
    query = parse_request_query(settings.query or "", subject="OS_IMAGES_REQUEST_QUERY_PARAMS")
    signatures = open_keyring(settings.keyring) if settings.keyring is not None else None
    files = HttpFiles(http, parallel=_PARALLEL)
    try:
        yield WebImages(files, inspection_of(settings), signatures=signatures, headers=headers, query=query)
    finally:
        await files.close()


@asynccontextmanager
async def open_image_origins(sources: ImageSources, ledger: "Ledger") -> "AsyncIterator[ImageOrigins]":
    """Where images come from; the way out of a payload is recorded in ``ledger``.

    Raises:
        InputError: a setting is wrong.
        NotFoundError: a file is not there.
        OperationError: lightkube is not installed, and it is needed.
    """
    from penstock.adapters.imageorigins import AnyOrigin, StandingImages
    from penstock.flow.payload_images import PayloadImages

    async with AsyncExitStack() as stack:
        web = await stack.enter_async_context(open_web_images(sources.downloads))
        credentials = await stack.enter_async_context(_pull_secret(sources.pull_secret))
        images = await stack.enter_async_context(open_images(sources.registry, credentials))
        payloads = PayloadImages(images, local_folders(), ledger)
        yield AnyOrigin(web=web, payloads=payloads, standing=StandingImages(inspection_of(sources.downloads)))


def inspection_of(settings: DownloadSettings) -> "Inspection":
    """What an ISO must be, to be taken for one of CoreOS."""
    from penstock.adapters.imageorigins import Inspection

    return Inspection(floors_of(settings))


def floors_of(settings: DownloadSettings) -> "Floors":
    """How large the files of an image must be at least."""
    from penstock.imageservice.prepare import Floors

    return Floors(rootfs_bytes=1, kernel_bytes=1) if settings.small_images else Floors()


@asynccontextmanager
async def _pull_secret(settings: PullSecretSettings) -> "AsyncIterator[CredentialSource | None]":
    from penstock.adapters.pullsecrets import FetchedPullSecret, GivenPullSecret, PullSecretFile

    if settings.value:
        yield GivenPullSecret(settings.value.encode(), name="PULL_SECRET")
    elif settings.file is not None:
        watched = PullSecretFile(settings.file)
        await watched.current()  # one that is wrong from the start is told at the start
        yield watched
    elif settings.kube:
        from penstock.adapters.kube.connection import load_connection
        from penstock.adapters.kube.secrets import KubeSecrets, SecretName

        name = SecretName.parse(settings.kube)
        async with (
            KubeSecrets(load_connection(None, None, os.environ)) as secrets,
            FetchedPullSecret(f"the Secret {name}", partial(secrets.pull_secret, name)) as source,
        ):
            yield source
    elif settings.ocm_client_id and settings.ocm_client_secret:
        from penstock.adapters.ocm import OcmClient, OcmOptions, ServiceAccount
        from penstock.model.ocm import TOKEN_URL

        account = ServiceAccount(settings.ocm_client_id, settings.ocm_client_secret)
        options = OcmOptions(client=account, url=settings.ocm_url, token_url=settings.ocm_token_url or TOKEN_URL)
        async with OcmClient(options) as ocm, FetchedPullSecret("the pull secret of OCM", ocm.pull_secret) as source:
            yield source
    else:
        yield None


@asynccontextmanager
async def open_host_backend(settings: BackendSettings, ledger: str | None) -> "AsyncIterator[HostBackend]":
    """Who says what hosts get.

    Args:
        settings: who.
        ledger: where the ledger is, for configs that it assigns.

    Raises:
        InputError: a setting is wrong.
        NotFoundError: the folder is not there.
        OperationError: the ledger cannot be opened.
    """
    if settings.host is not None:
        from penstock.adapters.assisted import AssistedBackend, AssistedOptions
        from penstock.adapters.http.options import Timeouts

        timeouts = Timeouts(connect_s=min(settings.timeout_s, 10.0), stall_s=settings.timeout_s)
        options = AssistedOptions(host=settings.host, scheme=settings.scheme, ca_file=settings.ca_file, timeouts=timeouts)
        async with AssistedBackend(options) as backend:
            yield backend
    elif settings.config_dir is not None and settings.by_ledger:
        from penstock.adapters.files.assignedconfigs import AssignedConfigs

        opened = open_ledger(ledger)
        try:
            yield AssignedConfigs.open(opened, settings.config_dir)
        finally:
            await opened.close()
    elif settings.config_dir is not None:
        from penstock.adapters.files.hostconfigs import HostConfigs

        yield HostConfigs.open(settings.config_dir, use_default=settings.default_config)
    else:
        raise InputError("nobody says what a host gets", hint="name assisted-service, or a folder with configs: --config-dir")
