"""Images in projects of Google Cloud: Compute Engine API v1 and Cloud Storage JSON API v1, by plain REST."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from http import HTTPStatus
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import quote
from uuid import uuid4

from yarl import URL

from penstock.adapters.gcp.options import GcpOptions
from penstock.adapters.gcp.uploading import CHUNK_BYTES, CHUNK_UNIT_BYTES, Arrived, ResumableUpload, damaged
from penstock.adapters.gcp.writing import (
    found_image,
    found_object,
    object_of_answer,
    operation_of,
    reason_of,
    refusal_of,
    users_of,
    with_users,
)
from penstock.adapters.http.rest import RestClient, Tokens
from penstock.adapters.http.transport import Answer, Transport
from penstock.formats.jsontext import write_json
from penstock.model.errors import NotFoundError, OperationError, TransientError
from penstock.model.push.accounts import GcpCredential
from penstock.model.push.gcp import DeprecationState, FoundGceImage, FoundGcsObject, GceInsertion, GceNameTaken, GceOperation
from penstock.model.record import Tree
from penstock.ports.gcp import ArchiveStream
from penstock.ports.progress import ProgressSink
from penstock.ports.retries import tell_retry

_JSON = "application/json; charset=UTF-8"
_PAGE_SIZE = "500"
_MOST_PAGES = 1000
_MOST_POLICY_TRIES = 8
_POLICY_PAUSE_S = 0.2
_CHANGED = (HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED)


class ClosingTokens(Tokens, Protocol):
    """Tokens with connections of their own."""

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close them."""


MakeTokens = Callable[[GcpOptions, GcpCredential], ClosingTokens | None]


def own_tokens(options: GcpOptions, credential: GcpCredential) -> ClosingTokens | None:
    """Those of the service account; none for an emulator on this machine, for which nobody's key is used."""
    if options.anonymous:
        return None
    from penstock.adapters.gcp.credentials import WRITING, GoogleTokens  # noqa: PLC0415  # google-auth is an extra

    return GoogleTokens(options, service_account=credential.service_account, scopes=WRITING)


class GcpImageAccounts:
    """:class:`penstock.ports.gcp.GcpAccounts` over REST; made and closed inside the running loop.

    ::

        async with GcpImageAccounts(GcpOptions()) as accounts:
            image = await accounts.publisher(credential).image("my-project", "rhel-gce-9-4-1-x86-64")
    """

    def __init__(self, options: GcpOptions, *, tokens: MakeTokens = own_tokens, chunk_bytes: int = CHUNK_BYTES) -> None:
        """Ask for nothing yet.

        Args:
            options: where and how to ask.
            tokens: what is shown.
            chunk_bytes: how much is sent at a time; whole units of 256 KiB.

        Raises:
            InputError: the endpoint is no address.
        """
        self._options = options
        self._make_tokens = tokens
        self._chunk_bytes = max(1, chunk_bytes // CHUNK_UNIT_BYTES) * CHUNK_UNIT_BYTES
        self._stack = AsyncExitStack()
        self._connections = _Connections(options)
        self._publishers: dict[GcpCredential, RestGcpPublisher] = {}

    async def __aenter__(self) -> Self:
        """The accounts themselves."""
        self._stack.push_async_callback(self._connections.close)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close all connections."""
        await self._stack.aclose()

    def publisher(self, credential: GcpCredential) -> "RestGcpPublisher":
        """See :meth:`penstock.ports.gcp.GcpAccounts.publisher`, and :meth:`penstock.ports.removal.GcpRemovers.publisher`."""
        if credential not in self._publishers:
            tokens = self._make_tokens(self._options, credential)
            if tokens is not None:
                self._stack.push_async_exit(tokens.__aexit__)
            self._publishers[credential] = RestGcpPublisher(self._connections, tokens, self._chunk_bytes)
        return self._publishers[credential]


class _Connections:
    """What all accounts share."""

    def __init__(self, options: GcpOptions) -> None:
        self.projects = options.base()
        self.storage = options.storage()
        self.http = options.http
        self.client = RestClient(options.http)
        self.transport = Transport(options.http)

    async def close(self) -> None:
        await self.client.close()
        await self.transport.close()


class RestGcpPublisher:
    """:class:`penstock.ports.gcp.GcpPublisher`, and ``ports.removal.GcpRemover``, of one service account."""

    def __init__(self, connections: _Connections, tokens: Tokens | None, chunk_bytes: int) -> None:
        self._connections = connections
        self._tokens = tokens
        self._chunk_bytes = chunk_bytes

    # --- reading

    async def has_bucket(self, bucket: str) -> bool:
        """See there."""
        try:
            # Whoever may bring objects may list them, and need not have the right to look at the bucket itself.
            await self._read(self._bucket(bucket) / "o", f"gs://{bucket}", {"maxResults": "1", "fields": "kind"})
        except NotFoundError:
            return False
        return True

    async def object(self, bucket: str, key: str) -> FoundGcsObject | None:
        """See there."""
        try:
            return found_object(await self._read(self._object(bucket, key), f"gs://{bucket}/{key}"))
        except NotFoundError:
            return None

    async def image(self, project: str, name: str) -> FoundGceImage | None:
        """See there."""
        subject = f"the image {name} of {project}"
        answer = await self._get(self._images(project) / name, subject)
        if answer.status == HTTPStatus.NOT_FOUND and f"images/{name}" in reason_of(answer)[1]:
            return None
        return found_image(object_of_answer(answer, subject=subject), subject=subject)

    async def images_of_family(self, project: str, family: str) -> tuple[FoundGceImage, ...]:
        """See there; all pages, and each image of the answer is looked at again."""
        subject = f"the family {family} of {project}"
        query = {"maxResults": _PAGE_SIZE, "filter": f'family="{family}"'}
        found: list[FoundGceImage] = []
        for _ in range(_MOST_PAGES):
            tree = await self._read(self._images(project), subject, query)
            items = tree.get("items", [])
            found += (found_image(each, subject=subject) for each in (items if isinstance(items, list) else []))
            token = tree.get("nextPageToken")
            if not isinstance(token, str) or not token or token == query.get("pageToken"):
                return tuple(each for each in found if each.family == family)
            query["pageToken"] = token
        raise OperationError("the list of images has no end", subject=subject, hint="check the endpoint")

    async def users(self, project: str, name: str) -> frozenset[str]:
        """See there."""
        return users_of(await self._policy(project, name))

    async def operation(self, project: str, name: str) -> GceOperation:
        """See there."""
        subject = f"the operation {name} of {project}"
        url = self._connections.projects / project / "global/operations" / name
        return operation_of(await self._read(url, subject), subject=subject)

    # --- making

    async def upload(
        self, bucket: str, key: str, content: ArchiveStream, *, metadata: Mapping[str, str], progress: ProgressSink, item: str
    ) -> FoundGcsObject:
        """See there."""
        ours = self._connections
        sending = ResumableUpload(ours.storage, ours.http, self._tokens, ours.transport, ours.client)
        try:
            made, problem = await sending.send(
                bucket, key, content, metadata=metadata, chunk_bytes=self._chunk_bytes, progress=progress, item=item
            )
        except Arrived:
            found = await self.object(bucket, key)
            if found is None:
                raise TransientError("an object came and went", subject=f"gs://{bucket}/{key}", hint="run again") from None
            return found
        if problem:
            await self._sent("DELETE", self._object(bucket, key), None, f"gs://{bucket}/{key}")
            raise damaged(problem, f"gs://{bucket}/{key}")
        return made

    async def insert_image(self, project: str, insertion: GceInsertion, *, bucket: str, key: str) -> str:
        """See there."""
        source = self._connections.storage / bucket / key
        document: dict[str, Tree] = {
            "name": insertion.name,
            "description": insertion.description,
            "architecture": insertion.architecture,
            "licenses": list(insertion.licenses),
            "guestOsFeatures": [{"type": each} for each in insertion.guest_os_features],
            "labels": dict(insertion.labels),
            "rawDisk": {"source": str(source), "containerType": "TAR"},
        }
        if insertion.storage_locations:
            document["storageLocations"] = list(insertion.storage_locations)
        subject = f"the image {insertion.name} of {project}"
        answer = await self._sent("POST", self._images(project), document, subject, once=True)
        if answer.status == HTTPStatus.CONFLICT and reason_of(answer)[0] == "alreadyExists":
            raise GceNameTaken("there is an image of this name", subject=subject)
        return operation_of(object_of_answer(answer, subject=subject), subject=subject).name

    async def set_family(self, project: str, name: str, family: str) -> str:
        """See there."""
        subject = f"the image {name} of {project}"
        answer = await self._sent("PATCH", self._images(project) / name, {"family": family}, subject, once=True)
        return operation_of(object_of_answer(answer, subject=subject), subject=subject).name

    async def deprecate(self, project: str, name: str, state: DeprecationState, *, replacement: str) -> str:
        """See there."""
        subject = f"the image {name} of {project}"
        document: dict[str, Tree] = {"state": state.value, "replacement": str(self._images(project) / replacement)}
        answer = await self._sent("POST", self._images(project) / name / "deprecate", document, subject, once=True)
        return operation_of(object_of_answer(answer, subject=subject), subject=subject).name

    async def delete_image(self, project: str, name: str) -> str | None:
        """See :meth:`penstock.ports.removal.GcpRemover.delete_image`."""
        subject = f"the image {name} of {project}"
        answer = await self._sent("DELETE", self._images(project) / name, None, subject, once=True)
        if answer.status == HTTPStatus.NOT_FOUND and f"images/{name}" in reason_of(answer)[1]:
            return None
        return operation_of(object_of_answer(answer, subject=subject), subject=subject).name

    async def grant(self, project: str, name: str, members: Sequence[str]) -> None:
        """See there: read, change, write with the etag that was read, and again where somebody else was faster."""
        subject = f"the policy of the image {name} of {project}"
        for number in range(_MOST_POLICY_TRIES):
            policy = await self._policy(project, name)
            if users_of(policy) >= set(members):
                return
            wanted: dict[str, Tree] = {"policy": with_users(policy, members)}
            answer = await self._sent("POST", self._images(project) / name / "setIamPolicy", wanted, subject)
            if answer.status not in _CHANGED:
                object_of_answer(answer, subject=subject)
                return
            if (await self._policy(project, name)).get("etag") == policy.get("etag"):
                raise refusal_of(answer, subject=subject)  # nobody was faster: a policy of the organisation forbids it
            tell_retry(f"{subject} was changed by somebody else meanwhile")
            await asyncio.sleep(_POLICY_PAUSE_S * (number + 1))
        raise TransientError("it is changed again and again by others", subject=subject, hint="run again")

    # --- asking

    async def _policy(self, project: str, name: str) -> Mapping[str, Tree]:
        url = self._images(project) / name / "getIamPolicy"
        return await self._read(url, f"the policy of the image {name} of {project}", {"optionsRequestedPolicyVersion": "3"})

    async def _read(self, url: URL, subject: str, query: Mapping[str, str] | None = None) -> Mapping[str, Tree]:
        return object_of_answer(await self._get(url, subject, query), subject=subject)

    async def _get(self, url: URL, subject: str, query: Mapping[str, str] | None = None) -> Answer:
        return await self._connections.client.get(url.with_query(query or {}), subject=subject, tokens=self._tokens)

    async def _sent(self, method: str, url: URL, document: Mapping[str, Tree] | None, subject: str, *, once: bool = False) -> Answer:
        """The answer to a change; with ``once`` under a request id, by which a second try of it is known."""
        if once:
            url = url.with_query(requestId=str(uuid4()))
        content = b"" if document is None else write_json(document)
        answer = await self._connections.client.send(method, url, content, content_type=_JSON, subject=subject, tokens=self._tokens)
        if answer.status >= 300 and answer.status not in _CHANGED and not (method == "DELETE" and answer.status == HTTPStatus.NOT_FOUND):
            raise refusal_of(answer, subject=subject)
        return answer

    def _images(self, project: str) -> URL:
        return self._connections.projects / project / "global/images"

    def _bucket(self, bucket: str) -> URL:
        return self._connections.storage / "storage/v1/b" / bucket

    def _object(self, bucket: str, key: str) -> URL:
        base = self._bucket(bucket)
        return URL(f"{base}/o/{quote(key, safe='')}", encoded=True)
