"""``penstock images pull-secret``: the pull secret of an account of OCM, for a job that keeps a vault or a Secret fresh."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from penstock.cli.options import dry_run_option
from penstock.cli.output import Output, emit, output_option
from penstock.cli.running import run_async
from penstock.model.errors import InputError, NotFoundError
from penstock.model.ocm import OCM_URL, TOKEN_URL

if TYPE_CHECKING:
    from penstock.adapters.kube.secrets import SecretName
    from penstock.adapters.ocm import OcmOptions, OfflineToken, ServiceAccount

_EXISTING: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_MODE: Final = 0o600
_OTHERS: Final = 0o077
_LONGEST_TOKEN_BYTES: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class _Cluster:
    secret: "SecretName"
    kubeconfig: Path | None
    context: str | None


@click.command("pull-secret")
@click.option("--from-ocm", is_flag=True, required=True, help="Ask OpenShift Cluster Manager.")
@click.option("--to-file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Keep it in this file, mode 0600.")
@click.option("--to-secret", metavar="NAMESPACE/NAME", help="Keep it in this Secret of a cluster.")
@click.option("--token-file", type=_EXISTING, metavar="FILE", help="Ask with the offline token in this file.")
@click.option(
    "--client-id", envvar="OCM_SERVICE_CLIENT_ID", show_envvar=True, metavar="ID", help="Ask in the name of this service account."
)
@click.option("--client-secret-file", type=_EXISTING, metavar="FILE", help="The service account's secret stands in this file.")
@click.option("--ocm-url", envvar="OCM_BASE_URL", show_envvar=True, default=OCM_URL, show_default=True, metavar="URL", help="Ask here.")
@click.option(
    "--token-url",
    envvar="OCM_TOKEN_URL",
    show_envvar=True,
    default=TOKEN_URL,
    show_default=True,
    metavar="URL",
    help="Get tokens for OCM here.",
)
@click.option("--certificate-authority", "ca_file", type=_EXISTING, metavar="FILE", help="Trust these CA certificates, not the system's.")
@click.option("--kubeconfig", type=_EXISTING, metavar="FILE", help="Write to the cluster of this kubeconfig.")
@click.option("--context", "context_name", metavar="NAME", help="Write to the cluster of this context of the kubeconfig.")
@dry_run_option
@output_option
def pull_secret_command(
    *,
    from_ocm: bool,  # noqa: ARG001  # the only source there is
    to_file: Path | None,
    to_secret: str | None,
    token_file: Path | None,
    client_id: str | None,
    client_secret_file: Path | None,
    ocm_url: str,
    token_url: str,
    ca_file: Path | None,
    kubeconfig: Path | None,
    context_name: str | None,
    dry_run: bool,
    output: Output,
) -> None:
    """Fetch the pull secret from OCM for a file or a Secret.

    It is fetched in the name of a service account, or of whom an offline
    token was given to. The file or the Secret is written only where it says
    something else than OCM, and then in one step; of a Secret that is there
    nothing else changes. With --dry-run it is fetched and compared. Without
    --kubeconfig the cluster is that of KUBECONFIG, or the pod's own.

    \b
    Examples:
      penstock images pull-secret --from-ocm --token-file offline-token \\
        --to-file pull-secret.json
      penstock images pull-secret --from-ocm --client-id images \\
        --client-secret-file client-secret --to-secret images/pull-secret
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.adapters.http.options import HttpOptions
    from penstock.adapters.kube.secrets import SecretName
    from penstock.adapters.ocm import OcmOptions

    if (to_file is None) == (to_secret is None):
        raise click.UsageError("Name one place: --to-file FILE or --to-secret NAMESPACE/NAME.")
    client = _client(token_file, client_id, client_secret_file)
    options = OcmOptions(client=client, url=ocm_url, token_url=token_url, http=HttpOptions(ca_file=ca_file))
    if to_file is not None:
        changed, registries = run_async(_to_file(options, to_file, dry_run=dry_run))
    else:
        cluster = _Cluster(SecretName.parse(to_secret or ""), kubeconfig, context_name)
        changed, registries = run_async(_to_secret(options, cluster, dry_run=dry_run))
    place = str(to_file) if to_file is not None else f"Secret {to_secret}"
    done = ("would be written" if dry_run else "was written") if changed else "says the same as OCM"
    document = {"place": place, "changed": changed, "written": changed and not dry_run, "registries": list(registries)}
    emit(document, output, lambda: f"{place} {done}; it has credentials for {', '.join(registries)}")


def _client(token_file: Path | None, client_id: str | None, secret_file: Path | None) -> "ServiceAccount | OfflineToken":
    from penstock.adapters.ocm import OfflineToken, ServiceAccount

    if token_file is not None and secret_file is None:
        return OfflineToken(_secret_in(token_file))
    if token_file is None and client_id and secret_file is not None:
        return ServiceAccount(client_id, _secret_in(secret_file))
    raise click.UsageError("Say who asks: --token-file FILE, or --client-id ID and --client-secret-file FILE.")


def _secret_in(path: Path) -> str:
    from penstock.adapters.files.reading import read_document

    text = read_document(path, limit_bytes=_LONGEST_TOKEN_BYTES).decode("ascii", errors="replace").strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise InputError("the file holds no secret", subject=str(path), hint="it stands on one line, without blanks")
    return text


async def _fetch(options: "OcmOptions") -> tuple[bytes, tuple[str, ...]]:
    """The pull secret, and the registries that it has credentials for."""
    from penstock.adapters.ocm import OcmClient
    from penstock.formats.authfile import parse_pull_secret

    async with OcmClient(options) as ocm:
        content = await ocm.pull_secret()
    entries = parse_pull_secret(content, subject="the pull secret").entries
    return content, tuple(sorted(key for key, entry in entries.items() if not entry.is_empty))


async def _to_file(options: "OcmOptions", path: Path, *, dry_run: bool) -> tuple[bool, tuple[str, ...]]:
    content, registries = await _fetch(options)
    return await asyncio.to_thread(_update, path, content, dry_run=dry_run), registries


def _update(path: Path, content: bytes, *, dry_run: bool) -> bool:
    """Write the file unless it is as it shall be; whether it was not."""
    from penstock.adapters.files.atomic import write_atomic
    from penstock.adapters.files.reading import read_document
    from penstock.formats.authfile import is_same_document
    from penstock.formats.text import DEFAULT_LIMIT_BYTES

    try:
        before = read_document(path, limit_bytes=DEFAULT_LIMIT_BYTES)
        private = not path.stat().st_mode & _OTHERS
    except NotFoundError:
        before, private = None, True
    changed = before is None or not private or not is_same_document(before, content)
    if changed and not dry_run:
        write_atomic(path, content, mode=_MODE)
    return changed


async def _to_secret(options: "OcmOptions", cluster: _Cluster, *, dry_run: bool) -> tuple[bool, tuple[str, ...]]:
    from penstock.adapters.kube.connection import load_connection
    from penstock.adapters.kube.secrets import KubeSecrets

    connection = load_connection(cluster.kubeconfig, cluster.context, os.environ)
    content, registries = await _fetch(options)
    async with KubeSecrets(connection) as secrets:
        write = secrets.would_change if dry_run else secrets.put_pull_secret
        return await write(cluster.secret, content), registries
