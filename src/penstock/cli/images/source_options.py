"""The options of ``images serve`` and ``images warm`` about where images come from and where they are kept.

Each has the environment variable that OpenShift's image service reads, so that a deployment of that one starts this one.
"""

import functools
import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from penstock.cli.options import registry_options
from penstock.wiring import RegistrySettings
from penstock.wiring.imageservice import DownloadSettings, ImageLists, ImageSources, PullSecretSettings, StoreSettings

F = TypeVar("F", bound=Callable[..., Any])

PREFIX: Final = "CLUSTER-IMAGE_"
"""Every variable may have this in front, which then counts."""

_EXISTING_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER: Final = click.Path(file_okay=False, path_type=Path)


def env_option(*names: str, variable: str | tuple[str, ...], **attributes: Any) -> Callable[[F], F]:  # noqa: ANN401  # click's own
    """An option with an environment variable, which its help names."""
    attributes.setdefault("show_envvar", True)
    return click.option(*names, envvar=variable if isinstance(variable, str) else list(variable), cls=_EnvironmentOption, **attributes)


class _EnvironmentOption(click.Option):
    """Its variables may have the prefix."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        names = [self.envvar] if isinstance(self.envvar, str) else list(self.envvar or ())
        prefixed = (os.environ.get(f"{PREFIX}{name}") for name in names)
        return next(filter(None, prefixed), None) or super().resolve_envvar_value(ctx)


_LIST_OPTIONS: Final = (
    env_option(
        "--os-images",
        variable=("OS_IMAGES", "RHCOS_VERSIONS"),
        metavar="JSON",
        help="Serve the images of this list, each by its URL.",
    ),
    env_option(
        "--os-images-file",
        variable="OS_IMAGES_FILE",
        type=_EXISTING_FILE,
        metavar="FILE",
        help="Serve the images of the list in this file, which is watched for changes.",
    ),
    env_option(
        "--release-images",
        variable="RELEASE_IMAGES",
        metavar="JSON",
        help="Serve the images that these release payloads hold.",
    ),
    env_option(
        "--release-images-file",
        variable="RELEASE_IMAGES_FILE",
        type=_EXISTING_FILE,
        metavar="FILE",
        help="Serve the images of the payloads that this file lists; it is watched for changes.",
    ),
    click.option("--iso", "isos", multiple=True, metavar="VERSION:ARCH=PATH", help="Serve this ISO from where it stands; may be repeated."),
)
_DOWNLOAD_OPTIONS: Final = (
    env_option(
        "--download-ca-file",
        "ca_file",
        variable="OS_IMAGE_DOWNLOAD_TRUSTED_CA_FILE",
        type=_EXISTING_FILE,
        metavar="FILE",
        help="Trust these CA certificates besides the system's when images are downloaded.",
    ),
    env_option(
        "--download-insecure",
        "insecure_downloads",
        variable="INSECURE_SKIP_VERIFY",
        is_flag=True,
        help="Accept any certificate when images are downloaded; without effect beside --download-ca-file.",
    ),
    env_option(
        "--download-headers",
        "headers",
        variable="OS_IMAGES_REQUEST_HEADERS",
        metavar="JSON",
        help="Send these headers with every download.",
    ),
    env_option(
        "--download-query",
        "query",
        variable="OS_IMAGES_REQUEST_QUERY_PARAMS",
        metavar="JSON",
        help="Add these query parameters to every download.",
    ),
    click.option(
        "--keyring", type=_EXISTING_FILE, metavar="FILE", help="Check the signatures that the list names with these OpenPGP keys."
    ),
    click.option(
        "--small-images", is_flag=True, help="Take images whose kernel or root file system is smaller than that of a real CoreOS."
    ),
)
_SECRET_OPTIONS: Final = (
    env_option("--pull-secret", "value", variable="PULL_SECRET", metavar="JSON", help="Show these credentials to registries."),
    env_option(
        "--pull-secret-file",
        "file",
        variable="PULL_SECRET_FILE",
        type=_EXISTING_FILE,
        metavar="FILE",
        help="Show the credentials in this file, which is watched for changes.",
    ),
    env_option(
        "--pull-secret-from-secret",
        "kube",
        variable="PULL_SECRET_FROM_SECRET",
        metavar="NAMESPACE/NAME",
        help="Show the credentials in this Secret of the cluster.",
    ),
    env_option(
        "--ocm-url",
        variable="OCM_BASE_URL",
        metavar="URL",
        default="https://api.openshift.com",
        show_default=True,
        help="Fetch the pull secret of a service account from this OpenShift Cluster Manager.",
    ),
    env_option("--ocm-client-id", variable="OCM_SERVICE_CLIENT_ID", metavar="ID", help="Sign in to it as this service account."),
    env_option(
        "--ocm-client-secret", variable="OCM_SERVICE_CLIENT_SECRET", metavar="SECRET", help="Sign in with this secret of the account."
    ),
    env_option("--ocm-token-url", variable="OCM_TOKEN_URL", metavar="URL", help="Get its tokens here (default: the SSO of Red Hat)."),
)
_STORE_OPTIONS: Final = (
    env_option(
        "--data-dir",
        "folder",
        variable="DATA_DIR",
        type=_FOLDER,
        metavar="DIR",
        show_default="penstock/images in the XDG cache directory",
        help="Keep images here.",
    ),
    env_option(
        "--s3",
        "bucket",
        variable="IMAGE_STORE_S3",
        metavar="s3://BUCKET/PREFIX",
        help="Keep images in S3, for many replicas; --data-dir is then a cache.",
    ),
    env_option("--s3-endpoint", variable="AWS_ENDPOINT_URL_S3", metavar="URL", help="Use this S3-compatible service (default: AWS)."),
    env_option(
        "--cache-size",
        "cache_gib",
        variable="IMAGE_CACHE_GIB",
        type=click.FloatRange(min=0.01),
        default=20.0,
        show_default=True,
        metavar="GIB",
        help="Let the cache of a store in S3 grow to this.",
    ),
)


def image_source_options(command: F) -> F:
    """Options about images, passed as ``sources: ImageSources`` and ``store: StoreSettings``."""

    @functools.wraps(command)
    def collect(registry: RegistrySettings, **values: Any) -> object:  # noqa: ANN401  # whatever the command takes
        lists = ImageLists(**{field.name: values.pop(field.name) for field in fields(ImageLists)})
        downloads = DownloadSettings(
            insecure=values.pop("insecure_downloads"),
            **{field.name: values.pop(field.name) for field in fields(DownloadSettings) if field.name != "insecure"},
        )
        secret = PullSecretSettings(**{field.name: values.pop(field.name) for field in fields(PullSecretSettings)})
        _at_most_one_secret(secret, registry)
        store = StoreSettings(
            values.pop("folder") or _cache_folder(),
            values.pop("bucket"),
            values.pop("s3_endpoint"),
            int(values.pop("cache_gib") * (1 << 30)),
        )
        return command(sources=ImageSources(lists, downloads, secret, registry), store=store, **values)

    decorated: Any = registry_options(collect)
    for option in reversed((*_LIST_OPTIONS, *_SECRET_OPTIONS, *_DOWNLOAD_OPTIONS, *_STORE_OPTIONS)):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def _at_most_one_secret(secret: PullSecretSettings, registry: RegistrySettings) -> None:
    given = {
        "--pull-secret": secret.value,
        "--pull-secret-file": secret.file,
        "--pull-secret-from-secret": secret.kube,
        "--ocm-client-id": secret.ocm_client_id,
        "--registry-config": registry.registry_config,
    }
    names = [name for name, value in given.items() if value]
    if len(names) > 1:
        raise click.UsageError(f"{names[0]} and {names[1]} exclude each other", click.get_current_context())
    if bool(secret.ocm_client_id) != bool(secret.ocm_client_secret):
        raise click.UsageError("--ocm-client-id and --ocm-client-secret are given together", click.get_current_context())


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "penstock/images"
