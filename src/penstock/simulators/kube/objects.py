"""Secrets as an API server keeps them: the rules of core/v1 for writing, and one counter for versions."""

import base64
import binascii
import copy
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from penstock.simulators.cloud.clock import SimulatorClock, moment_text
from penstock.simulators.kube.status import already_exists, bad_request, conflict, invalid, not_found

Document = dict[str, Any]
_LONGEST_DATA_BYTES = 1 << 20
_DOCKER_CONFIG = ("kubernetes.io/dockerconfigjson", ".dockerconfigjson")
_OPAQUE = "Opaque"


class SecretShelf:
    """The Secrets of a cluster.

    Args:
        namespaces: those that exist.
        clock: for the time at which a Secret was made.
    """

    def __init__(self, namespaces: Iterable[str], clock: SimulatorClock) -> None:
        self.namespaces = set(namespaces)
        self._clock = clock
        self._secrets: dict[tuple[str, str], Document] = {}
        self._version = 1000

    def get(self, namespace: str, name: str) -> Document:
        """The Secret; a :class:`Refusal` where there is none."""
        found = self._secrets.get((namespace, name))
        if found is None:
            raise not_found("secrets", name)
        return copy.deepcopy(found)

    def list(self, namespace: str) -> Document:
        """All Secrets of a namespace."""
        items = [copy.deepcopy(secret) for (space, _), secret in sorted(self._secrets.items()) if space == namespace]
        for item in items:
            del item["kind"], item["apiVersion"]
        return {"kind": "SecretList", "apiVersion": "v1", "metadata": {"resourceVersion": str(self._version)}, "items": items}

    def create(self, namespace: str, document: Document) -> Document:
        """Make a Secret."""
        if namespace not in self.namespaces:
            raise not_found("namespaces", namespace)
        name = _named(document, namespace, "")
        if (namespace, name) in self._secrets:
            raise already_exists(name)
        if _metadata(document).get("resourceVersion"):
            raise bad_request("resourceVersion should not be set on objects to be created")
        made = _completed(document, namespace, name)
        made["metadata"] |= {"uid": str(uuid.uuid4()), "creationTimestamp": moment_text(self._clock.now.replace(microsecond=0))}
        return self._keep(made)

    def replace(self, namespace: str, name: str, document: Document) -> Document:
        """Put another one in the place of a Secret."""
        before = self.get(namespace, name)
        _named(document, namespace, name)
        return self._change(before, _completed(document, namespace, name))

    def merge(self, namespace: str, name: str, patch: Document) -> Document:
        """Change a Secret by a merge patch (RFC 7386)."""
        before = self.get(namespace, name)
        after = _merged(before, patch)
        _named(after, namespace, name)
        return self._change(before, _completed(after, namespace, name))

    def delete(self, namespace: str, name: str) -> Document:
        """Remove a Secret; what it was."""
        found = self.get(namespace, name)
        del self._secrets[namespace, name]
        self._version += 1
        return found

    def _change(self, before: Document, after: Document) -> Document:
        name = before["metadata"]["name"]
        wanted = _metadata(after).get("resourceVersion")
        if wanted not in (None, "", before["metadata"]["resourceVersion"]):
            raise conflict(name)
        if after["type"] != before["type"]:
            raise invalid(name, "type", f'Invalid value: "{after["type"]}": field is immutable')
        if before.get("immutable") and (after.get("data") != before.get("data") or not after.get("immutable")):
            raise invalid(name, "data", "Forbidden: field is immutable when `immutable` is set")
        for kept in ("uid", "creationTimestamp", "resourceVersion"):
            after["metadata"][kept] = before["metadata"][kept]
        return copy.deepcopy(before) if after == before else self._keep(after)

    def _keep(self, secret: Document) -> Document:
        self._version += 1
        secret["metadata"]["resourceVersion"] = str(self._version)
        self._secrets[secret["metadata"]["namespace"], secret["metadata"]["name"]] = secret
        return copy.deepcopy(secret)


def _metadata(document: Mapping[str, Any]) -> Document:
    metadata = document.get("metadata")
    if not isinstance(metadata, dict):
        raise bad_request("metadata must be an object")
    return metadata


def _named(document: Document, namespace: str, name: str) -> str:
    """The name in a document, which must agree with that in the path."""
    if document.get("kind", "Secret") != "Secret" or document.get("apiVersion", "v1") != "v1":
        raise bad_request("the object provided is unrecognized")
    metadata = _metadata(document)
    if metadata.get("namespace", namespace) != namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    said = str(metadata.get("name", name))
    if not said or (name and said != name):
        raise bad_request("the name of the object does not match the name on the URL")
    return said


def _completed(document: Document, namespace: str, name: str) -> Document:
    """The document with its defaults, ``stringData`` folded in; a :class:`Refusal` where it breaks a rule."""
    made = {"kind": "Secret", "apiVersion": "v1", "type": _OPAQUE, **copy.deepcopy(document)}
    made["metadata"] = {**made["metadata"], "namespace": namespace, "name": name}
    data = dict(made.get("data") or {})
    try:
        sizes = {key: len(base64.b64decode(text, validate=True)) for key, text in data.items()}
    except (binascii.Error, TypeError, ValueError):
        raise bad_request("illegal base64 data in Secret.data") from None
    for key, text in (made.pop("stringData", None) or {}).items():
        data[key] = base64.b64encode(text.encode()).decode()
        sizes[key] = len(text.encode())
    size_bytes = sum(sizes.values())
    if size_bytes > _LONGEST_DATA_BYTES:
        raise invalid(name, "data", f"Too long: may not be more than {_LONGEST_DATA_BYTES} bytes")
    kind, key = _DOCKER_CONFIG
    if made["type"] == kind and key not in data:
        raise invalid(name, f"data[{key}]", "Required value")
    made["data"] = data
    return made


def _merged(target: Any, patch: Any) -> Any:  # noqa: ANN401  # any JSON
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result
