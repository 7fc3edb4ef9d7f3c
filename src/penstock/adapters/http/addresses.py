"""Addresses that the user gives: where questions go, and whether a secret may go there too."""

from yarl import URL

from penstock.adapters.http.hops import is_loopback, place_of
from penstock.model.errors import InputError


def service_address(text: str, what: str) -> URL:
    """The address of a service that is shown tokens: HTTPS, or plain HTTP on this machine.

    Args:
        text: as it was given.
        what: it is the address of, for messages.

    Raises:
        InputError: it is none, holds a query or credentials, or would let secrets out in the clear.
    """
    url = open_address(text, what)
    if url.scheme == "http" and not is_loopback(url.host or ""):
        raise InputError(f"secrets would go to {place_of(url)} in the clear", subject=what, hint="use https://")
    return url


def open_address(text: str, what: str) -> URL:
    """The address of a service that is shown nothing secret: HTTPS, or plain HTTP anywhere.

    Args:
        text: as it was given.
        what: it is the address of, for messages.

    Raises:
        InputError: it is none, or holds a query or credentials.
    """
    try:
        url = URL(text)
        usable = url.scheme in ("http", "https") and bool(url.host) and not (url.query or url.user or url.fragment)
    except ValueError:
        usable, url = False, URL()
    if not usable:
        raise InputError("is no address of a service", subject=what, hint="write https://HOST[:PORT]")
    return url
