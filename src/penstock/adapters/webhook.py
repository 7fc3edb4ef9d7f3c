"""A document posted to a webhook.

The address of a webhook often *is* the secret: whoever knows it may post.  So it is never shown; messages name the host, and the error
keeps no cause, in whose text a library may have put the address.  A redirect is not followed: what was meant for one address goes to no
other.
"""

import hashlib
from typing import Final

from yarl import URL

from penstock.adapters.http.failures import TRY_LATER, Throttled, is_transient_status, retry_after_s, status_text
from penstock.adapters.http.hops import is_loopback, place_of
from penstock.adapters.http.options import HttpOptions
from penstock.adapters.http.retrying import retried
from penstock.adapters.http.transport import Request, Transport
from penstock.model.errors import InputError, OperationError, PenstockError, TransientError

SUBJECT: Final = "the webhook"
_SUCCESSES: Final = range(200, 300)


def webhook_address(text: str) -> URL:
    """The address, read.

    Raises:
        InputError: it is none, or a secret would travel in the clear; the text is not in the message.
    """
    try:
        url = URL(text)
        usable = url.scheme in ("http", "https") and bool(url.host) and url.port is not None
    except ValueError:
        usable, url = False, URL()
    if not usable:
        raise InputError("the address is none", subject=SUBJECT, hint="write https://HOST/PATH")
    if url.scheme == "http" and not is_loopback(url.host or ""):
        raise InputError(f"its address would go to {place_of(url)} in the clear, and it is a secret", subject=SUBJECT, hint="use https://")
    return url


async def post_json(address: str, body: bytes, options: HttpOptions) -> None:
    """Post a JSON document; tried again where the failure may pass.

    Every try carries the same ``Idempotency-Key``, made of the document, so that a receiver can tell a second try from a second report.

    Raises:
        InputError: the address is none.
        TransientError: the receiver did not take it, and may yet.
        OperationError: the receiver refuses it.
    """
    url = webhook_address(address)
    headers = {"Content-Type": "application/json", "Idempotency-Key": hashlib.sha256(body).hexdigest()}
    request = Request("POST", SUBJECT, headers, body=lambda: body)
    transport = Transport(options)
    failure: PenstockError | None = None
    try:
        await retried(lambda: _once(transport, request, url, options), options.retries)
    except PenstockError as error:
        failure = error
    finally:
        await transport.close()
    if failure is not None:
        raise failure.with_traceback(None) from None


async def _once(transport: Transport, request: Request, url: URL, options: HttpOptions) -> None:
    answer = await transport.exchange(request, url, insecure=options.insecure)
    if answer.status in _SUCCESSES:
        return
    said = f"{place_of(url)} answered {status_text(answer.status)}"
    if not is_transient_status(answer.status):
        raise OperationError(said, subject=SUBJECT, hint="look at the address and at what it wants to be sent")
    wait_s = retry_after_s(answer.headers.get("Retry-After"))
    if wait_s is not None:
        raise Throttled(said, subject=SUBJECT, hint=TRY_LATER, retry_after_s=wait_s)
    raise TransientError(said, subject=SUBJECT, hint=TRY_LATER)
