"""S3: moto's, and what moto leaves out: whose a bucket is, whether a part is what its checksum says, and objects larger than memory."""

import asyncio
import hashlib
from base64 import b64encode
from html import escape
from uuid import uuid4

from aiohttp import web

from penstock.simulators.aws.callers import Caller
from penstock.simulators.aws.mounted import MountedMoto
from penstock.simulators.aws.uploads import fits
from penstock.simulators.cloud.operations import Call, Refusal

_CODES = {401: "InvalidAccessKeyId", 403: "AccessDenied", 503: "SlowDown", 429: "SlowDown"}


class Storage:
    """S3 with addresses of the form ``/BUCKET/KEY``; only the owner of a bucket may use it."""

    def __init__(self, moto: MountedMoto) -> None:
        self._moto = moto

    async def answer(self, call: Call, caller: Caller) -> web.Response:
        """Answer any request."""
        bucket = call.request.path.lstrip("/").partition("/")[0]
        owner = self._moto.owner_of(bucket) if bucket else None
        creates = call.request.method == "PUT" and call.request.path.strip("/") == bucket and not call.request.query_string
        expected = call.request.headers.get("x-amz-expected-bucket-owner", owner)
        if owner is not None and not creates and (owner != caller.account or expected != owner):
            raise Refusal(403, "AccessDenied", "Access Denied")
        if fits(call.request) and bucket:
            return await self._moto.take_part(call.request, call.body, bucket)
        declared = call.request.headers.get("Content-MD5")
        if declared is not None and declared != b64encode(await asyncio.to_thread(_md5, call.body)).decode():
            raise Refusal(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
        if call.request.method == "POST" and "uploadId" in call.query:
            return await self._moto.complete(call.request, call.body, caller.account, bucket)
        return await self._moto.answer(call.request, call.body, caller.account)


def _md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).digest()


def s3_error(refusal: Refusal, request: web.Request, *, fault: bool) -> web.Response:
    """An error in S3's words; ``fault`` for one that was asked for and has only a status."""
    code = _CODES.get(refusal.status, "InternalError") if fault else refusal.code
    text = f"<Code>{escape(code)}</Code><Message>{escape(refusal.message)}</Message><RequestId>{uuid4().hex[:16].upper()}</RequestId>"
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{text}</Error>'.encode()
    content = None if request.method == "HEAD" else body
    return web.Response(body=content, status=refusal.status, headers=refusal.headers, content_type="application/xml")
