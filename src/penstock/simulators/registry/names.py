"""Names in request paths, checked: distribution-spec, section "Pulling manifests"."""

import re

from aiohttp import web

from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.simulators.registry.refusal import ErrorCode, Refusal

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_MAX_NAME = 255


def parse_repository(text: str) -> str:
    """A repository's name, or NAME_INVALID."""
    if len(text) > _MAX_NAME or _NAME.fullmatch(text) is None:
        raise Refusal(400, ErrorCode.NAME_INVALID, "invalid repository name", detail={"name": text[:_MAX_NAME]})
    return text


def parse_digest(text: str) -> Digest:
    """A digest, or DIGEST_INVALID."""
    try:
        return Digest.parse(text)
    except InputError as error:
        raise Refusal(400, ErrorCode.DIGEST_INVALID, error.message) from error


def parse_reference(text: str) -> Digest | str:
    """A digest, or a tag, or MANIFEST_INVALID."""
    if ":" in text:
        return parse_digest(text)
    if _TAG.fullmatch(text) is None:
        raise Refusal(400, ErrorCode.MANIFEST_INVALID, "invalid tag", detail={"tag": text})
    return text


def repository_of(request: web.Request) -> str:
    """The repository in the path of ``request``."""
    return parse_repository(request.match_info["name"])
