"""What the ``meta`` of a mapping says of an image's place in Google Cloud; all faults at once.

``family``, ``licenses``, ``guest_os_features`` and ``description`` are attributes of the image itself, see
:mod:`penstock.formats.itemmeta`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from penstock.formats.codec import decode
from penstock.formats.everyfault import DocumentFaults, faults_of
from penstock.formats.text import DocumentFault, fault
from penstock.model.push.gcp import CONTENT_LABEL, DeprecationState

_ROOT = ("meta",)
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_MEMBER = re.compile(r"(?:user|group|serviceAccount|domain|principal|principalSet):\S+|(?:project(?:Owner|Editor|Viewer)):\S+")
_MOST_LABELS = 63  # 64, of which one says the content
_NAME_FIELDS = {"name": "", "version": "", "release": "", "arch": "", "date": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpMeta:
    """What is said of an image at a destination.

    Attributes:
        public: whether everybody may use it in the end.
        deprecates: what becomes of older images of the family; None for nothing.
        labels: in their order.
        storage_locations: where Google keeps it.
        members: of IAM who may make machines of it, each once.
        image_name: a ``str.format`` template over name, version, release, arch and date; ``""`` for the usual name.
    """

    public: bool = False
    deprecates: DeprecationState | None = None
    labels: tuple[tuple[str, str], ...] = ()
    storage_locations: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    image_name: str = ""


class _Meta(msgspec.Struct, frozen=True, kw_only=True):
    public: bool | None = None
    deprecate_previous: bool | str | None = None
    labels: dict[str, str] | None = None
    storage_locations: list[str] | None = None
    accounts: list[str] | None = None
    sharing_accounts: list[str] | None = None
    image_name: str | None = None


def read_gcp_meta(meta: Mapping[str, Any], tags: Mapping[str, str], *, subject: str) -> GcpMeta:
    """What ``meta`` says; keys of others are passed over.

    ===========================  =====================================================================================
    ``public``                   true or false; false where nobody says it
    ``deprecate_previous``       true (``DEPRECATED``), false, ``DEPRECATED``, ``OBSOLETE`` or ``DELETED``
    ``labels``                   labels of the image; the destination's ``tags`` count before them
    ``storage_locations``        where Google keeps the image: ``us``, ``europe-west1``
    ``accounts``                 (else ``sharing_accounts``) members of IAM: ``group:qa@example.com``, ``domain:example.com``
    ``image_name``               ``fedora-coreos-{version}-gcp-{arch}``
    ===========================  =====================================================================================

    Args:
        meta: plain data.
        tags: of the destination.
        subject: what the meta is called in errors.

    Raises:
        DocumentFaults: values of a wrong type or spelling, all at once, with their path in ``$.meta``.
    """
    shape = list(faults_of(dict(meta), _Meta, subject=subject, path=_ROOT))
    if shape:
        raise DocumentFaults(shape, subject=subject)
    said = decode(dict(meta), _Meta, subject=subject)
    labels = {**(said.labels or {}), **tags}
    wrong = [*_wrong_in(said, labels, subject)]
    if wrong:
        raise DocumentFaults(wrong, subject=subject)
    return GcpMeta(
        public=bool(said.public),
        deprecates=_state(said),
        labels=tuple(labels.items()),
        storage_locations=tuple(dict.fromkeys(said.storage_locations or ())),
        members=tuple(dict.fromkeys(said.accounts or said.sharing_accounts or ())),
        image_name=said.image_name or "",
    )


def _state(said: _Meta) -> DeprecationState | None:
    if isinstance(said.deprecate_previous, str):
        return DeprecationState(said.deprecate_previous)
    return DeprecationState.DEPRECATED if said.deprecate_previous else None


def _wrong_in(said: _Meta, labels: Mapping[str, str], subject: str) -> Iterator[DocumentFault]:
    states = [each.value for each in DeprecationState if each is not DeprecationState.ACTIVE]
    if isinstance(said.deprecate_previous, str) and said.deprecate_previous not in states:
        problem = f"{said.deprecate_previous!r} is none of true, false, {', '.join(states)}"
        yield fault(problem, subject=subject, path=(*_ROOT, "deprecate_previous"))
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value) or key == CONTENT_LABEL:
            problem = f"{key}={value} is no label of Google Cloud: small letters, digits, - and _, 63 at most; {CONTENT_LABEL} is ours"
            yield fault(problem, subject=subject, path=(*_ROOT, "labels", key))
    if len(labels) > _MOST_LABELS:
        problem = f"there are {len(labels)} labels, and Google takes {_MOST_LABELS} beside ours"
        yield fault(problem, subject=subject, path=(*_ROOT, "labels"))
    key = "accounts" if said.accounts else "sharing_accounts"
    for index, member in enumerate(said.accounts or said.sharing_accounts or ()):
        if not _MEMBER.fullmatch(member):
            problem = f"{member!r} is no member of IAM, as group:qa@example.com is; whoever means everybody says public: true"
            yield fault(problem, subject=subject, path=(*_ROOT, key, index))
    if said.image_name:
        try:
            said.image_name.format(**_NAME_FIELDS)
        except (KeyError, IndexError, ValueError, AttributeError):
            problem = f"{said.image_name!r} is no template; it may have {', '.join(f'{{{name}}}' for name in _NAME_FIELDS)}"
            yield fault(problem, subject=subject, path=(*_ROOT, "image_name"))
