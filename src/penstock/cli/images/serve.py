"""``penstock images serve``: the image service."""

import logging
from pathlib import Path
from typing import Final

import click

from penstock.cli.images.source_options import env_option, image_source_options
from penstock.cli.options import ledger_option
from penstock.wiring.imageservice import BackendSettings, ImageSources, StoreSettings

_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_EXISTING_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_EXISTING_FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)
_PORT: Final = click.IntRange(0, 65535)
_LEVELS: Final = {
    "panic": logging.CRITICAL,
    "fatal": logging.CRITICAL,
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "trace": logging.DEBUG,
}
"""The names of levels that OpenShift's image service knows (logrus)."""


@click.command("serve")
@image_source_options
@env_option(
    "--assisted-service-scheme",
    "scheme",
    variable="ASSISTED_SERVICE_SCHEME",
    type=click.Choice(["http", "https"]),
    default="http",
    show_default=True,
    help="Ask assisted-service by HTTP or by HTTPS.",
)
@env_option(
    "--assisted-service-host",
    "host",
    variable="ASSISTED_SERVICE_HOST",
    metavar="HOST:PORT",
    help="Ask assisted-service here what a host gets.",
)
@env_option(
    "--assisted-service-ca-file",
    "backend_ca_file",
    variable=("ASSISTED_SERVICE_API_TRUSTED_CA_FILE", "HTTPS_CA_FILE"),
    type=_EXISTING_FILE,
    metavar="FILE",
    help="Trust these CA certificates, not the system's, when it is asked.",
)
@click.option(
    "--assisted-service-timeout",
    "backend_timeout",
    type=click.FloatRange(min=0.1),
    default=30.0,
    show_default=True,
    metavar="S",
    help="Let it be silent for so many seconds while it is asked.",
)
@env_option(
    "--config-dir",
    variable="CONFIG_DIR",
    type=_EXISTING_FOLDER,
    metavar="DIR",
    help="Take what a host gets from here: UUID.ign, and if there UUID.kargs and UUID.ramdisk (or UUID.initrd).",
)
@click.option(
    "--default-config",
    is_flag=True,
    help="Give hosts without files of their own default.ign, default.kargs and default.ramdisk.",
)
@click.option(
    "--configs-by-ledger",
    "by_ledger",
    is_flag=True,
    help="Let the ledger say which config (sha256-HEX.ign in --config-dir) a host gets; others are unknown.",
)
@env_option(
    "--base-url",
    variable="IMAGE_SERVICE_BASE_URL",
    metavar="URL",
    help="Let hosts reach this service here: minimal ISOs fetch their root file system from it.",
)
@click.option("--listen", "address", metavar="HOST", help="Listen on this address alone (default: on all of this machine).")
@env_option("--port", variable="LISTEN_PORT", type=_PORT, default=8080, show_default=True, help="Listen on this port; 0 takes a free one.")
@env_option("--http-port", variable="HTTP_LISTEN_PORT", type=_PORT, help="Listen here too, without TLS, for the initramfs alone.")
@env_option(
    "--https-key-file", "key_file", variable="HTTPS_KEY_FILE", type=_EXISTING_FILE, metavar="FILE", help="Speak HTTPS with this key (PEM)."
)
@env_option(
    "--https-cert-file",
    "cert_file",
    variable="HTTPS_CERT_FILE",
    type=_EXISTING_FILE,
    metavar="FILE",
    help="Speak HTTPS with this certificate (PEM, with its chain).",
)
@env_option(
    "--max-concurrent-requests",
    "max_requests",
    variable="MAX_CONCURRENT_REQUESTS",
    type=click.IntRange(min=1),
    default=400,
    show_default=True,
    help="Answer so many at a time; others wait.",
)
@env_option("--allowed-domains", variable="ALLOWED_DOMAINS", metavar="ORIGIN,…", help="Let pages of these origins ask (CORS).")
@env_option(
    "--admin-token-file",
    variable="ADMIN_TOKEN_FILE",
    type=_EXISTING_FILE,
    metavar="FILE",
    help="Let who shows the token in this file add and remove images while it runs.",
)
@click.option(
    "--page-form/--no-page-form",
    "page_form",
    default=None,
    help="Let who opens the page store an Ignition config in --config-dir, or not (default: on with --listen of loopback alone).",
)
@click.option(
    "--validity",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    metavar="S",
    help="Ask the backend again for a new download after so many seconds.",
)
@click.option(
    "--drain-limit",
    type=click.FloatRange(min=0),
    metavar="S",
    help="Cut transfers so many seconds after the end was asked for (default: never).",
)
@env_option("--data-temp-dir", variable="DATA_TEMP_DIR", type=click.Path(), hidden=True, show_envvar=False, help="Ignored.")
@env_option(
    "--loglevel",
    variable="LOGLEVEL",
    type=click.Choice(list(_LEVELS), case_sensitive=False),
    default="info",
    show_default=True,
    help="Log this and what is worse, where --log-level does not say.",
)
@ledger_option
def serve_command(
    *,
    sources: ImageSources,
    store: StoreSettings,
    scheme: str,
    host: str | None,
    backend_ca_file: Path | None,
    backend_timeout: float,
    config_dir: Path | None,
    default_config: bool,
    by_ledger: bool,
    base_url: str | None,
    address: str | None,
    port: int,
    http_port: int | None,
    key_file: Path | None,
    cert_file: Path | None,
    max_requests: int,
    allowed_domains: str | None,
    admin_token_file: Path | None,
    page_form: bool | None,
    validity: float,
    drain_limit: float | None,
    data_temp_dir: str | None,  # noqa: ARG001  # nothing is edited on disk, so there is nothing temporary
    loglevel: str,
    ledger: str | None,
) -> None:
    """Serve discovery ISOs and boot artifacts.

    A drop-in for OpenShift's assisted-image-service: the same routes and the same
    environment. Images come from URLs, from the machine-os-images of release
    payloads, or from files; each is served as soon as it is there, and what goes
    wrong with one does not concern the others. Nothing is copied for a host: its
    ISO is the published one with a few areas written anew while it is sent.

    The addresses are printed once it accepts connections. SIGTERM lets running
    transfers end; a second one cuts them.

    \b
    Examples:
      penstock images serve --iso 4.20:x86_64=rhcos-live.iso --config-dir hosts
      penstock images serve --assisted-service-host assisted-service:8090 \\
        --base-url https://images.example.com \\
        --release-images-file releases.json --idms-file idms.yaml \\
        --pull-secret-file pull-secret.json
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.cli.images import serve_work
    from penstock.servers.images.running import Listening, Serving

    if bool(key_file) != bool(cert_file):
        raise click.UsageError("--https-key-file and --https-cert-file are given together")
    backend = BackendSettings(scheme, host, backend_ca_file, backend_timeout, config_dir, default_config, by_ledger)
    base_url = (base_url or "").rstrip("/")
    serve_work.check(sources, backend, base_url, admin=admin_token_file is not None)
    _default_log_level(loglevel)
    takes_configs = serve_work.takes_configs(backend, address, page_form=page_form)
    listening = Listening(address, port, http_port, cert_file, key_file, max_requests, allowed_domains or "", drain_limit)
    serve_work.serve(Serving(sources, store, backend, listening, base_url, validity, admin_token_file, takes_configs, ledger))


def _default_log_level(level: str) -> None:
    root = click.get_current_context().find_root()
    if root.get_parameter_source("log_level") is click.core.ParameterSource.DEFAULT:
        root.params["log_level"] = logging.getLevelName(_LEVELS[level.lower()]).lower()
