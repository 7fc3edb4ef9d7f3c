"""From one URL to the next: redirects, who may see credentials, proxies, loopback.  All of it is pure.

RFC 9110, 15.4 (redirection).  The rule for credentials is stricter than common practice: ``Authorization`` goes to the scheme,
host *and port* it was made for, and nowhere else; once dropped on a way it stays dropped.
"""

import ipaddress
from collections.abc import Mapping
from http import HTTPStatus

from yarl import URL

from penstock.model.errors import InputError, OperationError

MAX_REDIRECTS = 10
REDIRECTS = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)


def next_hop(current: URL, location: str | None, *, subject: str) -> URL:
    """The URL that a redirect leads to; its query stays as it was signed.

    Raises:
        OperationError: the redirect names no HTTP address.
    """
    if not location:
        raise OperationError(f"{place_of(current)} redirects without saying where", subject=subject)
    try:
        target = current.join(URL(location, encoded=True))
        usable = target.scheme in ("http", "https") and bool(target.host) and target.port is not None
    except ValueError:
        usable, target = False, current
    if not usable:
        raise OperationError(f"{place_of(current)} redirects to something that is no HTTP address", subject=subject)
    return target.with_user(None)


def keeps_credentials(origin: URL, target: URL) -> bool:
    """Whether what was made for ``origin`` may be shown to ``target``."""
    return (origin.scheme, origin.host, origin.port) == (target.scheme, target.host, target.port)


def place_of(url: URL) -> str:
    """Host and port of a URL, for people: never its path or query, where signatures stand."""
    host = url.host or ""
    host = f"[{host}]" if ":" in host else host
    return host if url.explicit_port is None else f"{host}:{url.explicit_port}"


def is_loopback(host: str) -> bool:
    """Whether a registry's host is this machine: ``localhost`` or a loopback address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def proxy_for(url: URL, environment: Mapping[str, str]) -> URL | None:
    """The proxy that the environment names for ``url`` (``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY``, ``NO_PROXY``; either case).

    Loopback is never proxied.

    Raises:
        InputError: the variable holds no URL.
    """
    settings = _proxy_settings(environment)
    address = settings.get(url.scheme) or settings.get("all")
    host = url.host or ""
    if not address or is_loopback(host) or _goes_direct(host, url.port, settings.get("no", "")):
        return None
    try:
        proxy = URL(address if "://" in address else f"http://{address}")
        usable = proxy.scheme == "http" and bool(proxy.host)
    except ValueError:
        usable, proxy = False, url
    if not usable:
        raise InputError("the proxy is no http:// URL", subject=f"{url.scheme}_proxy", hint="write http://host:port")
    return proxy


def _proxy_settings(environment: Mapping[str, str]) -> dict[str, str]:
    settings = {}
    for scheme in ("http", "https", "all", "no"):
        value = environment.get(f"{scheme}_proxy")
        # HTTP_PROXY in capitals can be set by a remote client of a CGI program; only there is it ignored.
        if value is None and not (scheme == "http" and "REQUEST_METHOD" in environment):
            value = environment.get(f"{scheme.upper()}_PROXY")
        if value:
            settings[scheme] = value
    return settings


def _goes_direct(host: str, port: int | None, exceptions: str) -> bool:
    """Whether ``NO_PROXY`` names the host: ``*``, a name (subdomains included), an address or a network, each with an optional port."""
    address = _address(host)
    for exception in filter(None, (part.strip().lower() for part in exceptions.split(","))):
        if exception == "*":
            return True
        network = _network(exception)
        if network is not None:
            if address is not None and address in network:
                return True
            continue
        name, _, wanted_port = exception.partition(":")
        name = name.removeprefix("*").lstrip(".")
        if (not wanted_port or wanted_port == str(port)) and (host == name or host.endswith(f".{name}")):
            return True
    return False


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return None
