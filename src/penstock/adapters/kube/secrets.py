"""Pull secrets in a cluster: Secrets of the type ``kubernetes.io/dockerconfigjson``, read and written through the API (core/v1)."""

import base64
import binascii
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

from penstock.adapters.http.failures import status_text
from penstock.adapters.http.options import HttpOptions
from penstock.adapters.http.rest import RestClient
from penstock.adapters.http.transport import Answer
from penstock.adapters.kube.connection import KubeConnection
from penstock.formats.authfile import is_same_document
from penstock.formats.jsontext import parse_json
from penstock.model.errors import InputError, NotFoundError, OperationError, TransientError, VerificationError

DOCKER_CONFIG_KEY: Final = ".dockerconfigjson"
DOCKER_CONFIG_TYPE: Final = "kubernetes.io/dockerconfigjson"
_TRIES: Final = 5
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class SecretName:
    """Which Secret.

    Attributes:
        namespace: it is in.
        name: in that.
    """

    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``NAMESPACE/NAME``.

        Raises:
            InputError: it is not of that form.
        """
        namespace, _, name = text.partition("/")
        if not (_NAME.fullmatch(namespace) and _NAME.fullmatch(name)):
            raise InputError("this names no Secret", subject=text, hint="write NAMESPACE/NAME")
        return cls(namespace, name)

    def __str__(self) -> str:
        """``NAMESPACE/NAME``."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class _Found:
    content: bytes | None = field(repr=False)
    resource_version: str

    def says(self, content: bytes) -> bool:
        """Whether this document is there already."""
        return self.content is not None and is_same_document(self.content, content)


class KubeSecrets:
    """Pull secrets of one cluster; an async context manager, for one event loop."""

    def __init__(self, connection: KubeConnection) -> None:
        self._connection = connection
        self._opened: RestClient | None = None

    async def __aenter__(self) -> Self:
        """Open the client."""
        self._opened = RestClient(HttpOptions(tls=self._connection.tls, environment=dict(os.environ)))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close all connections."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.close()

    async def pull_secret(self, secret: SecretName) -> bytes:
        """What stands under ``.dockerconfigjson``.

        Raises:
            NotFoundError: there is no such Secret, or it has no such key.
            OperationError: the API server refuses.
            TransientError: it does not answer.
            VerificationError: the answer is no Secret.
        """
        found = await self._read(secret)
        if found is None:
            raise NotFoundError("there is no such Secret", subject=_subject(secret), hint="check its namespace and its name")
        if found.content is None:
            raise NotFoundError(f"it has no key {DOCKER_CONFIG_KEY}", subject=_subject(secret), hint="is it a pull secret?")
        return found.content

    async def would_change(self, secret: SecretName, content: bytes) -> bool:
        """Whether :meth:`put_pull_secret` would write; raises as :meth:`pull_secret`."""
        found = await self._read(secret)
        return found is None or not found.says(content)

    async def put_pull_secret(self, secret: SecretName, content: bytes) -> bool:
        """Write ``content`` under ``.dockerconfigjson`` unless it is there; whether it was written.

        A Secret that is not there is made.  Of one that is there nothing else changes, and what others wrote meanwhile is not lost.

        Raises:
            NotFoundError: there is no such namespace.
            OperationError: the API server refuses.
            TransientError: it does not answer, or others keep writing.
            VerificationError: an answer is no Secret.
        """
        for _ in range(_TRIES):
            found = await self._read(secret)
            if found is not None and found.says(content):
                return False
            answer = await (self._create(secret, content) if found is None else self._patch(secret, content, found.resource_version))
            if answer.status in (HTTPStatus.OK, HTTPStatus.CREATED):
                return True
            if answer.status == HTTPStatus.NOT_FOUND and found is None:
                raise NotFoundError("there is no such namespace", subject=_subject(secret), hint="make it first")
            # 409: made or changed by somebody else in between; 404: deleted in between.
            if answer.status not in (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND):
                raise _refusal(answer, secret)
        raise TransientError("somebody else keeps changing it", subject=_subject(secret), hint="see who else writes it")

    async def _read(self, secret: SecretName) -> _Found | None:
        url = self._connection.server.joinpath(*_collection(secret), secret.name)
        answer = await self._client.get(url, subject=_subject(secret), tokens=self._connection.tokens)
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if answer.status != HTTPStatus.OK:
            raise _refusal(answer, secret)
        return _found_in(answer.body, secret)

    async def _create(self, secret: SecretName, content: bytes) -> Answer:
        document = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"namespace": secret.namespace, "name": secret.name},
            "type": DOCKER_CONFIG_TYPE,
            "data": {DOCKER_CONFIG_KEY: base64.b64encode(content).decode()},
        }
        url = self._connection.server.joinpath(*_collection(secret))
        return await self._client.send(
            "POST",
            url,
            json.dumps(document).encode(),
            content_type="application/json",
            subject=_subject(secret),
            tokens=self._connection.tokens,
        )

    async def _patch(self, secret: SecretName, content: bytes, resource_version: str) -> Answer:
        """A merge patch (RFC 7386) that holds for the version that was read alone."""
        document = {
            "metadata": {"resourceVersion": resource_version},
            "data": {DOCKER_CONFIG_KEY: base64.b64encode(content).decode()},
        }
        url = self._connection.server.joinpath(*_collection(secret), secret.name)
        return await self._client.send(
            "PATCH",
            url,
            json.dumps(document).encode(),
            content_type="application/merge-patch+json",
            subject=_subject(secret),
            tokens=self._connection.tokens,
        )

    @property
    def _client(self) -> RestClient:
        if self._opened is None:
            raise AssertionError("the client is used outside its context")
        return self._opened


def _collection(secret: SecretName) -> tuple[str, ...]:
    return ("api", "v1", "namespaces", secret.namespace, "secrets")


def _subject(secret: SecretName) -> str:
    return f"Secret {secret}"


def _found_in(body: bytes, secret: SecretName) -> _Found:
    try:
        tree = parse_json(body, subject=_subject(secret))
    except InputError:
        tree = None  # the cause is dropped: it may quote the secret
    metadata = tree.get("metadata") if isinstance(tree, Mapping) else None
    if not isinstance(tree, Mapping) or tree.get("kind") != "Secret" or not isinstance(metadata, Mapping):
        raise VerificationError("the answer is no Secret", subject=_subject(secret), hint="is this an API server?")
    data = tree.get("data")
    encoded = data.get(DOCKER_CONFIG_KEY) if isinstance(data, Mapping) else None
    try:
        content = base64.b64decode(encoded, validate=True) if isinstance(encoded, str) else None
    except (binascii.Error, ValueError):
        raise VerificationError(f"{DOCKER_CONFIG_KEY} is not base64", subject=_subject(secret)) from None
    return _Found(content, str(metadata.get("resourceVersion", "")))


def _refusal(answer: Answer, secret: SecretName) -> OperationError:
    """What the API server says of a refusal may quote what it was sent; its status says enough."""
    hint = ""
    if answer.status in _REFUSED:
        hint = "the account needs the verbs get, create and patch on secrets in this namespace"
    elif answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:
        hint = f"it may be immutable, or of another type than {DOCKER_CONFIG_TYPE}"
    return OperationError(f"the API server answered {status_text(answer.status)}", subject=_subject(secret), hint=hint)
