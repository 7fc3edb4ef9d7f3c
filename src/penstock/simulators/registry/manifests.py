"""Manifests: distribution-spec, sections "Pulling manifests", "Pushing Manifests", "Deleting tags", "Deleting Manifests".

A manifest is stored only when what it refers to is in the repository, as docker-registry does it; sizes in descriptors are not compared
there and not here, so that a payload with wrong sizes can be pushed and must be found by its reader.
"""

import json
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from penstock.formats.oci.descriptor import DOCKER_LAYER_FOREIGN, INDEX_TYPES, MANIFEST_TYPES, RawManifest
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.simulators.registry.names import parse_reference, repository_of
from penstock.simulators.registry.refusal import ErrorCode, Refusal
from penstock.simulators.registry.serving import Sender
from penstock.simulators.registry.storage import MemoryContent, Storage

MAX_MANIFEST_BYTES = 4 << 20
"""docker-registry's limit, and the least that the specification wants."""
_MANIFEST = "/v2/{name:.+}/manifests/{reference}"


class ManifestRoutes:
    """The endpoints ``/v2/<name>/manifests/<tag or digest>``."""

    def __init__(self, storage: Storage, sender: Sender) -> None:
        self._storage = storage
        self._sender = sender

    def routes(self) -> list[web.RouteDef]:
        """GET, HEAD, PUT and DELETE."""
        return [web.get(_MANIFEST, self._get), web.put(_MANIFEST, self._put), web.delete(_MANIFEST, self._delete)]

    async def _get(self, request: web.Request) -> web.StreamResponse:
        manifest = self._find(request)
        headers = {
            "Content-Type": manifest.media_type,
            "Docker-Content-Digest": str(manifest.digest),
            "ETag": f'"{manifest.digest}"',
        }
        return await self._sender.send(request, MemoryContent(manifest.content), headers)

    async def _put(self, request: web.Request) -> web.Response:
        repository, reference = repository_of(request), parse_reference(request.match_info["reference"])
        content = await _read_limited(request)
        document = parse_manifest(content)
        manifest = RawManifest.of(content, _media_type_of(request, document))
        if isinstance(reference, Digest):
            hasher = reference.hasher()
            hasher.update(content)
            if not reference.matches(hasher):
                raise Refusal(400, ErrorCode.DIGEST_INVALID, "provided digest did not match uploaded content")
            manifest = RawManifest(content, manifest.media_type, reference)
        self._check_references(repository, manifest, document)
        self._storage.put_manifest(repository, manifest, [] if isinstance(reference, Digest) else [reference])
        headers = {"Location": f"/v2/{repository}/manifests/{manifest.digest}", "Docker-Content-Digest": str(manifest.digest)}
        subject = document.get("subject")
        if isinstance(subject, dict):
            headers["OCI-Subject"] = str(_digest_in(subject))
        return web.Response(status=201, headers=headers)

    async def _delete(self, request: web.Request) -> web.Response:
        repository, reference = repository_of(request), parse_reference(request.match_info["reference"])
        manifest = self._find(request)
        if isinstance(reference, Digest):
            self._storage.delete_manifest(repository, manifest.digest)
        else:
            self._storage.delete_tag(repository, reference)
        return web.Response(status=202)

    def _find(self, request: web.Request) -> RawManifest:
        repository, reference = repository_of(request), parse_reference(request.match_info["reference"])
        digest = reference if isinstance(reference, Digest) else self._storage.find_tag(repository, reference)
        manifest = None if digest is None else self._storage.find_manifest(repository, digest)
        if manifest is None:
            detail = {"name": repository, "reference": str(reference)}
            raise Refusal(404, ErrorCode.MANIFEST_UNKNOWN, "manifest unknown to registry", detail=detail)
        return manifest

    def _check_references(self, repository: str, manifest: RawManifest, document: dict[str, Any]) -> None:
        if manifest.is_index:
            unknown = [d for d in map(_digest_in, _list_in(document, "manifests")) if self._storage.find_manifest(repository, d) is None]
        else:
            unknown = [d for d in _blobs_of(document) if not self._storage.holds_blob(repository, d)]
        if unknown:
            # docker-registry answers 400 as well; the specification names the code only.
            detail = [{"digest": str(digest)} for digest in unknown]
            raise Refusal(400, ErrorCode.MANIFEST_BLOB_UNKNOWN, "manifest references a manifest or blob unknown to registry", detail=detail)


def parse_manifest(content: bytes) -> dict[str, Any]:
    """The document, or MANIFEST_INVALID."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _invalid("the manifest is not JSON") from error
    if not isinstance(document, dict) or document.get("schemaVersion") != 2:
        raise _invalid("the manifest has not schemaVersion 2")
    return document


def _media_type_of(request: web.Request, document: dict[str, Any]) -> str:
    inside = document.get("mediaType")
    declared = request.headers.get("Content-Type", "").partition(";")[0].strip() or inside
    if declared not in INDEX_TYPES | MANIFEST_TYPES:
        raise _invalid(f"manifests of type {declared!r} are not supported")
    if inside not in {None, declared}:
        raise _invalid(f"the manifest says {inside!r}, its Content-Type {declared!r}")
    return str(declared)


def _blobs_of(document: dict[str, Any]) -> Iterator[Digest]:
    """What an image manifest needs: its config, and the layers that are not to be had elsewhere only."""
    if "config" not in document:
        raise _invalid("the manifest has no config")
    yield _digest_in(document["config"])
    for layer in _list_in(document, "layers"):
        digest = _digest_in(layer)
        kind = str(layer.get("mediaType", ""))
        if not (layer.get("urls") and (kind == DOCKER_LAYER_FOREIGN or ".nondistributable." in kind)):
            yield digest


def _list_in(document: dict[str, Any], key: str) -> list[Any]:
    found = document.get(key)
    if not isinstance(found, list):
        raise _invalid(f"the manifest has no list of {key}")
    return found


def _digest_in(descriptor: object) -> Digest:
    try:
        return Digest.parse(str(descriptor["digest"]) if isinstance(descriptor, dict) else "")
    except (KeyError, InputError) as error:
        raise _invalid("a descriptor in the manifest has no digest") from error


def _invalid(message: str) -> Refusal:
    return Refusal(400, ErrorCode.MANIFEST_INVALID, message)


async def _read_limited(request: web.Request) -> bytes:
    content = bytearray()
    while piece := await request.content.readany():
        content += piece
        if len(content) > MAX_MANIFEST_BYTES:
            raise Refusal(413, ErrorCode.MANIFEST_INVALID, f"the manifest has more than {MAX_MANIFEST_BYTES} bytes")
    return bytes(content)
