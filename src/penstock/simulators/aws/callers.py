"""Who asks which service in which region: what the signature of a request says, version 4; it is not verified."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[^/, ]+)/[0-9]{8}/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)/aws4_request, *"
    r"SignedHeaders=[a-z0-9;-]+, *Signature=[0-9a-f]{64}"
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Attributes: ``key``: the id of the access key; ``region`` and ``service``: that are asked; ``account``: the number of the key's."""

    key: str
    region: str
    service: str
    account: str


def caller_of(request: web.Request, accounts: Mapping[str, str], otherwise: str) -> Caller | None:
    """Who asks, or None where the request is not signed, or otherwise than this.

    Args:
        request: with its headers.
        accounts: the numbers of accounts by the ids of their keys.
        otherwise: the account of all other keys.
    """
    signed = _SIGNED.fullmatch(request.headers.get("Authorization", ""))
    if signed is None:
        return None
    return Caller(signed["key"], signed["region"], signed["service"], accounts.get(signed["key"], otherwise))
