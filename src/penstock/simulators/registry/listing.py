"""Listing tags, repositories and referrers: distribution-spec, section "Content Discovery"."""

import json
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from penstock.formats.oci.descriptor import OCI_INDEX, RawManifest
from penstock.model.digest import Digest
from penstock.simulators.registry.manifests import parse_manifest
from penstock.simulators.registry.names import parse_digest, repository_of
from penstock.simulators.registry.refusal import ErrorCode, Refusal
from penstock.simulators.registry.storage import Storage


class ListingRoutes:
    """``tags/list``, ``_catalog`` and ``referrers``."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def routes(self) -> list[web.RouteDef]:
        """GET only."""
        return [
            web.get("/v2/_catalog", self._catalog),
            web.get("/v2/{name:.+}/tags/list", self._tags),
            web.get("/v2/{name:.+}/referrers/{digest}", self._referrers),
        ]

    async def _tags(self, request: web.Request) -> web.Response:
        repository = repository_of(request)
        tags = self._storage.list_tags(repository)
        if tags is None:
            raise Refusal(404, ErrorCode.NAME_UNKNOWN, "repository name not known to registry", detail={"name": repository})
        page, headers = _page(request, tags)
        return web.json_response({"name": repository, "tags": page}, headers=headers)

    async def _catalog(self, request: web.Request) -> web.Response:
        page, headers = _page(request, self._storage.list_repositories())
        return web.json_response({"repositories": page}, headers=headers)

    async def _referrers(self, request: web.Request) -> web.Response:
        """All manifests of the repository are read: a simulator's repositories are small."""
        repository, subject = repository_of(request), parse_digest(request.match_info["digest"])
        manifests = (self._storage.find_manifest(repository, digest) for digest in self._storage.list_manifests(repository))
        found = [entry for manifest in manifests if manifest is not None and (entry := _referrer(manifest, subject)) is not None]
        headers = {}
        wanted = request.query.get("artifactType")
        if wanted:
            found = [entry for entry in found if entry.get("artifactType") == wanted]
            headers["OCI-Filters-Applied"] = "artifactType"
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": found}
        return web.Response(body=json.dumps(index).encode(), headers={"Content-Type": OCI_INDEX, **headers})


def _page(request: web.Request, names: list[str]) -> tuple[list[str], dict[str, str]]:
    """The names after ``last``, at most ``n`` of them, and the Link to the next page."""
    last = request.query.get("last")
    if last is not None:
        names = [name for name in names if name > last]
    limit = request.query.get("n")
    if limit is None:
        return names, {}
    # isdecimal alone is true for digits of other scripts, which int() reads too; that is harmless here.
    if not limit.isdecimal():
        raise Refusal(400, ErrorCode.PAGINATION_NUMBER_INVALID, "n is not a number", detail={"n": limit})
    count = int(limit)
    page = names[:count]
    if not page or len(page) == len(names):
        return page, {}
    return page, {"Link": f'<{request.path}?{urlencode({"n": count, "last": page[-1]})}>; rel="next"'}


def _referrer(manifest: RawManifest, subject: Digest) -> dict[str, Any] | None:
    """The descriptor of ``manifest`` where it refers to ``subject``."""
    try:
        document = parse_manifest(manifest.content)
    except Refusal:
        return None  # put in directly, or tampered with
    refers_to = document.get("subject")
    if not isinstance(refers_to, dict) or refers_to.get("digest") != str(subject):
        return None
    config = document.get("config")
    artifact_type = document.get("artifactType") or (config.get("mediaType") if isinstance(config, dict) else None)
    entry = {"mediaType": manifest.media_type, "digest": str(manifest.digest), "size": len(manifest.content)}
    if artifact_type:
        entry["artifactType"] = artifact_type
    if document.get("annotations"):
        entry["annotations"] = document["annotations"]
    return entry
