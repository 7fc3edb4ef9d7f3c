"""Images in registries: the port :class:`penstock.ports.Registry` over HTTP.

Distribution-spec 1.1.  Reading asks all mirrors in order and then the source; whatever one place says (absent, refused, unreachable, other
bytes) the next is asked, and only when all have failed does the error tell what each said.  A mirror that could not be reached is asked
last for a while.  A mirror that gave an image under its tag is asked for the rest of that repository too, although the rules may have it
serve tags alone: what a tag stands for is fetched by digest.  Writing goes to the named registry and nowhere else.
"""

import threading
import time
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

from penstock.adapters.http.transport import Request
from penstock.adapters.registry.blob import RemoteBlob
from penstock.adapters.registry.failures import everyone_failed
from penstock.adapters.registry.manifests import LONGEST_MANIFEST_BYTES, checked_manifest
from penstock.adapters.registry.options import RegistryOptions
from penstock.adapters.registry.session import Session
from penstock.adapters.registry.sites import api_path
from penstock.adapters.registry.tokens import Scopes
from penstock.adapters.registry.upload import mount_blob, upload_blob
from penstock.formats.oci.descriptor import ACCEPTED_TYPES, Descriptor, RawManifest
from penstock.model.errors import (
    DigestMismatch,
    InputError,
    NotFoundError,
    OperationError,
    PenstockError,
    TransientError,
    VerificationError,
)
from penstock.model.imageref import ImageRef
from penstock.model.mirrors import Endpoint, candidates, matching_rule

_CREATED = (201, 200, 202)  # 201 is the specification's; the others are seen
_TRIES_AT_A_MIRROR = 2
_SHUNNED_S = 60.0

T = TypeVar("T")


class RegistryClient:
    """Reads and writes images in registries; an async context manager, for one event loop."""

    def __init__(self, options: RegistryOptions) -> None:
        self._options = options
        self._opened: Session | None = None
        self._shunned_until_s: dict[str, float] = {}
        self._gave_tags: dict[str, Endpoint] = {}
        self._readers: weakref.WeakSet[RemoteBlob] = weakref.WeakSet()
        self._readers_lock = threading.Lock()

    async def __aenter__(self) -> Self:
        """Open the client."""
        self._opened = Session(self._options)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close all connections, those of blob readers that are still open included: nobody waits for a silent server on Ctrl-C."""
        session, self._opened = self._opened, None
        with self._readers_lock:
            readers = list(self._readers)
        for reader in readers:
            reader.close()
        if session is not None:
            await session.close()

    @property
    def _session(self) -> Session:
        if self._opened is None:
            raise AssertionError("the client is used outside its context")
        return self._opened

    async def fetch_manifest(self, ref: ImageRef) -> RawManifest:
        """See :meth:`penstock.ports.Registry.fetch_manifest`."""
        request = Request("GET", str(ref), {"Accept": ", ".join(ACCEPTED_TYPES)}, limit_bytes=LONGEST_MANIFEST_BYTES)

        async def fetch(endpoint: Endpoint, attempts: int | None) -> RawManifest:
            target = f"{api_path(endpoint.ref)}/manifests/{endpoint.ref.locator}"
            answer = await self._session.ask(endpoint, target, request, attempts=attempts)
            manifest = checked_manifest(
                answer.body,
                content_type=answer.headers.get("Content-Type", ""),
                told=answer.headers.get("Docker-Content-Digest", ""),
                wanted=endpoint.ref.digest,
                subject=str(ref),
                place=endpoint.ref.registry,
            )
            if endpoint.is_mirror and ref.digest is None:
                self._gave_tags[ref.repository] = endpoint
            return manifest

        return await self._first(ref, fetch)

    async def fetch_blob(self, ref: ImageRef, blob: Descriptor, *, limit_bytes: int = 8 << 20) -> bytes:
        """See :meth:`penstock.ports.Registry.fetch_blob`."""
        subject = f"{ref.repository}@{blob.digest}"
        if blob.size_bytes > limit_bytes:
            raise VerificationError(f"{blob.size_bytes} bytes are more than the {limit_bytes} that are read here", subject=subject)
        request = Request("GET", subject, {}, limit_bytes=limit_bytes)

        async def fetch(endpoint: Endpoint, attempts: int | None) -> bytes:
            content = (await self._session.ask(endpoint, _blob_path(endpoint, blob), request, attempts=attempts)).body
            hasher = blob.digest.hasher()
            hasher.update(content)
            if len(content) != blob.size_bytes or not blob.digest.matches(hasher):
                expected = f"{blob.digest} with {blob.size_bytes} bytes"
                found = f"{blob.digest.algorithm}:{hasher.hexdigest()} with {len(content)} bytes"
                raise DigestMismatch(subject, expected=expected, found=found, hint=f"{endpoint.ref.registry} gave other bytes")
            return content

        return await self._first(ref, fetch)

    async def open_blob(self, ref: ImageRef, blob: Descriptor) -> RemoteBlob:
        """See :meth:`penstock.ports.Registry.open_blob`."""
        return self.blob_reader(ref, blob)

    def blob_reader(self, ref: ImageRef, blob: Descriptor) -> RemoteBlob:
        """The same, without waiting; from any thread."""
        places = [(endpoint, _blob_path(endpoint, blob)) for endpoint in self._places(ref)]
        reader = RemoteBlob(self._session, places, blob, f"{ref.repository}@{blob.digest}")
        with self._readers_lock:
            self._readers.add(reader)
        return reader

    async def has_blob(self, ref: ImageRef, blob: Descriptor) -> bool:
        """See :meth:`penstock.ports.Registry.has_blob`.

        Raises:
            DigestMismatch: the registry holds something of another size under this digest.
        """

        async def look(endpoint: Endpoint, attempts: int | None) -> None:
            await self._look_for(endpoint, blob, Scopes.pull(api_path(endpoint.ref)), attempts)

        try:
            await self._first(ref, look)
        except NotFoundError:
            return False
        return True

    async def push_blob(self, ref: ImageRef, blob: Descriptor, open_content: Callable[[], BinaryIO]) -> None:
        """See :meth:`penstock.ports.Registry.push_blob`."""
        if not await self._is_stored(ref, blob):
            await upload_blob(self._session, self._target(ref), blob, open_content)

    async def mount_blob(self, ref: ImageRef, blob: Descriptor, source: ImageRef, open_content: Callable[[], BinaryIO]) -> None:
        """Bring ``blob`` over from ``source``; ``open_content`` is used where the registry cannot mount."""
        if await self._is_stored(ref, blob):
            return
        begun_at = None
        if source.registry == ref.registry:
            begun_at = await mount_blob(self._session, self._target(ref), blob, source)
            if begun_at is None:
                return
        await upload_blob(self._session, self._target(ref), blob, open_content, begun_at=begun_at)

    async def push_manifest(self, ref: ImageRef, manifest: RawManifest) -> None:
        """See :meth:`penstock.ports.Registry.push_manifest`.

        Raises:
            InputError: ``ref`` names another digest than the manifest has.
            DigestMismatch: the registry stored other bytes.
        """
        if ref.digest is not None and ref.digest != manifest.digest:
            raise InputError(f"the manifest has the digest {manifest.digest}", subject=str(ref))
        path = api_path(ref)
        headers = {"Content-Type": manifest.media_type, "Content-Length": str(len(manifest.content))}
        request = Request("PUT", str(ref), headers, lambda: manifest.content, commit=True)
        target = f"{path}/manifests/{ref.tag or manifest.digest}"
        answer = await self._session.ask(self._target(ref), target, request, scopes=Scopes.push(path), fine=_CREATED)
        told = answer.headers.get("Docker-Content-Digest", "")
        if told.startswith(f"{manifest.digest.algorithm}:") and told != str(manifest.digest):
            hint = f"{ref.registry} changed the manifest while storing it"
            raise DigestMismatch(str(ref), expected=str(manifest.digest), found=told, hint=hint)

    async def _is_stored(self, ref: ImageRef, blob: Descriptor) -> bool:
        """Whether the registry itself, and no mirror, holds the blob whole."""
        try:
            await self._look_for(self._target(ref), blob, Scopes.push(api_path(ref)), None)
        except (NotFoundError, DigestMismatch):
            return False
        return True

    async def _look_for(self, endpoint: Endpoint, blob: Descriptor, scopes: Scopes, attempts: int | None) -> None:
        subject = f"{endpoint.ref.repository}@{blob.digest}"
        request = Request("HEAD", subject, {})
        answer = await self._session.ask(endpoint, _blob_path(endpoint, blob), request, scopes=scopes, attempts=attempts)
        told = answer.headers.get("Content-Length", "")
        # Zero is what a server says to HEAD that does not know.
        if told.isascii() and told.isdigit() and int(told) not in (0, blob.size_bytes):
            expected = f"{blob.digest} with {blob.size_bytes} bytes"
            raise DigestMismatch(subject, expected=expected, found=f"{told} bytes", hint=f"{endpoint.ref.registry} holds another thing")

    def _target(self, ref: ImageRef) -> Endpoint:
        """Where to write: the registry as named; of the mirror rules only ``insecure`` holds."""
        rule = matching_rule(ref, self._options.mirrors)
        return Endpoint(ref, insecure=rule is not None and rule.insecure)

    def _places(self, ref: ImageRef) -> list[Endpoint]:
        places = self._with_giver_of_tags(ref, candidates(ref, self._options.mirrors))
        if not places:
            hint = "give a mirror that serves it, or allow the source"
            raise OperationError("its registry must not be contacted, and no mirror serves it", subject=str(ref), hint=hint)
        now_s = time.monotonic()
        return sorted(places, key=lambda endpoint: self._shunned_until_s.get(endpoint.ref.registry, 0.0) > now_s)

    def _with_giver_of_tags(self, ref: ImageRef, places: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
        """``places``, and before the source the mirror that gave a tag of this repository."""
        giver = self._gave_tags.get(ref.repository)
        if giver is None or ref.digest is None or any(place.ref.repository == giver.ref.repository for place in places):
            return places
        known = replace(giver, ref=giver.ref.with_digest(ref.digest))
        return (*(place for place in places if place.is_mirror), known, *(place for place in places if not place.is_mirror))

    async def _first(self, ref: ImageRef, ask: Callable[[Endpoint, int | None], Awaitable[T]]) -> T:
        """The answer of the first place that has one."""
        places = self._places(ref)
        said: list[tuple[str, PenstockError]] = []
        for number, endpoint in enumerate(places, start=1):
            last = number == len(places)
            try:
                return await ask(endpoint, None if last else min(_TRIES_AT_A_MIRROR, self._options.retries.attempts))
            except InputError:
                raise  # a wrong auth file or certificate file is not the place's fault
            except PenstockError as error:
                said.append((endpoint.ref.registry, error))
                if endpoint.is_mirror and isinstance(error, TransientError):
                    self._shunned_until_s[endpoint.ref.registry] = time.monotonic() + _SHUNNED_S
        raise everyone_failed(str(ref), said)


def _blob_path(endpoint: Endpoint, blob: Descriptor) -> str:
    return f"{api_path(endpoint.ref)}/blobs/{blob.digest}"
