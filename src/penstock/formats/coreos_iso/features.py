"""``coreos/features.json``: what the live system of an ISO can do with what is embedded; older ISOs have none of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import msgspec

from penstock.formats.codec import decode_json
from penstock.formats.coreos_iso import IsoFiles, read_document
from penstock.model.errors import OperationError

FEATURES_PATH = "coreos/features.json"


class Feature(StrEnum):
    """Something that must be there before a customisation may count on it."""

    INSTALLER_CONFIG = "installer-config"
    """The installer reads its options from ``/etc/coreos/installer.d``."""

    LIVE_INITRD_NETWORK = "live-initrd-network"
    """The initramfs reads NetworkManager's keyfiles from ``/etc/coreos-firstboot-network``."""


class _Document(msgspec.Struct, frozen=True, rename="kebab"):
    installer_config: bool = False
    live_initrd_network: bool = False
    installer_config_directives: Mapping[str, bool] = {}


@dataclass(frozen=True, slots=True)
class Features:
    """What an ISO can do.

    Attributes:
        present: its features.
        directives: the keys that a config file of the installer may hold (``dest-device``).
    """

    present: frozenset[Feature] = frozenset()
    directives: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, content: bytes, *, subject: str) -> Self:
        """Read ``features.json``.

        Raises:
            InputError: it is none.
        """
        document = decode_json(content, _Document, subject=subject)
        told = {
            Feature.INSTALLER_CONFIG: document.installer_config,
            Feature.LIVE_INITRD_NETWORK: document.live_initrd_network,
        }
        return cls(
            frozenset(feature for feature, is_there in told.items() if is_there),
            frozenset(name for name, is_there in document.installer_config_directives.items() if is_there),
        )

    def require(self, feature: Feature, *, subject: str) -> None:
        """Refuse an ISO without ``feature``.

        Raises:
            OperationError: it is not there.
        """
        if feature not in self.present:
            raise _missing(f"the feature {feature}", subject)

    def require_directive(self, directive: str, *, subject: str) -> None:
        """Refuse an ISO whose installer does not know ``directive`` in a config file.

        Raises:
            OperationError: it does not.
        """
        self.require(Feature.INSTALLER_CONFIG, subject=subject)
        if directive not in self.directives:
            raise _missing(f"{directive} in its installer's config", subject)


def read_features(iso: IsoFiles) -> Features:
    """The features of an ISO; one without ``features.json`` has none.

    Raises:
        InputError: the document is damaged.
        VerificationError: the ISO ends before it.
    """
    content = read_document(iso, FEATURES_PATH)
    return Features() if content is None else Features.parse(content, subject=f"{iso.name}: {FEATURES_PATH}")


def _missing(what: str, subject: str) -> OperationError:
    return OperationError(f"this image does not support {what}", subject=subject, hint="use a newer image")
