"""Registry credentials as files hold them: podman's ``auth.json``, Docker's ``config.json`` and ``.dockercfg``, Kubernetes pull secrets.

containers-auth.json(5); Docker's ``config.json`` (``auths``, ``credHelpers``, ``credsStore``); Kubernetes Secrets of the types
``kubernetes.io/dockerconfigjson`` and ``kubernetes.io/dockercfg``.  Running a credential helper is the adapter's business.
No message and no repr of this module holds a secret.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from penstock.formats.jsontext import parse_json
from penstock.formats.yamltext import parse_yaml
from penstock.model.errors import InputError

DOCKER_HUB = "docker.io"
DOCKER_HUB_KEY = "https://index.docker.io/v1/"
"""The name under which Docker's tools keep the credentials of Docker Hub."""

_DOCKER_HUB_ALIASES = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
_SECRET_KEYS = (".dockerconfigjson", ".dockercfg")


@dataclass(frozen=True, slots=True)
class AuthEntry:
    """What one key of an auth file gives; every part is a secret and none is shown.

    Attributes:
        username: for Basic authentication and for asking a token.
        password: beside it.
        identity_token: an OAuth2 refresh token, used in the place of a password.
        registry_token: a bearer token for the registry itself.
    """

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether the entry is a mere mark, as Docker writes it when a credential store holds the secret."""
        return not (self.username or self.identity_token or self.registry_token)


@dataclass(frozen=True, slots=True)
class AuthFile:
    """One file's credentials.

    Attributes:
        entries: by key: ``host[:port][/path]``, or a legacy URL.
        helpers: credential helpers (what stands behind ``docker-credential-``) by registry.
        store: the helper for every other registry, or ``""``.
    """

    entries: Mapping[str, AuthEntry] = field(default_factory=dict)
    helpers: Mapping[str, str] = field(default_factory=dict)
    store: str = ""

    def find(self, registry: str, path: str) -> tuple[str, AuthEntry] | None:
        """The entry for a repository, under the most specific key: repository, its namespaces, the registry, legacy URLs of it."""
        for key in lookup_keys(registry, path):
            entry = self.entries.get(key)
            if entry is not None and not entry.is_empty:
                return key, entry
        wanted = _canonical(registry)
        for key, entry in self.entries.items():
            if not entry.is_empty and _registry_of(key) == wanted:
                return key, entry
        return None

    def helper(self, registry: str, path: str) -> str:
        """The helper that is named for this repository or its registry, or ``""``."""
        for key in (*lookup_keys(registry, path), _canonical(registry), DOCKER_HUB_KEY if _canonical(registry) == DOCKER_HUB else ""):
            if self.helpers.get(key):
                return self.helpers[key]
        return ""


def lookup_keys(registry: str, path: str) -> Iterator[str]:
    """``registry/a/b``, ``registry/a``, ``registry``: the keys under which credentials may stand, most specific first."""
    while path:
        yield f"{registry}/{path}"
        path = path.rpartition("/")[0]
    yield registry


def parse_authfile(content: bytes, *, subject: str) -> AuthFile:
    """Read any of the four forms.

    Args:
        content: the file.
        subject: its name, for messages.

    Raises:
        InputError: the file is of none of these forms, or an entry cannot be decoded.
    """
    # A JSON document is tried as JSON even though it is YAML too: its messages name the line, and it is the common case.
    tree = parse_json(content, subject=subject) if content.lstrip()[:1] == b"{" else parse_yaml(content, subject=subject)
    document = _mapping(tree if tree is not None else [], "the document", subject)
    if document.get("kind") == "Secret":
        return _of_secret(document, subject)
    if "auths" in document or "credHelpers" in document or "credsStore" in document:
        return _of_config(document, subject)
    return AuthFile(_entries(document, subject)) if _is_dockercfg(document) else _of_config(document, subject)


def parse_pull_secret(content: bytes, *, subject: str) -> AuthFile:
    """Read a pull secret: JSON, with credentials for one registry at least under ``auths``.

    Raises:
        InputError: it is something else; nothing of it is in the message.
    """
    try:
        tree = parse_json(content, subject=subject)
    except InputError:
        tree = None  # the cause is dropped on purpose: it may quote the secret
    if not isinstance(tree, Mapping) or not isinstance(tree.get("auths"), Mapping):
        raise InputError("this is no pull secret", subject=subject, hint='a pull secret looks like {"auths": {"quay.io": {"auth": "…"}}}')
    found = parse_authfile(content, subject=subject)
    if all(entry.is_empty for entry in found.entries.values()):
        raise InputError("the pull secret holds no credentials", subject=subject, hint="take it anew from where it comes from")
    return found


def is_same_document(first: bytes, second: bytes) -> bool:
    """Whether two JSON documents say the same, however they are laid out."""
    if first == second:
        return True
    try:
        return parse_json(first, subject="") == parse_json(second, subject="")
    except InputError:
        return False


def _of_secret(document: Mapping[str, object], subject: str) -> AuthFile:
    data = _mapping(document.get("data"), "data", subject)
    plain = _mapping(document.get("stringData"), "stringData", subject)
    for key in _SECRET_KEYS:
        text = plain.get(key)
        if isinstance(text, str):
            return parse_authfile(text.encode(), subject=f"{subject} ({key})")
        encoded = data.get(key)
        if isinstance(encoded, str):
            return parse_authfile(_decoded(encoded, key, subject), subject=f"{subject} ({key})")
    raise InputError("the Secret holds no registry credentials", subject=subject, hint="its data needs the key .dockerconfigjson")


def _of_config(document: Mapping[str, object], subject: str) -> AuthFile:
    helpers = _mapping(document.get("credHelpers"), "credHelpers", subject)
    store = document.get("credsStore")
    store = "" if store is None else store
    if not isinstance(store, str) or not all(isinstance(name, str) for name in helpers.values()):
        raise InputError("a credential helper's name is not text", subject=subject)
    entries = _entries(_mapping(document.get("auths"), "auths", subject), subject)
    return AuthFile(entries, {key: str(name) for key, name in helpers.items()}, store)


def _entries(auths: Mapping[str, object], subject: str) -> dict[str, AuthEntry]:
    return {key: _entry(_mapping(value, f"the entry {key!r}", subject), key, subject) for key, value in auths.items()}


def _entry(fields: Mapping[str, object], key: str, subject: str) -> AuthEntry:
    texts = {}
    for name in ("auth", "username", "password", "identitytoken", "registrytoken"):
        value = fields.get(name)
        value = "" if value is None else value
        if not isinstance(value, str):
            raise InputError(f"{name} of the entry {key!r} is not text", subject=subject)
        texts[name] = value
    username, password = texts["username"], texts["password"]
    if texts["auth"]:
        try:
            pair = _decoded(texts["auth"], f"auth of the entry {key!r}", subject).decode()
        except UnicodeDecodeError:
            raise InputError(f"auth of the entry {key!r} is not UTF-8", subject=subject) from None
        username, colon, password = pair.rstrip("\0").partition(":")
        if not colon:
            raise InputError(f"auth of the entry {key!r} is not base64 of user:password", subject=subject)
    return AuthEntry(username, password, texts["identitytoken"], texts["registrytoken"])


def _decoded(text: str, what: str, subject: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        # The cause is dropped on purpose: it may quote the secret.
        raise InputError(f"{what} is not base64", subject=subject) from None


def _mapping(value: object, what: str, subject: str) -> Mapping[str, object]:
    """An object of the document; one that is absent or null is empty."""
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InputError(f"{what} is not an object", subject=subject, hint='an auth file looks like {"auths": {"quay.io": {"auth": "…"}}}')
    return value


def _is_dockercfg(document: Mapping[str, object]) -> bool:
    return bool(document) and all(isinstance(value, Mapping) and "auth" in value for value in document.values())


def _registry_of(key: str) -> str:
    """The registry of a legacy key such as ``https://host/v1/``; ``""`` for a key that names a namespace."""
    bare = key.removeprefix("https://").removeprefix("http://")
    host, slash, rest = bare.partition("/")
    if slash and bare == key:
        return ""
    return _canonical(host) if rest.strip("/") in ("", "v1", "v2") else ""


def _canonical(registry: str) -> str:
    return DOCKER_HUB if registry in _DOCKER_HUB_ALIASES else registry
