"""A cluster is read with whatever its kubeconfig says: certificates, tokens, plugins; every page; what it does not have is nothing."""

import asyncio
import base64
import json
import ssl
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from penstock.adapters.kube.connection import load_connection
from penstock.adapters.kube.machines import read_machines
from penstock.formats.machines import MachineDump
from penstock.formats.yamltext import render_yaml
from penstock.model.errors import InputError, OperationError, PenstockError
from penstock.model.record import Tree

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MACHINE_SETS = "/apis/machine.openshift.io/v1beta1/machinesets"


def machine_set(name: str) -> dict[str, object]:
    return {"metadata": {"name": name, "namespace": "openshift-machine-api"}, "spec": {"replicas": 1}}


def kubeconfig(folder: Path, server: str, user: Tree, cluster: dict[str, Tree] | None = None) -> Path:
    document: Tree = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server, **(cluster or {})}}],
        "users": [{"name": "u", "user": user}],
    }
    file = folder / "kubeconfig"
    file.write_text(render_yaml(document))
    return file


def read(handler: Handler, make: Callable[[str], Path], tls: ssl.SSLContext | None = None) -> MachineDump:
    async def scenario() -> MachineDump:
        app = web.Application()
        app.router.add_get("/{path:.*}", handler)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
            port = runner.addresses[0][1]
            return await read_machines(load_connection(make(f"{'https' if tls else 'http'}://127.0.0.1:{port}"), None, {}))
        finally:
            await runner.cleanup()

    return asyncio.run(scenario())


async def two_pages(request: web.Request) -> web.Response:
    if request.path != MACHINE_SETS:
        return web.json_response({"kind": "Status", "code": 404}, status=404)
    if "continue" not in request.query:
        items: dict[str, object] = {"metadata": {"continue": "more"}, "items": [machine_set("a")]}
    else:
        items = {"metadata": {}, "items": [machine_set("b")]}
    return web.json_response({"kind": "MachineSetList", "apiVersion": "machine.openshift.io/v1beta1", **items})


def test_every_page_is_read_and_kinds_that_are_missing_are_nothing(tmp_path: Path) -> None:
    dump = read(two_pages, lambda server: kubeconfig(tmp_path, server, {"token": "t"}))
    assert [one.metadata.name for one in dump.machine_sets] == ["a", "b"]
    assert dump.infrastructure is None


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_a_token_comes_from_the_file_from_another_file_or_as_a_password(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    users: list[tuple[Tree, str]] = [
        ({"token": "inline"}, "Bearer inline"),
        ({"tokenFile": str(tmp_path / "token")}, "Bearer from-file"),
        ({"username": "me", "password": "pw"}, basic("me:pw")),
    ]
    for user, wanted in users:
        seen: set[str] = set()

        async def note(request: web.Request, seen: set[str] = seen) -> web.Response:
            seen.add(request.headers.get("Authorization", ""))
            return await two_pages(request)

        read(note, lambda server, user=user: kubeconfig(tmp_path, server, user))  # type: ignore[misc]
        assert seen == {wanted}


def test_a_credential_plugin_is_asked_again_when_its_token_is_refused(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin.py"
    plugin.write_text(
        "import json, os, pathlib, sys\n"
        "count = pathlib.Path(sys.argv[1])\n"
        "tries = int(count.read_text()) + 1 if count.exists() else 1\n"
        "count.write_text(str(tries))\n"
        "assert json.loads(os.environ['KUBERNETES_EXEC_INFO'])['kind'] == 'ExecCredential'\n"
        "print(json.dumps({'kind': 'ExecCredential', 'status': {'token': os.environ['PREFIX'] + ('old' if tries == 1 else 'new')}}))\n"
    )
    user: Tree = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": [str(plugin), str(tmp_path / "count")],
            "env": [{"name": "PREFIX", "value": "token-"}],
        }
    }

    async def only_new(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") == "Bearer token-old":
            return web.json_response({"kind": "Status", "code": 401}, status=401)
        return await two_pages(request)

    assert len(read(only_new, lambda server: kubeconfig(tmp_path, server, user)).machine_sets) == 2


def test_client_certificates_from_the_file_are_shown(tmp_path: Path) -> None:
    authority, issuer = trustme.CA(), trustme.CA()
    server_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server_tls)
    issuer.configure_trust(server_tls)
    server_tls.verify_mode = ssl.CERT_REQUIRED
    mine = issuer.issue_cert("admin@example.com")

    def text(data: bytes) -> str:
        return base64.b64encode(data).decode()

    user: Tree = {
        "client-certificate-data": text(mine.cert_chain_pems[0].bytes()),
        "client-key-data": text(mine.private_key_pem.bytes()),
    }
    cluster: dict[str, Tree] = {"certificate-authority-data": text(authority.cert_pem.bytes())}
    dump = read(two_pages, lambda server: kubeconfig(tmp_path, server, user, cluster), server_tls)
    assert len(dump.machine_sets) == 2


def test_a_refusal_names_the_kind_and_no_secret(tmp_path: Path) -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return web.json_response({"kind": "Status", "message": "no"}, status=403)

    with pytest.raises(OperationError, match="answered 403") as caught:
        read(refuse, lambda server: kubeconfig(tmp_path, server, {"token": "s3cret"}))
    assert "s of http://127.0.0.1" in str(caught.value)
    assert "s3cret" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("not: a kubeconfig\n", "no kubeconfig"),
        ("[", "line 2"),
        (json.dumps({"clusters": [], "contexts": [], "users": []}), "[Nn]o current context"),
    ],
    ids=["keys", "yaml", "context"],
)
def test_a_broken_kubeconfig_is_told(content: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(content)
    with pytest.raises(InputError, match=said) as caught:
        load_connection(file, None, {})
    assert str(file) in str(caught.value)


def test_a_plugin_that_is_not_there_is_told_by_name(tmp_path: Path) -> None:
    user: Tree = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-plugin", "installHint": "get it"}}
    with pytest.raises(PenstockError, match="no-such-plugin cannot be run") as caught:
        read(two_pages, lambda server: kubeconfig(tmp_path, server, user))
    assert caught.value.hint == "get it"
