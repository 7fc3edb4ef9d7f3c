"""Credentials that change while a client of registries runs: in a file, in a Secret, at OCM."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.adapters.kube.connection import load_connection
from penstock.adapters.kube.secrets import KubeSecrets, SecretName
from penstock.adapters.ocm import OcmClient, OcmOptions, ServiceAccount
from penstock.adapters.pullsecrets import FetchedPullSecret, GivenPullSecret, PullSecretFile
from penstock.adapters.registry import Images, RegistryOptions, Retries
from penstock.formats.oci.image import ImageManifest, parse_manifest
from penstock.model.errors import OperationError, TransientError
from penstock.model.imageref import ImageRef
from penstock.simulators.cloud import Fault
from penstock.simulators.kube import KubeThread
from penstock.simulators.ocm import OcmSimulator, OcmThread
from penstock.simulators.registry import BasicAuth, RegistryThread, TokenAuth

if TYPE_CHECKING:
    from tests.integration.conftest import Build, Place

OLD, NEW = "old secret", "new secret"
OPTIONS = RegistryOptions(environment={}, retries=Retries(attempts=2, first_wait_s=0.01, total_s=1.0))
Guard = BasicAuth | TokenAuth


def pull_secret(host: str, password: str, user: str = "puller") -> bytes:
    return json.dumps({"auths": {host: {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}}}).encode()


@pytest.fixture(params=[BasicAuth, TokenAuth])
def guard(request: pytest.FixtureRequest) -> Guard:
    """Lets the old password in."""
    made: Guard = request.param({"puller": OLD})
    return made


@pytest.fixture
def guarded(guard: Guard, place: "Place", build: "type[Build]") -> Iterator[str]:
    """A pullspec that wants credentials."""
    with RegistryThread(auth=guard) as registry:
        yield type(place)(registry.host, registry).put(build.image({"x": b"x"}))


def host_of(ref: str) -> str:
    return ref.partition("/")[0]


def rotate(guard: Guard) -> None:
    """From now on the new password alone is right."""
    guard.change_users({"puller": NEW})
    if isinstance(guard, TokenAuth):
        guard.revoke_tokens()


async def pull(images: Images, ref: str) -> None:
    """A manifest and a layer, each with credentials."""
    at = ImageRef.parse(ref)
    manifest = parse_manifest(await images.fetch_manifest(at), subject=ref)
    assert isinstance(manifest, ImageManifest)
    reader = await images.open_blob(at, manifest.layers[0])
    content = bytearray(manifest.layers[0].size_bytes)
    assert await asyncio.to_thread(reader.readinto, memoryview(content)) > 0
    reader.close()


def test_a_file_that_is_rotated_while_the_client_runs_is_read_again(guard: Guard, guarded: str, tmp_path: Path) -> None:
    file = tmp_path / "pull-secret.json"
    file.write_bytes(pull_secret(host_of(guarded), OLD))

    async def scenario() -> None:
        async with Images(replace(OPTIONS, credentials=PullSecretFile(file))) as images:
            await pull(images, guarded)
            rotate(guard)
            with pytest.raises(OperationError, match=r"pull-secret\.json"):
                await pull(images, guarded)
            file.write_bytes(pull_secret(host_of(guarded), NEW))
            await pull(images, guarded)

    asyncio.run(scenario())


def test_a_value_serves_as_long_as_it_is_right(guard: Guard, guarded: str) -> None:
    source = GivenPullSecret(pull_secret(host_of(guarded), OLD), name="PULL_SECRET")

    async def scenario() -> None:
        async with Images(replace(OPTIONS, credentials=source)) as images:
            await pull(images, guarded)
            rotate(guard)
            with pytest.raises(OperationError, match="PULL_SECRET") as caught:
                await pull(images, guarded)
            assert OLD not in f"{caught.value} {caught.value.hint} {images!r} {source!r} {source.__dict__}"

    asyncio.run(scenario())


def with_ocm(ocm: OcmSimulator, guarded: str, work: Callable[[Images], Awaitable[None]], *, soonest_s: float = 0.0) -> None:
    client = ServiceAccount(ocm.account.client_id, ocm.account.client_secret)
    retries = Retries(attempts=1)
    options = OcmOptions(client=client, url=ocm.url, token_url=ocm.token_url, http=replace(OPTIONS, retries=retries))

    async def scenario() -> None:
        async with OcmClient(options) as asked:
            source = FetchedPullSecret("the pull secret of OCM", asked.pull_secret, soonest_s=soonest_s)
            async with Images(replace(OPTIONS, credentials=source)) as images:
                await work(images)

    asyncio.run(scenario())


@pytest.fixture
def ocm(guarded: str) -> Iterator[OcmSimulator]:
    """It gives the old password."""
    with OcmThread(json.loads(pull_secret(host_of(guarded), OLD))) as running:
        yield running


def asked_of(ocm: OcmSimulator) -> list[str]:
    return [request.api for request in ocm.requests]


def test_a_refusal_of_the_registry_has_the_secret_fetched_again_from_ocm(guard: Guard, guarded: str, ocm: OcmSimulator) -> None:
    async def work(images: Images) -> None:
        await pull(images, guarded)
        rotate(guard)
        ocm.pull_secret = json.loads(pull_secret(host_of(guarded), NEW))
        await pull(images, guarded)

    with_ocm(ocm, guarded, work)
    assert asked_of(ocm) == ["sso.token", "ocm.access_token", "ocm.access_token"]


def test_many_that_are_refused_at_once_fetch_once(guard: Guard, guarded: str, ocm: OcmSimulator) -> None:
    async def work(images: Images) -> None:
        await pull(images, guarded)
        rotate(guard)
        ocm.pull_secret = json.loads(pull_secret(host_of(guarded), NEW))
        await asyncio.gather(*(pull(images, guarded) for _ in range(10)))

    with_ocm(ocm, guarded, work)
    assert asked_of(ocm).count("ocm.access_token") == 2


def test_a_secret_that_stays_wrong_is_not_fetched_again_and_again(guard: Guard, guarded: str, ocm: OcmSimulator) -> None:
    guard.change_users({"puller": NEW})

    async def work(images: Images) -> None:
        for _ in range(5):
            with pytest.raises(OperationError, match="the pull secret of OCM") as caught:
                await pull(images, guarded)
            assert OLD not in str(caught.value)

    with_ocm(ocm, guarded, work, soonest_s=60.0)
    assert asked_of(ocm).count("ocm.access_token") == 1


def test_ocm_that_is_down_is_a_reason_to_try_later(guard: Guard, guarded: str, ocm: OcmSimulator) -> None:
    ocm.faults.add(Fault.parse("status=503@/access_token"))

    async def work(images: Images) -> None:
        with pytest.raises(TransientError, match="503"):
            await pull(images, guarded)

    with_ocm(ocm, guarded, work)


def test_a_registry_that_wants_nothing_does_not_need_ocm(place: "Place", build: "type[Build]") -> None:
    ref = place.put(build.image({"x": b"x"}))
    with OcmThread(faults=[Fault.parse("status=503")]) as ocm:
        with_ocm(ocm, ref, lambda images: pull(images, ref))
        assert ocm.requests == []


def test_a_secret_of_the_cluster_is_read_again_when_it_is_refused(guard: Guard, guarded: str, tmp_path: Path) -> None:
    name = SecretName("images", "pull-secret")
    with KubeThread(namespaces=["images"]) as kube:
        kube.put_secret("images", "pull-secret", {".dockerconfigjson": pull_secret(host_of(guarded), OLD)})
        config = tmp_path / "kubeconfig"
        config.write_text(kube.kubeconfig())

        async def scenario() -> None:
            async with KubeSecrets(load_connection(config, None, {})) as secrets:
                source = FetchedPullSecret(f"Secret {name}", partial(secrets.pull_secret, name), soonest_s=0.0)
                async with Images(replace(OPTIONS, credentials=source)) as images:
                    await pull(images, guarded)
                    rotate(guard)
                    kube.put_secret("images", "pull-secret", {".dockerconfigjson": pull_secret(host_of(guarded), NEW)})
                    await pull(images, guarded)

        asyncio.run(scenario())


def test_programs_that_a_pull_secret_names_are_not_run(guard: Guard, guarded: str, tmp_path: Path) -> None:
    program = tmp_path / "docker-credential-evil"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o755)
    content = json.loads(pull_secret(host_of(guarded), OLD)) | {"credsStore": "evil", "credHelpers": {host_of(guarded): "evil"}}
    source = GivenPullSecret(json.dumps(content).encode(), name="PULL_SECRET")

    async def scenario() -> None:
        async with Images(replace(OPTIONS, credentials=source, environment={"PATH": str(tmp_path)})) as images:
            await pull(images, guarded)

    asyncio.run(scenario())
    assert not (tmp_path / "ran").exists()
