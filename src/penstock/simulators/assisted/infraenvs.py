"""Infra-envs, and how assisted-service shows them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class InfraEnv:
    """What the hosts of an infra-env get.

    Attributes:
        ignition: the config, as it is sent.
        ramdisk: a gzip'd cpio archive, or None for 204.
        kernel_arguments: JSON as the text that the API has it in, see :func:`kernel_arguments_text`; None where nobody set any.
        changed_at: what ``Last-Modified`` of the config says; None for no such header.
        name: for people.
    """

    ignition: bytes = field(repr=False)
    ramdisk: bytes | None = field(default=None, repr=False)
    kernel_arguments: str | None = field(default=None, repr=False)
    changed_at: datetime | None = datetime(2026, 1, 1, tzinfo=UTC)
    name: str = "simulated"

    def document(self, host: str) -> dict[str, object]:
        """As ``GET /v2/infra-envs/{id}`` says it (assisted-service: ``swagger.yaml``), without what no image service reads."""
        told: dict[str, object] = {
            "kind": "InfraEnv",
            "id": host,
            "href": f"/api/assisted-install/v2/infra-envs/{host}",
            "name": self.name,
            "type": "minimal-iso",
            "cpu_architecture": "x86_64",
        }
        if self.kernel_arguments is not None:
            told["kernel_arguments"] = self.kernel_arguments
        return told


def kernel_arguments_text(values: Iterable[str], *, operation: str = "append") -> str:
    """``[{"operation": "append", "value": "console=ttyS0"}]``: the text that an infra-env holds for these arguments."""
    return json.dumps([{"operation": operation, "value": value} for value in values], separators=(",", ":"))
