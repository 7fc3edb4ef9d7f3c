"""Which files of the installer's ``data/coreos`` folder are streams, and which marketplace file belongs to each.

The folder has had four shapes (openshift/installer, ``data/data``):

=============  =============================  =======================================
OpenShift      streams                        marketplace files
=============  =============================  =======================================
4.8 to 4.9     ``rhcos-stream.json``          none
4.10 to 4.19   ``rhcos.json``, ``fcos.json``  none
4.20 to 4.21   ``rhcos.json``, ``scos.json``  ``marketplace-rhcos.json``
4.22 and on    ``coreos-rhel-9.json``, …      ``marketplace/coreos-rhel-9.json``, …
=============  =============================  =======================================

Since 4.22 the file's name is the stream's name.  The rules of that shape are those of ``hack/build-coreos-manifest.go``.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from penstock.model.errors import InputError

_OLD_NAMES = {False: ("rhcos.json", "rhcos-stream.json"), True: ("fcos.json",)}


@dataclass(frozen=True, slots=True)
class StreamFiles:
    """The files of one stream, as paths in the folder.

    Attributes:
        name: the stream's name, ``rhel-9``; ``""`` where the file tells none.
        stream: the stream document.
        marketplace: its marketplace file, or None.
    """

    name: str
    stream: str
    marketplace: str | None = None


def discover(paths: Iterable[str], *, scos: bool = False, subject: str) -> tuple[StreamFiles, ...]:
    """The streams of a folder, by name.

    Args:
        paths: of its files, relative to it, with slashes.
        scos: whether the streams of OKD are wanted, not those of OpenShift.
        subject: what the folder is called in the error.

    Raises:
        InputError: there is none.
    """
    present = frozenset(paths)
    found = _named(present, "scos" if scos else "coreos")
    if not found:
        old = next((name for name in _OLD_NAMES[scos] if name in present), None)
        found = [_with_twin("", old, f"marketplace-{old}", present)] if old else []
    if not found:
        wanted = "scos*.json" if scos else "coreos*.json, rhcos.json or rhcos-stream.json"
        raise InputError("no OS image streams found", subject=subject, hint=f"name a folder that holds {wanted}")
    return tuple(sorted(found, key=lambda files: files.name))


def _named(present: frozenset[str], family: str) -> list[StreamFiles]:
    found = []
    for path in sorted(present):
        stem = path.removesuffix(".json")
        if "/" in path or stem == path or not stem.startswith(family):
            continue
        if stem.startswith(f"{family}-"):
            found.append(_with_twin(stem.removeprefix(f"{family}-"), path, f"marketplace/{path}", present))
        elif "-" not in stem:
            found.append(_with_twin("", path, f"marketplace-{path}", present))
    return found


def _with_twin(name: str, stream: str, marketplace: str, present: frozenset[str]) -> StreamFiles:
    return StreamFiles(name, stream, marketplace if marketplace in present else None)
