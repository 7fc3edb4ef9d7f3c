"""What every step of the demo needs, and the names that they share."""

from dataclasses import dataclass
from pathlib import Path

from penstock.demo.narrator import Narrator
from penstock.model.arch import Arch
from penstock.model.imageref import ImageRef
from penstock.ports import Ledger, ProgressSink, Registry
from penstock.simulators.registry import RegistrySimulator

VERSION = "4.22.0"
PAYLOAD = f"demo/release:{VERSION}"
"""Where the payload stands in the embedded registry."""
ARCH = Arch.X86_64
ISO = f"/coreos/coreos-{ARCH}.iso"


@dataclass(frozen=True, slots=True)
class Stage:
    """What every step of the demo needs.

    Attributes:
        folder: everything that the demo writes is below it.
        registry: the embedded registry.
        images: a client of it.
        ledger: the demo's own.
        narrator: tells the story.
        progress: is told of bytes.
    """

    folder: Path
    registry: RegistrySimulator
    images: Registry
    ledger: Ledger
    narrator: Narrator
    progress: ProgressSink

    def ref(self, name: str) -> ImageRef:
        """A tagged reference into the embedded registry."""
        return ImageRef.parse(f"{self.registry.host}/{name}")
