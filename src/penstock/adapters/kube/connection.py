"""How a cluster is reached: a kubeconfig, or the service account of a pod.

The files are read by lightkube's loader (ADR 0010); the connection itself is ours: TLS with client certificates, a token from the file,
from another file that may be renewed, or from a credential plugin (``client.authentication.k8s.io``), or a password.
"""

import asyncio
import base64
import json
import os
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from yarl import URL

from penstock.adapters.files.reading import read_document
from penstock.formats.text import DEFAULT_LIMIT_BYTES
from penstock.formats.yamltext import parse_yaml
from penstock.model.errors import InputError, OperationError

if TYPE_CHECKING:
    from lightkube.config.kubeconfig import SingleConfig
    from lightkube.config.models import User, UserExec

_HELPER_TIMEOUT_S: Final = 30.0
_SERVICE_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
_DEFAULT_KUBECONFIG: Final = "~/.kube/config"


@dataclass(frozen=True, slots=True)
class KubeConnection:
    """Where an API server is, and what to show it.

    Attributes:
        server: its address.
        tls: ready to use, or None for plain HTTP.
        tokens: gives what ``Authorization`` says; None where certificates alone tell who asks.
    """

    server: URL
    tls: ssl.SSLContext | None = field(repr=False)
    tokens: "KubeTokens | None" = field(repr=False)


def load_connection(kubeconfig: Path | None, context: str | None, environment: Mapping[str, str]) -> KubeConnection:
    """The connection that a kubeconfig names.

    Args:
        kubeconfig: the file; None for the first of ``KUBECONFIG``, then the pod's service account, then the usual place.
        context: in that file; None for the current one.
        environment: of the process.

    Raises:
        InputError: there is no such file or context, or something in it is broken.
    """
    try:
        from lightkube.config.kubeconfig import KubeConfig  # noqa: PLC0415  # an extra
        from lightkube.core.exceptions import ConfigError  # noqa: PLC0415
    except ImportError:
        raise InputError("reading a kubeconfig needs lightkube", hint="pip install 'penstock[rollout]'") from None
    named = str(kubeconfig) if kubeconfig else next(filter(None, environment.get("KUBECONFIG", "").split(os.pathsep)), "")
    subject = named or "kubeconfig"
    try:
        if not named and Path(_SERVICE_ACCOUNT, "token").is_file() and "KUBERNETES_SERVICE_HOST" in environment:
            config = KubeConfig.from_service_account(_SERVICE_ACCOUNT)
        else:
            file = Path(named or _DEFAULT_KUBECONFIG).expanduser()
            tree: Any = parse_yaml(read_document(file, limit_bytes=DEFAULT_LIMIT_BYTES), subject=str(file))
            config = KubeConfig.from_dict(tree, fname=file)
        chosen = config.get(context)
    except ConfigError as error:
        raise InputError(f"no cluster can be told from it: {error}", subject=subject, hint="name a file with --kubeconfig") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        # The text of the error may quote the file, and so its secrets; the type alone is told.
        raise InputError(f"it is no kubeconfig ({type(error).__name__})", subject=subject) from None
    if chosen is None:
        raise InputError("it has no current context", subject=subject, hint="name one with --context")
    return _connection_of(chosen, subject, environment)


def _connection_of(chosen: "SingleConfig", subject: str, environment: Mapping[str, str]) -> KubeConnection:
    try:
        server = URL(chosen.cluster.server)
        usable = server.scheme in ("http", "https") and bool(server.host)
    except ValueError:
        usable, server = False, URL()
    if not usable:
        raise InputError("the address of the cluster is no URL", subject=subject)
    try:
        tls = _tls_of(chosen) if server.scheme == "https" else None
    except (ssl.SSLError, OSError, ValueError) as error:
        raise InputError(f"its certificates cannot be used: {error.__class__.__name__}", subject=subject) from None
    return KubeConnection(server, tls, KubeTokens(chosen.user, subject, environment) if chosen.user else None)


def _tls_of(chosen: "SingleConfig") -> ssl.SSLContext:
    cluster, user = chosen.cluster, chosen.user
    authority = base64.b64decode(cluster.certificate_auth_data).decode() if cluster.certificate_auth_data else None
    file = str(chosen.abs_file(cluster.certificate_auth)) if cluster.certificate_auth else None
    context = ssl.create_default_context(cafile=file, cadata=authority)
    if cluster.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if user is None or not (user.client_cert or user.client_cert_data):
        return context
    # OpenSSL takes client certificates from files alone; these are gone before the first request.
    with tempfile.TemporaryDirectory(prefix="penstock-") as folder:
        certificate, key = (
            _as_file(Path(folder, name), data, chosen, path)
            for name, data, path in (("cert", user.client_cert_data, user.client_cert), ("key", user.client_key_data, user.client_key))
        )
        context.load_cert_chain(certificate, key)
    return context


def _as_file(place: Path, data: str | None, chosen: "SingleConfig", path: str | None) -> str:
    if data is None:
        return str(chosen.abs_file(path or ""))
    place.write_bytes(base64.b64decode(data))
    return str(place)


class KubeTokens:
    """Gives what ``Authorization`` says to one API server."""

    def __init__(self, user: "User", subject: str, environment: Mapping[str, str]) -> None:
        self._user = user
        self._subject = subject
        self._environment = environment
        self._from_plugin = ""
        self._plugin_runs = 0
        self._plugin_lock = asyncio.Lock()

    async def authorization(self, *, renew: bool) -> str:
        """``Bearer …`` or ``Basic …``, or ``""`` where a certificate is all there is.

        Raises:
            InputError: a token's file cannot be read.
            OperationError: a credential plugin failed.
        """
        user = self._user
        if user.token_file:
            try:
                token = await asyncio.to_thread(Path(user.token_file).read_text)
            except OSError as error:
                raise InputError(f"the token cannot be read: {error.strerror}", subject=user.token_file) from error
            return f"Bearer {token.strip()}"
        if user.token:
            return f"Bearer {user.token}"
        if user.exec:
            return f"Bearer {await self._plugin_token(user.exec, renew=renew)}"
        if user.username:
            return "Basic " + base64.b64encode(f"{user.username}:{user.password or ''}".encode()).decode()
        return ""

    async def _plugin_token(self, plugin: "UserExec", *, renew: bool) -> str:
        """The plugin's token; of several requests that were refused at once, the first alone runs the plugin again."""
        runs = self._plugin_runs
        async with self._plugin_lock:
            if not self._from_plugin or (renew and runs == self._plugin_runs):
                self._from_plugin = await self._ask_plugin(plugin)
                self._plugin_runs += 1
            return self._from_plugin

    async def _ask_plugin(self, plugin: "UserExec") -> str:
        """Run a credential plugin; the token of the ``ExecCredential`` that it prints."""
        info = {"apiVersion": plugin.apiVersion, "kind": "ExecCredential", "spec": {"interactive": False}}
        environment = {**self._environment, **{one.name: one.value for one in plugin.env or []}, "KUBERNETES_EXEC_INFO": json.dumps(info)}
        try:
            process = await asyncio.create_subprocess_exec(
                plugin.command, *(plugin.args or []), env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
            )
        except OSError as error:
            hint = plugin.installHint or "install it, or use a token"
            raise OperationError(
                f"the credential plugin {plugin.command} cannot be run: {error.strerror}", subject=self._subject, hint=hint
            ) from None
        try:
            output, _ = await asyncio.wait_for(process.communicate(), _HELPER_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise OperationError(
                f"the credential plugin {plugin.command} did not end in {_HELPER_TIMEOUT_S:.0f} s", subject=self._subject
            ) from None
        token = _token_in(output) if process.returncode == 0 else ""
        if not token:
            raise OperationError(f"the credential plugin {plugin.command} gave no token", subject=self._subject, hint="run it by hand")
        return token


def _token_in(output: bytes) -> str:
    try:
        document: Any = json.loads(output)
        token = document["status"]["token"]
    except (ValueError, KeyError, TypeError):
        return ""
    return token if isinstance(token, str) else ""
