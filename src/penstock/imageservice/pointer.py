"""A small Ignition config in place of one that does not fit into an ISO: it names the address of the large one, and its hash.

Ignition (spec 2 and 3, ``ignition.config.replace``) fetches that, compares the hash, and goes on as if it had found the large one; so
nobody on the way can change it.
"""

import hashlib
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from penstock.formats.jsontext import COMPACT, parse_json, write_json
from penstock.imageservice.ignition import check_config
from penstock.model.errors import InputError
from penstock.model.record import Tree

_VERSION = re.compile(r"[23]\.\d+\.\d+(?:-experimental)?")
_FOR_FETCHING = (("proxy",), ("security", "tls", "certificateAuthorities"), ("timeouts",))
"""What Ignition uses of a config already while it fetches the one that replaces it."""


def pointer_config(url: str, config: bytes) -> bytes:
    """A config of the same version of the spec that makes Ignition take ``config`` from ``url``.

    Proxy, certificate authorities and timeouts are those of ``config``, as they may be needed to fetch it.

    Args:
        url: HTTP or HTTPS; whoever asks it must get the bytes of ``config``.
        config: an Ignition config of spec 2 or 3.

    Raises:
        InputError: the config is none that can be replaced, or the URL is none.
    """
    subject = "the Ignition config"
    version = check_config(config, subject=subject)
    if _VERSION.fullmatch(version) is None:
        raise InputError(f"no config of the version {version!r} can be replaced by another", subject=subject, hint="use spec 3")
    if urlsplit(url).scheme not in ("http", "https"):
        raise InputError("the address of the large config is not one of HTTP or HTTPS")
    replacement: Tree = {"source": url, "verification": {"hash": f"sha512-{config_sha512(config)}"}}
    section: dict[str, Tree] = {"version": version, "config": {"replace": replacement}}
    tree = parse_json(config, subject=subject)
    original = tree.get("ignition") if isinstance(tree, Mapping) else None
    for path in _FOR_FETCHING:
        _keep(original, section, path)
    return write_json({"ignition": section}, COMPACT)


def config_sha512(config: bytes) -> str:
    """By which a pointer, and the address in it, knows the config: 128 hex digits."""
    return hashlib.sha512(config).hexdigest()


def _keep(original: Tree, section: dict[str, Tree], path: tuple[str, ...]) -> None:
    """Take what stands at ``path`` in the original, if anything does."""
    found = original
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    if found:
        for key in reversed(path[1:]):
            found = {key: found}
        section[path[0]] = found
